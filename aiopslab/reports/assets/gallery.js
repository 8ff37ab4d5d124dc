"use strict";
const SHOWN = 50;
const WORST = ["failed", "act", "watch", "ok", "running"];
const root = document.documentElement;
const part = (id) => document.getElementById(id);
const filters = document.querySelector(".filters");
const list = document.querySelector(".runs");
const facts = JSON.parse(document.querySelector("body > #facts").textContent);
const runs = new Map(facts.map((run) => [run.id, run]));
const rows = [...list.querySelectorAll("li")].map((element) => {
  const run = runs.get(element.dataset.id);
  const given = Object.entries(run.parameters).map(([name, value]) => `${name}=${value}`);
  const text = [run.id, run.headline, run.title, run.series, ...run.sources, ...given].join(" ");
  return { element, run, text: text.toLowerCase(), pick: element.querySelector(".pick") };
});
let page = 1;
root.classList.add("with-script");

// What is asked for stands behind the # of the address, so that a link leads back to it.
function asked() {
  return Object.fromEntries([...new FormData(filters)].filter(([, value]) => value));
}

function address(values) {
  return "#" + new URLSearchParams(values).toString();
}

const ORDERS = {
  newest: () => 0,
  worst: (a, b) => WORST.indexOf(a.run.state) - WORST.indexOf(b.run.state),
  longest: (a, b) => (b.run.seconds ?? -1) - (a.run.seconds ?? -1),
};

function found() {
  const { search = "", template, state, series, from, to, sort = "newest" } = asked();
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = ({ run, text }) => {
    const day = run.started.slice(0, 10);
    return (
      words.every((word) => text.includes(word)) &&
      (!template || run.template === template) &&
      (!state || run.state === state) &&
      (!series || run.series === series) &&
      (!from || day >= from) &&
      (!to || day <= to)
    );
  };
  const fitting = rows.filter(fits);
  return sort === "oldest" ? fitting.reverse() : fitting.sort(ORDERS[sort] ?? ORDERS.newest);
}

function show() {
  const fitting = found();
  const pages = Math.max(1, Math.ceil(fitting.length / SHOWN));
  page = Math.min(Math.max(1, page), pages);
  const first = (page - 1) * SHOWN;
  list.replaceChildren(...fitting.slice(first, first + SHOWN).map((row) => row.element));
  const one = rows.length === 1 ? "report" : "reports";
  part("shown").textContent = `${fitting.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} ${one}`;
  part("place").textContent = `page ${page} of ${pages}`;
  part("before").disabled = page === 1;
  part("after").disabled = page === pages;
  document.querySelector(".pages").hidden = pages === 1;
}

function turn(to) {
  page = to;
  show();
  keep();
  scrollTo(0, 0);
}

function keep() {
  const values = page > 1 ? { ...asked(), page } : asked();
  history.replaceState(null, "", address(values));
}

function row(cells, tag = "td") {
  const line = document.createElement("tr");
  for (const [place, cell] of cells.entries()) {
    const made = document.createElement(place ? tag : "th");
    made.append(cell);
    line.append(made);
  }
  return line;
}

