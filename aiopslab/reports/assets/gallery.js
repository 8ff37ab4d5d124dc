"use strict";
const root = document.documentElement;
const rows = [...document.querySelectorAll(".runs li")];
const filters = document.querySelector(".filters");
const shown = document.getElementById("shown");

function apply() {
  const { search, template, state, from, to } = Object.fromEntries(new FormData(filters));
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    const day = row.dataset.started.slice(0, 10);
    row.hidden = !(
      words.every((word) => text.includes(word)) &&
      (!template || row.dataset.template === template) &&
      (!state || row.dataset.state === state) &&
      (!from || day >= from) &&
      (!to || day <= to)
    );
    count += !row.hidden;
  }
  shown.textContent = `${count} of ${rows.length} reports`;
}

filters.addEventListener("input", apply);
filters.addEventListener("reset", () => setTimeout(apply));
filters.addEventListener("submit", (event) => event.preventDefault());
document.getElementById("theme").addEventListener("click", () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});
apply();
