"use strict";
const root = document.documentElement;
const figures = [...document.querySelectorAll("figure[data-figure]")];

function isDark() {
  if (root.dataset.theme) return root.dataset.theme === "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

// Figures are transparent; only their text and grid have to follow the page.
function colours(layout) {
  const style = getComputedStyle(root);
  const changed = { "font.color": style.getPropertyValue("--text").trim() };
  for (const axis of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) {
    changed[axis + ".gridcolor"] = style.getPropertyValue("--grid").trim();
  }
  return changed;
}

// PLOTLY stands above this script and is part of what the policy's hash covers: were it read from
// the page, markup in an output could name a script of its own. In a gallery it is the address of
// the plotly.js that the reports share; in a file that stands alone, plotly.js itself, packed.
async function address() {
  if (PLOTLY.src) return PLOTLY.src;
  const bytes = Uint8Array.from(atob(PLOTLY.packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return URL.createObjectURL(new Blob([await new Response(stream).text()], { type: "text/javascript" }));
}

async function plotly() {
  const script = document.createElement("script");
  script.src = await address();
  await new Promise((done, fail) => {
    script.onload = done;
    script.onerror = fail;
    document.head.append(script);
  });
  URL.revokeObjectURL(script.src);
}

function missing() {
  return PLOTLY.src
    ? `This figure needs the file ${PLOTLY.src} beside the report; \`aiopslab gallery export\` makes one file of both. `
    : "This figure needs a browser of 2023 or later. ";
}

async function draw() {
  if (!figures.length) return;
  try {
    await plotly();
  } catch (error) {
    for (const figure of figures) {
      figure.querySelector(".missing").textContent =
        missing() + figure.querySelector("figcaption").textContent;
    }
    return;
  }
  for (const figure of figures) {
    const { data, layout } = JSON.parse(document.getElementById(figure.dataset.figure).textContent);
    const target = figure.querySelector(".plot");
    figure.querySelector(".missing").remove();
    await Plotly.newPlot(target, data, layout, { responsive: true, displaylogo: false });
    await Plotly.relayout(target, colours(layout));
  }
  root.dataset.drawn = "true";
}

function recolour() {
  if (!root.dataset.drawn) return;
  for (const figure of figures) {
    const target = figure.querySelector(".plot");
    Plotly.relayout(target, colours(target.layout));
  }
}

document.getElementById("theme").addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  recolour();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);

function resize(width) {
  if (!root.dataset.drawn) return;
  for (const figure of figures) {
    const target = figure.querySelector(".plot");
    Plotly.relayout(target, width ? { width, autosize: false } : { width: null, autosize: true });
  }
}

// Paper is light, whatever the screen was, and A4 with margins of 1.5 cm is so many pixels wide.
const PAPER = 660;
let onScreen;
addEventListener("beforeprint", () => {
  onScreen = root.dataset.theme;
  root.dataset.theme = "light";
  recolour();
  resize(PAPER);
});
addEventListener("afterprint", () => {
  if (onScreen) root.dataset.theme = onScreen;
  else delete root.dataset.theme;
  recolour();
  resize(null);
});

const toggle = document.getElementById("code");
toggle?.addEventListener("click", () => {
  const show = toggle.getAttribute("aria-pressed") !== "true";
  toggle.setAttribute("aria-pressed", show);
  toggle.textContent = show ? "Hide code" : "Show code";
  document.body.classList.toggle("with-code", show);
});

draw();
