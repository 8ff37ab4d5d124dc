"""A text to take away from a notebook or a report."""

import base64
import re
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Download:
    """A text to take away: shown in a notebook and in a report, with a link that saves it.

    Parameters
    ----------
    text
        What is saved, as UTF-8.
    name
        Of the file.
    """

    text: str
    name: str

    def _repr_html_(self) -> str:
        data = self.text.encode("utf-8", "backslashreplace")
        size = f"{len(data) / 1e3:.1f} kB"
        link = f"data:text/markdown;charset=utf-8;base64,{base64.b64encode(data).decode()}"
        name = escape(self.name)
        shown = escape(data.decode())
        return (
            f'<details class="aiopslab-download"><summary>Read or save {name}, {size}</summary>'
            f'<p><a href="{link}" download="{name}">Save {name}</a></p>'
            f'<pre class="stream">{shown}</pre></details>'
        )


def download_link(markdown: str, name: str = "post-mortem.md") -> Download:
    """Return a draft as something a notebook shows, with a link that saves it.

    Parameters
    ----------
    markdown
        As `draft` returns it.
    name
        Of the file; what has no place in a file's name becomes a hyphen.

    Examples
    --------
    >>> download_link("# Draft", "auth down/today.md").name
    'auth-down-today.md'
    """
    plain = re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII).strip("-.")
    return Download(markdown, plain or "post-mortem.md")
