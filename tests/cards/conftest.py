"""A gallery with records of runs."""

from dataclasses import replace
from itertools import count

import pytest

from aiopslab.findings import Effect, Finding, Interval, Verdict
from aiopslab.reports import record


@pytest.fixture
def gallery(tmp_path):
    """Return a function that keeps the record of a run, and the folder of all."""
    folder = tmp_path / "gallery"
    folder.mkdir()

    def judge(template, parameters, evidence=(), claim="Scores fell.", level="watch", at="2026"):
        effect = Effect("accuracy", 0.91, "", Interval(0.88, 0.94))
        finding = Finding(claim, "loans", level, "section: performance", effect)
        verdict = Verdict(level, f"{claim} Look again.", {"rows": 400.0}, (finding,))
        made = replace(
            record.begin(template, template, "d" * 64, parameters),
            started=f"{at}-03-01T12:00:00Z",
            ended=f"{at}-03-01T12:01:00Z",
            status="finished",
            verdict=verdict,
            evidence=tuple(evidence),
        )
        record.write(made, folder)
        return made

    return judge, folder


@pytest.fixture
def card(aiopslab, tmp_path):
    """Call the command; return its exit code, errors, and the three files that it wrote."""
    numbers = count()

    def call(*arguments):
        cards = tmp_path / f"cards-{next(numbers)}"
        code, _, err = aiopslab("card", *arguments, "-o", cards)
        written = {path.suffix[1:]: path.read_text() for path in sorted(cards.glob("card-*"))}
        return code, err, written

    return call
