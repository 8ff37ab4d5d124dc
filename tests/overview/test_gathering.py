"""Sources that are down: the others go on, and what is missing is told where it is missed."""

import pytest

from aiopslab import overview
from aiopslab.errors import SourceError

DOWN = "prometheus+http://127.0.0.1:9"  # the discard port, where nothing listens


def test_a_source_that_is_down_takes_its_tiles_with_it_and_no_others(tmp_path):
    calls = "sample://no-fault"
    table = tmp_path / "calls.parquet"
    overview.gather([calls]).evidence.frames["calls"].to_parquet(table)
    seen = overview.gather([DOWN, str(table)], "2026-11-23T00:00Z", "2026-11-24T00:00Z")
    told = overview.prepare(seen.evidence.frames, source=seen.holders, down=seen.down).judge()
    assert list(seen.down) == [DOWN]
    assert told["cost per query"].state != "no data"
    assert told["infrastructure health"].state == "no data"
    assert DOWN in told["infrastructure health"].sentence
    assert any(DOWN in note for note in told.notes)
    assert DOWN in seen._repr_html_()


def test_each_tile_is_linked_to_the_source_that_holds_its_frame(tmp_path):
    recording = overview.gather(["sample://no-fault"]).evidence
    for name in ("calls", "observations"):
        recording.frames[name].to_parquet(tmp_path / f"{name}.parquet")
    urls = [str(tmp_path / f"{name}.parquet") for name in ("calls", "observations")]
    seen = overview.gather(urls)
    told = overview.prepare(seen.evidence.frames, source=seen.holders).judge()
    assert told["cost per query"].link.parameters["calls"] == urls[0]
    assert told["model accuracy"].link.parameters["current"] == urls[1]
    assert urls[1] in told["model accuracy"].link.command


def test_where_all_are_down_nothing_is_shown_and_the_first_says_why():
    with pytest.raises(SourceError, match="no-such"):
        overview.gather(["sample://no-such", "sample://nor-such"])
    with pytest.raises(SourceError, match="no source"):
        overview.gather([])


def test_a_link_to_a_report_is_shown_and_escaped():
    seen = overview.gather(["sample://no-fault"])
    told = overview.tiles(seen.evidence.frames).linked({"incident": '../x"><script>.html'})
    page = told._repr_html_()
    assert "Newest report: incident" in page
    assert "<script>" not in page
    assert told["model accuracy"].link.report == ""
