"""The story as a moving picture, from what a run of ``aiopslab story`` left behind.

python -m tests.browser.story_pictures STORY PICTURE.gif
"""

import io
import json
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import ARGUMENTS
from tests.system import need

WIDTH, HEIGHT, BAR = 1000, 620, 64
SHOWN_MS = 4_500
COLOURS = 96
INK, PAPER = "white", "#20303c"
SECTIONS = (
    (0, "Five tiles", "1. Nothing fails, nothing is slow. Yet the model is wrong too often."),
    (0, "Everything on one time axis", "2. All layers on one time axis: what happened when."),
    (0, "Which layer it was", "3. The likeliest cause, with what speaks for it."),
    (0, "What each shift is made of", "4. How much of the shift each layer explains."),
    (1, "Five tiles", "6. The system again, with the model before."),
    (1, "Since then", "7. Did it help? Before and now, with intervals."),
)
APPROVED = "5. A roll-back, approved by a person and kept in an audit trail."


def main(story: Path, picture: Path) -> None:
    """Write the picture."""
    runs = sorted((story / "reports").glob("overview-*/run.json"), key=_started)
    if len(runs) != 2:
        sys.exit(f"{story} holds {len(runs)} overviews; a story has two. Run `aiopslab story`.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT - BAR})
        frames = [_framed(shot, caption) for shot, caption in _shots(page, runs, story)]
        browser.close()
    first, *others = (each.quantize(COLOURS, dither=Image.Dither.NONE) for each in frames)
    first.save(
        picture, save_all=True, append_images=others, duration=SHOWN_MS, loop=0, optimize=True
    )
    print(f"{picture}: {len(frames)} pictures, {picture.stat().st_size / 1e6:.2f} MB")


def _started(record: Path) -> str:
    return str(json.loads(record.read_text())["started"])


def _shots(page: Page, runs: list[Path], story: Path) -> Iterator[tuple[bytes, str]]:
    for number, (run, heading, caption) in enumerate(SECTIONS):
        if number == 4:
            page.set_content(_trail(story / "audit.jsonl"))
            yield page.screenshot(), APPROVED
        page.goto(runs[run].with_name("report.html").resolve().as_uri())
        page.wait_for_selector("html[data-drawn]")
        section = page.get_by_role("heading", name=heading, exact=True)
        section.evaluate("heading => window.scrollTo(0, heading.offsetTop - 12)")
        page.wait_for_timeout(300)  # for what is drawn when it is scrolled into sight
        yield page.screenshot(), caption


def _trail(path: Path) -> str:
    """Return the audit trail as a page."""
    records = [json.loads(line) for line in path.read_text().splitlines()]
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in _told(each)) + "</tr>"
        for each in records
    )
    head = "".join(f"<th>{each}</th>" for each in ("no.", "at", "event", "what", "by", "hash"))
    return (
        "<style>body{font:15px sans-serif;margin:24px}td,th{padding:7px 12px;text-align:left;"
        "border-bottom:1px solid #ccc}table{border-collapse:collapse}</style>"
        f"<h2>The audit trail</h2><table><tr>{head}</tr>{rows}</table>"
        "<p>Each record holds the hash of the one before it: "
        "<code>aiopslab audit verify</code> finds any edit, removal or reorder.</p>"
    )


def _told(record: dict[str, object]) -> tuple[object, ...]:
    what = f"{record.get('action', '')} {record.get('service', '')}"
    by = record.get("by") or record.get("principal", "")
    return (
        record["number"],
        str(record["at"])[11:19],
        record["event"],
        what,
        by,
        str(record["hash"])[:12],
    )


def _framed(shot: bytes, caption: str) -> Image.Image:
    """Return a picture with its caption below."""
    frame = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    frame.paste(Image.open(io.BytesIO(shot)).convert("RGB"), (0, 0))
    draw = ImageDraw.Draw(frame)
    font = ImageFont.load_default(24)
    draw.text((20, HEIGHT - BAR / 2), caption, fill=INK, font=font, anchor="lm")
    return frame


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
