"""A page as a browser takes it: what would run, what would be loaded, what is read."""

from dataclasses import dataclass

import mistune
from bs4 import BeautifulSoup

LOADING = {"src", "href", "srcset", "data", "action", "poster"}


@dataclass(frozen=True)
class Shown:
    """Scripts and handlers, addresses, and the text of a page."""

    scripts: list[str]
    loads: list[str]
    text: str


def shown(html):
    """Read a page."""
    page = BeautifulSoup(html, "html.parser")
    every = page.find_all(True)
    scripts = [str(each) for each in page.find_all("script")]
    scripts += [name for each in every for name in each.attrs if name.startswith("on")]
    loads = [value for each in every for name, value in each.attrs.items() if name in LOADING]
    return Shown(scripts, loads, page.get_text())


def harmless(files, told):
    """Check that the page and the Markdown of a card tell a text, and run and load nothing."""
    rendered = mistune.create_markdown(escape=False, plugins=["table", "url"])(files["md"])
    for html in (files["html"], rendered):
        page = shown(html)
        assert page.scripts == page.loads == [] and told in page.text
    assert "\x1b" not in files["md"]
