// The tiles of AIOps Lab in the Launcher and the command palette of JupyterLab. Written as the
// container that JupyterLab's loader expects of an extension, so that nothing has to be built:
// `init` gets the modules that JupyterLab shares, `get` hands over the plugin.
"use strict";
(() => {
  const LINE = 'fill="none" stroke-width="1.5" stroke-linejoin="round" stroke-linecap="round"';
  const picture = (shapes) =>
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><g class="jp-icon-accent-contrast0 jp-icon3" style="fill:none" stroke="#3574b5" ${LINE}>${shapes}</g></svg>`;
  const PICTURES = {
    template: picture('<path d="M6 3h8l4 4v14H6z M14 3v4h4 M12 11v6 M9 14h6"/>'),
    walkthrough: picture('<path d="M12 6c-2-2-5-2-9-2v14c4 0 7 0 9 2 2-2 5-2 9-2V4c-4 0-7 0-9 2z M12 6v14"/>'),
    gallery: picture('<path d="M3 4h7v7H3z M14 4h7v7h-7z M3 14h7v7H3z M14 14h7v7h-7z"/>'),
    mlflow: picture('<path d="M3 20h18 M5 16l4-5 4 3 6-9 M19 5h-4 M19 5v4"/>'),
  };

  async function plugin(shared) {
    const [{ ILauncher }, { ICommandPalette, showErrorMessage }, { LabIcon }, { ServerConnection }] =
      await Promise.all(["launcher", "apputils", "ui-components", "services"].map(shared));
    const icons = Object.fromEntries(
      Object.entries(PICTURES).map(([name, svgstr]) => [
        name,
        new LabIcon({ name: `aiopslab:${name}`, svgstr }),
      ]),
    );

    async function ask(path, init = {}) {
      const settings = ServerConnection.makeSettings();
      const url = new URL(`aiopslab/${path}`, settings.baseUrl).href;
      const response = await ServerConnection.makeRequest(url, init, settings);
      if (!response.ok) throw await ServerConnection.ResponseError.create(response);
      return response.json();
    }

    async function open(app, { tile, cwd }) {
      if (tile.page) {
        window.open(new URL(tile.page, ServerConnection.makeSettings().baseUrl), "_blank", "noopener");
        return null;
      }
      try {
        const body = JSON.stringify({ folder: cwd ?? "" });
        const { path } = tile.template
          ? await ask(`notebooks/${tile.template}`, { method: "POST", body })
          : { path: tile.notebook };
        return await app.commands.execute("docmanager:open", { path, factory: "Notebook" });
      } catch (error) {
        await showErrorMessage(`${tile.label} cannot be opened`, error);
        return null;
      }
    }

    return {
      id: "aiopslab:launcher",
      autoStart: true,
      optional: [ILauncher, ICommandPalette],
      activate: async (app, launcher, palette) => {
        const command = "aiopslab:open";
        app.commands.addCommand(command, {
          label: ({ tile, palette }) => (palette ? `${tile.category}: ${tile.label}` : tile.label),
          caption: ({ tile }) => tile.caption,
          icon: ({ tile }) => icons[tile.icon],
          execute: (args) => open(app, args),
        });
        for (const [rank, tile] of (await ask("tiles")).entries()) {
          launcher?.add({
            command,
            args: { tile },
            category: tile.category,
            categoryRank: tile.rank,
            rank,
          });
          palette?.addItem({ command, args: { tile, palette: true }, category: "AIOps Lab" });
        }
      },
    };
  }

  let scope;
  const shared = async (name) => {
    const versions = Object.values(scope[`@jupyterlab/${name}`]);
    const chosen = versions.find((each) => each.loaded) ?? versions[0];
    return (await chosen.get())();
  };
  window._JUPYTERLAB ??= {};
  window._JUPYTERLAB.aiopslab = {
    init: (given) => {
      scope = given;
    },
    get: async () => {
      const made = { __esModule: true, default: await plugin(shared) };
      return () => made;
    },
  };
})();
