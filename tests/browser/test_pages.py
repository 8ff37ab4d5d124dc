"""The report and the gallery, opened from disk as a colleague would."""

from dataclasses import replace

import pandas as pd
import pytest

from aiopslab import Finding, Verdict, incident, runbooks
from aiopslab.findings import VERDICT_MIME
from aiopslab.reports import gallery, render
from aiopslab.reports import record as records
from aiopslab.sharing.gates import Token
from tests.incident.worlds import broken
from tests.notebooks import code, prose
from tests.sharing.test_serve import serving

pytestmark = pytest.mark.browser

PLOTLY = "application/vnd.plotly.v1+json"


def figure(drawn):
    import json

    return {"data": {PLOTLY: json.loads(drawn.to_json())}}


def output(**content):
    return {"output_type": "display_data", "metadata": {}} | content


def planned():
    """Return a plan whose commands are longer than a page is wide."""
    alert = {"name": "PoolExhausted" * 8, "service": "database", "ended": pd.NaT, "labels": None}
    finding = Finding("memory rose to 3 times its normal.", "database", "act", "metrics: memory")
    return runbooks.plan([finding], alerts=pd.DataFrame([alert]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A gallery with a real analysis, a hostile report and a failed one."""
    folder = tmp_path_factory.mktemp("reports")
    analysis = incident.analyse({"metrics": broken("database", at=150)})
    verdict = analysis.verdict()
    html = {"data": {"text/html": analysis.table().to_html()}}
    concluded = {"data": {VERDICT_MIME: verdict.to_json(), "text/html": verdict._repr_html_()}}
    cells = [
        prose("# Incident\n\nWhat happened?"),
        prose("## When it started"),
        code("analysis.figure()") | {"outputs": [output(**figure(analysis.figure()))]},
        code("analysis.ranking_figure()")
        | {"outputs": [output(**figure(analysis.ranking_figure())), output(**html)]},
        code("plan") | {"outputs": [output(data={"text/html": planned()._repr_html_()})]},
        code("conclude(verdict)") | {"outputs": [output(**concluded)]},
    ]
    _keep(folder, "incident", "2026-03-01T12:00:00.000Z", cells, verdict=verdict)
    hostile = "<script>window.hacked = true</script><img src=x onerror='window.hacked = true'>"
    evil = [code("x") | {"outputs": [output(data={"text/html": hostile})]}]
    _keep(folder, "hostile", "2026-03-02T12:00:00.000Z", evil, verdict=Verdict("ok", hostile))
    failure = records.Failure("KeyError", "'column'", 3)
    _keep(folder, "drift", "2026-03-03T12:00:00.000Z", [], status="failed", failure=failure)
    gallery.build(folder)
    return folder


def _keep(folder, template, started, cells, **changes):
    begun = records.begin(template, template.title(), "0" * 64, {"evidence": "sample://x"})
    done = replace(begun, id=template, status="finished", started=started, ended=started)
    done = replace(done, **changes)
    records.write(done, folder)
    text = render.page({"cells": cells}, done)
    records.write_atomically(folder / template / "report.html", text)


def opened(page, path):
    page.goto(f"file://{path}")
    return page


def drawn(page, folder, name="incident"):
    opened(page, folder / name / "report.html")
    page.wait_for_selector("html[data-drawn]", timeout=60_000)
    return page


def test_a_report_opens_from_disk_without_a_request_or_a_complaint(page, folder):
    drawn(page, folder)
    assert page.complaints == []
    assert page.locator(".banner .level").inner_text() == "▲ act"
    assert "database" in page.locator(".banner .headline").first.inner_text()
    assert page.locator("svg.main-svg").count() >= 2


def test_figures_answer_to_the_pointer(page, folder):
    drawn(page, folder)
    target = page.locator("figure[data-figure] .nsewdrag").first
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector(".hoverlayer .hovertext", timeout=10_000)
    assert page.complaints == []


def test_every_figure_has_a_name_and_a_text_alternative(page, folder):
    drawn(page, folder)
    for each in page.locator("figure[data-figure]").all():
        assert each.get_attribute("aria-label")
        assert len(each.locator("figcaption").text_content()) > 20


def test_code_is_hidden_until_asked_for(page, folder):
    drawn(page, folder)
    code = page.locator("details.code").first
    assert not code.is_visible()
    page.get_by_role("button", name="Show code").click()
    assert code.is_visible() and "analysis" in code.inner_text()
    page.get_by_role("button", name="Hide code").click()
    assert not code.is_visible()


def test_dark_follows_the_reader_and_the_button_and_figures_follow_too(page, folder):
    page.emulate_media(color_scheme="dark")
    drawn(page, folder)
    background = "getComputedStyle(document.body).backgroundColor"
    ink = "document.querySelector('.plot').layout.font.color"
    dark, dark_ink = page.evaluate(background), page.evaluate(ink)
    page.get_by_role("button", name="Light or dark").click()
    assert page.evaluate(background) == "rgb(255, 255, 255)" != dark
    page.wait_for_function(f"{ink} !== '{dark_ink}'")
    page.get_by_role("button", name="Light or dark").click()
    assert page.evaluate(background) == dark
    assert page.complaints == []


def test_it_prints_light_without_controls_and_uncut(page, folder):
    drawn(page, folder)
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator(".bar").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_nothing_is_cut_on_a_narrow_screen(page, folder):
    page.set_viewport_size({"width": 420, "height": 800})
    drawn(page, folder)
    assert page.evaluate("document.documentElement.scrollWidth") <= 420


@pytest.mark.parametrize("width", [420, 1200])
def test_a_long_command_and_a_wide_table_scroll_in_their_column(page, folder, width):
    page.set_viewport_size({"width": width, "height": 800})
    drawn(page, folder)
    outside = """Math.max(...[...document.querySelectorAll('.aiopslab-plan pre, .wide')].map(
        (box) => box.getBoundingClientRect().right - document.querySelector('main')
            .getBoundingClientRect().right))"""
    assert page.evaluate(outside) <= 0
    longest = "Math.max(...[...document.querySelectorAll('pre')].map((box) => box.scrollWidth))"
    assert page.evaluate(longest) > 700, "else nothing was too long"


def test_headers_stand_above_what_they_head(page, folder):
    drawn(page, folder)
    aligned = """[...document.querySelectorAll('table.dataframe')].flatMap((table) =>
        [...table.rows[1].cells].map((cell, place) => [
            getComputedStyle(table.rows[0].cells[place]).textAlign,
            getComputedStyle(cell).textAlign]))"""
    pairs = page.evaluate(aligned)
    assert {tuple(pair) for pair in pairs} >= {("left", "left"), ("right", "right")}
    assert all(head == cell for head, cell in pairs[1:]), "but that of the ranks"


def test_figures_fit_on_paper_and_fill_the_screen_again(page, folder):
    drawn(page, folder)
    widest = "Math.max(...[...document.querySelectorAll('svg.main-svg')].map((e) => e.clientWidth))"
    screen = page.evaluate(widest)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_function(f"{widest} <= 680")  # A4 less margins of 1.5 cm
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.wait_for_function(f"{widest} === {screen}")
    assert screen > 800 and page.complaints == []


def test_markup_from_outside_stays_dead(page, folder):
    opened(page, folder / "hostile" / "report.html")
    page.wait_for_timeout(300)
    assert page.evaluate("window.hacked") is None
    opened(page, folder / "index.html")
    assert page.evaluate("window.hacked") is None
    assert "<script>" in page.locator("li[data-template=hostile] a.said").inner_text()


def test_a_report_without_figures_carries_no_plotly(page, folder):
    opened(page, folder / "drift" / "report.html")
    assert page.evaluate("Object.keys(PLOTLY)") == []
    assert "KeyError" in page.locator(".banner").inner_text()
    assert page.complaints == []


def visible(page):
    return [row.get_attribute("data-template") for row in page.locator(".runs li:visible").all()]


def test_the_gallery_filters_with_no_server(page, folder):
    opened(page, folder / "index.html")
    assert visible(page) == ["drift", "hostile", "incident"]
    page.get_by_label("State").select_option("act")
    assert visible(page) == ["incident"]
    assert page.locator("#shown").inner_text() == "1 of 3 reports"
    page.get_by_role("button", name="Clear").click()
    page.wait_for_function("document.getElementById('shown').textContent.startsWith('3')")
    page.get_by_label("Template").select_option("drift")
    assert visible(page) == ["drift"]
    page.get_by_label("Template").select_option("")
    page.get_by_label("Search").fill("DATABASE rose")
    assert visible(page) == ["incident"]
    page.get_by_label("Search").fill("")
    page.get_by_label("From", exact=True).fill("2026-03-02")
    page.get_by_label("To", exact=True).fill("2026-03-02")
    assert visible(page) == ["hostile"]
    assert page.complaints == []


def test_the_gallery_leads_to_the_report_and_back(page, folder):
    opened(page, folder / "index.html")
    page.locator("li[data-template=incident] a.said").click()
    page.wait_for_selector("html[data-drawn]")
    page.get_by_role("link", name="All reports").click()
    page.wait_for_selector(".runs")
    assert page.complaints == []


def test_two_runs_are_put_beside_each_other_and_the_address_says_which(page, folder):
    opened(page, folder / "index.html")
    for template in ("incident", "drift"):
        page.locator(f"li[data-template={template}] .pick").check()
    page.get_by_role("link", name="Compare").click()
    beside = page.locator("#comparison")
    beside.get_by_text("aiopslab diff incident drift").wait_for()
    assert beside.locator("article").count() == 2
    assert "database" in beside.locator("article").first.inner_text()
    assert "sample://x" in beside.get_by_role("row", name="evidence").inner_text()
    page.reload()
    beside.get_by_text("aiopslab diff incident drift").wait_for()
    page.get_by_role("button", name="Back to the list").click()
    page.wait_for_selector(".runs li")
    assert page.complaints == []


def test_one_file_draws_its_figures_far_from_the_gallery(page, folder, tmp_path):
    html = (folder / "incident" / "report.html").read_text("utf-8")
    (tmp_path / "alone.html").write_text(render.self_contained(html), "utf-8")
    opened(page, tmp_path / "alone.html")
    page.wait_for_selector("html[data-drawn]", timeout=60_000)
    assert page.complaints == []
    (tmp_path / "torn.html").write_text(html, "utf-8")
    opened(page, tmp_path / "torn.html")
    page.get_by_text("aiopslab gallery export").first.wait_for()


def test_served_it_works_under_its_policy_without_a_complaint(chromium, folder):
    """Signed in by the link, filtered, and a figure drawn: nothing of it does the policy stop."""
    token = "a-token-of-many-letters"
    context = chromium.new_context()
    page = context.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    with serving(folder, Token(token)) as address:
        page.goto(f"{address}/index.html?token={token}")
        page.wait_for_selector(".runs li")
        assert page.url == f"{address}/index.html" and context.cookies()[0]["httpOnly"]
        page.get_by_label("State").select_option("act")
        assert visible(page) == ["incident"]
        page.locator("a.said").click()
        page.wait_for_selector("html[data-drawn]", timeout=60_000)
        context.close()
    assert complaints == []
