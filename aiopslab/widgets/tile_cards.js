// The cards of an overview: one of them is chosen, by a click or by keys; see tile_cards.py.
const STYLE = `
.aiopslab-cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(11em, 1fr)); gap: .5em; }
.aiopslab-card { display: flex; flex-direction: column; font: inherit; text-align: left; padding: .5em .7em; border-radius: 4px; cursor: pointer;
  background: transparent; color: var(--jp-ui-font-color1, currentColor); overflow-wrap: anywhere;
  border: 1px solid var(--jp-border-color2, #8888); border-left-width: 6px; }
.aiopslab-card[aria-checked=true] { outline: 2px solid currentColor; outline-offset: -1px; }
.aiopslab-card:focus-visible { outline: 3px solid var(--jp-brand-color1, #2f7fc1); outline-offset: 1px; }
.aiopslab-card-value { font-size: 1.5em; line-height: 1.4; }
.aiopslab-card small { color: var(--jp-ui-font-color2, currentColor); }
.aiopslab-card svg { max-width: 100%; }`;
const MOVES = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

function line(kind, text, className) {
  const made = document.createElement(kind);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function render({ model, el }) {
  const style = document.createElement("style");
  style.textContent = STYLE;
  const group = document.createElement("div");
  group.className = "aiopslab-cards";
  group.setAttribute("role", "radiogroup");
  group.setAttribute("aria-label", "Health tiles");
  el.append(style, group);

  const choose = (name) => {
    model.set("chosen", name);
    model.save_changes();
  };
  const focus = () => group.querySelector("[aria-checked=true]")?.focus();
  const draw = () => {
    const held = group.contains(document.activeElement);
    const cards = model.get("cards").map((card) => {
      const button = document.createElement("button");
      const chosen = card.name === model.get("chosen");
      button.type = "button";
      button.className = "aiopslab-card";
      button.style.borderLeftColor = card.colour;
      button.dataset.tile = card.name;
      button.setAttribute("role", "radio");
      button.setAttribute("aria-checked", String(chosen));
      button.setAttribute("aria-label", card.told);
      button.tabIndex = chosen ? 0 : -1;
      const trend = document.createElement("span");
      trend.innerHTML = card.line; // an SVG of numbers alone
      button.append(
        line("b", card.name), line("span", card.state),
        line("span", card.value, "aiopslab-card-value"), line("small", card.measured),
        trend, line("small", card.target), line("small", card.moves), line("small", card.age),
      );
      button.addEventListener("click", () => choose(card.name));
      return button;
    });
    group.replaceChildren(...cards);
    if (held) focus();
  };
  group.addEventListener("keydown", (event) => {
    const names = model.get("cards").map((card) => card.name);
    const at = names.indexOf(model.get("chosen"));
    const to = { Home: 0, End: names.length - 1 }[event.key]
      ?? (at + MOVES[event.key] + names.length) % names.length;
    if (Number.isNaN(to) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    choose(names[to]);
    focus();
  });
  model.on("change:cards", draw);
  model.on("change:chosen", draw);
  draw();
  return () => {
    model.off("change:cards", draw);
    model.off("change:chosen", draw);
  };
}

export default { render };