function written(value) {
  if (value === undefined) return "–";
  if (value === null) return "none";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function number(value) {
  return typeof value === "number" ? Number(value.toPrecision(4)).toLocaleString("en", { maximumSignificantDigits: 4 }) : "–";
}

function change(a, b) {
  if (typeof a !== "number" || typeof b !== "number") return "";
  if (a === b) return "the same";
  const sign = b > a ? "+" : "−";
  const share = a ? ` (${sign}${number(Math.abs((100 * (b - a)) / a))} %)` : "";
  return `${sign}${number(Math.abs(b - a))}${share}`;
}

function time(run) {
  return `${run.started.slice(0, 16).replace("T", " ")} UTC`;
}

function table(caption, one, other, key, cells) {
  const [a, b] = [one[key], other[key]];
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  if (!names.length) return "";
  const made = document.createElement("table");
  made.createCaption().textContent = caption;
  made.createTHead().append(row(["", time(one), time(other), "difference"], "th"));
  const body = made.createTBody();
  for (const name of names) {
    const [left, right, said] = cells(a[name], b[name]);
    const line = row([name, left, right, said]);
    line.classList.toggle("differs", left !== right);
    body.append(line);
  }
  const box = document.createElement("div");
  box.className = "wide";
  box.append(made);
  return box;
}

function side(run) {
  const card = document.createElement("article");
  const listed = rows.find((each) => each.run === run).element;
  const [level, link] = [".level", ".said"].map((part) => listed.querySelector(part).cloneNode(true));
  const when = document.createElement("p");
  when.className = "soft";
  when.textContent = `${time(run)} · ${run.title} · ${run.id}`;
  card.append(level, " ", link, when);
  return card;
}

function compare(one, other) {
  const place = part("comparison");
  const title = document.createElement("h2");
  title.textContent = "Two runs beside each other";
  const back = document.createElement("button");
  back.type = "button";
  back.textContent = "Back to the list";
  back.addEventListener("click", () => (location.hash = address(asked())));
  const [a, b] = [runs.get(one), runs.get(other)];
  place.replaceChildren(back, title);
  if (!a || !b) {
    place.append("One of these runs is not on this page; it may be on the page of its series or its month.");
    return;
  }
  const sides = document.createElement("div");
  sides.className = "sides";
  sides.append(side(a), side(b));
  const plain = (left, right) => {
    const [first, second] = [written(left), written(right)];
    return [first, second, first === second ? "the same" : "differs"];
  };
  const figures = (left, right) => [number(left), number(right), change(left, right)];
  const more = document.createElement("p");
  more.className = "soft";
  const command = document.createElement("code");
  command.textContent = `aiopslab diff ${one} ${other}`;
  more.append("With findings, intervals and figures: ", command);
  place.append(
    sides,
    table("Headline figures", a, b, "metrics", figures),
    table("Parameters", a, b, "parameters", plain),
    table("Versions", a, b, "versions", plain),
    more,
  );
}

function picked() {
  return rows.filter(({ pick }) => pick.checked).map(({ run }) => run);
}

function weigh() {
  const chosen = picked();
  part("tray").hidden = !chosen.length;
  part("chosen").textContent = chosen.length === 1 ? "1 run chosen; choose another to compare." : `${chosen.length} runs chosen.`;
  part("compare").hidden = chosen.length !== 2;
  if (chosen.length === 2) {
    // The older one stands to the left.
    const [b, a] = chosen;
    part("compare").href = address({ compare: a.id, with: b.id });
  }
}

function go() {
  const values = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  const compares = Boolean(values.compare && values.with);
  part("list").hidden = compares;
  part("comparison").hidden = !compares;
  document.querySelector(".trends")?.toggleAttribute("hidden", compares);
  if (compares) {
    part("tray").hidden = true;
    compare(values.compare, values.with);
    scrollTo(0, 0);
    return;
  }
  for (const field of filters.elements) {
    if (field.name) field.value = values[field.name] ?? "";
  }
  page = Number(values.page) || 1;
  show();
  weigh();
}

filters.addEventListener("input", () => {
  page = 1;
  show();
  keep();
});
filters.addEventListener("reset", () =>
  setTimeout(() => {
    page = 1;
    show();
    keep();
  }),
);
filters.addEventListener("submit", (event) => event.preventDefault());
list.addEventListener("change", weigh);
part("before").addEventListener("click", () => turn(page - 1));
part("after").addEventListener("click", () => turn(page + 1));
part("none").addEventListener("click", () => {
  for (const { pick } of rows) pick.checked = false;
  weigh();
});
part("theme").addEventListener("click", () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});
addEventListener("hashchange", go);
go();
