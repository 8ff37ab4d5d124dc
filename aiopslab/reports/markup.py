"""What all pages are made with: templates that escape, assets, and the hash of a script."""

import base64
import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

ASSETS = Path(__file__).parent / "assets"


@cache
def environment() -> "Environment":
    """Return the jinja2 environment of the pages; it escapes everything it is not told is safe."""
    from jinja2 import Environment, FileSystemLoader

    return Environment(
        loader=FileSystemLoader(ASSETS), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )


@cache
def asset(name: str) -> str:
    """Return the text of a stylesheet or script of the pages."""
    return (ASSETS / name).read_text(encoding="utf-8")


@cache
def digest() -> str:
    """Return a digest of version and assets: pages that were made with others are out of date."""
    whole = hashlib.sha256(version("aiopslab").encode())
    for path in sorted(path for path in ASSETS.iterdir() if path.is_file()):
        whole.update(path.read_bytes())
    return whole.hexdigest()


def csp_hash(script: str) -> str:
    """Return the source by which a Content-Security-Policy lets one inline script run.

    Examples
    --------
    >>> csp_hash("")
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
    """
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def safe(html: str) -> Any:
    """Mark HTML that was made here, from escaped parts, as not to be escaped again."""
    from markupsafe import Markup

    return Markup(html)  # noqa: S704
