// Theme, keys and voice of the page; see page.py.
const HIDDEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap";

function isDark() {
  const { jpThemeLight, vscodeThemeKind } = document.body.dataset;
  if (jpThemeLight) return jpThemeLight === "false";
  if (vscodeThemeKind) return vscodeThemeKind.includes("dark") || vscodeThemeKind === "vscode-high-contrast";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

function isText(target) {
  const { tagName, type } = target;
  return (
    target.isContentEditable || tagName === "TEXTAREA" || tagName === "SELECT" ||
    (tagName === "INPUT" && !["button", "checkbox", "radio", "range"].includes(type))
  );
}

function render({ model, el, signal }) {
  const voice = document.createElement("div");
  voice.setAttribute("role", "status");
  voice.setAttribute("aria-live", "polite");
  voice.style.cssText = HIDDEN;
  el.append(voice);
  const say = () => { voice.textContent = model.get("_said"); };
  model.on("change:_said", say);

  const follow = () => {
    if (model.get("dark") !== isDark()) {
      model.set("dark", isDark());
      model.save_changes();
    }
  };
  const theme = new MutationObserver(follow);
  theme.observe(document.body, { attributes: true });
  follow();

  // The box is there once this element is put into it.
  let box = null;
  const press = (event) => {
    const isHeld = event.repeat || event.altKey || event.ctrlKey || event.metaKey;
    if (isHeld || isText(event.target)) return;
    if (!model.get("shortcuts").includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    model.send({ key: event.key });
  };
  const watched = new WeakSet();
  const places = new ResizeObserver(() => window.dispatchEvent(new Event("resize")));
  const furnish = () => {
    for (const [kind, text] of Object.entries(model.get("names"))) {
      const figure = box?.getElementsByClassName(kind)[0];
      figure?.setAttribute("role", "group");
      figure?.setAttribute("aria-label", text);
      const plot = box?.querySelector(`.${kind}.js-plotly-plot, .${kind} .js-plotly-plot`);
      if (!plot?.on || watched.has(plot)) continue;
      watched.add(plot);
      model.send({ shown: kind });
      // A figure that was made before it had a place fills it once it has one.
      places.observe(plot.parentElement);
      plot.on("plotly_selected", (event) => {
        // One of several axes of x, where the figure has several rows.
        const axis = Object.keys(event?.range ?? {}).find((each) => each.startsWith("x"));
        if (axis) model.send({ brush: kind, range: event.range[axis] });
      });
    }
  };
  const enter = () => {
    const found = el.closest(".aiopslab-view");
    if (!found) return;
    box = found;
    // JupyterLab's own keys, such as those that cut a cell, rest while the focus is in the box.
    box.setAttribute("data-lm-suppress-shortcuts", "true");
    box.addEventListener("keydown", press);
    // From now on only figures that come into the box matter.
    arrival.disconnect();
    arrival.observe(box, { childList: true, subtree: true });
    furnish();
  };
  const arrival = new MutationObserver(() => { if (box) furnish(); else enter(); });
  arrival.observe(document.body, { childList: true, subtree: true });
  enter();
  model.on("change:names", furnish);

  return () => {
    theme.disconnect();
    arrival.disconnect();
    places.disconnect();
    box?.removeEventListener("keydown", press);
    model.off("change:_said", say);
    model.off("change:names", furnish);
  };
}

export default { render };
