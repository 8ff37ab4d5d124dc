"""Opinions: people and a judge side by side, and when the judge counts for nothing."""

import json

import pandas as pd
import pytest

from aiopslab.errors import PromptError
from aiopslab.findings import Verdict
from aiopslab.prompts.ask import model_asker
from aiopslab.prompts.feedback import Feedback
from aiopslab.prompts.items import asked
from aiopslab.prompts.opinions import gather_opinions
from tests.prompts.stub import answer, serving

ITEMS = pd.DataFrame({"item": range(60), "text": [f"thing {at}" for at in range(60)]})
# The better answer is the shorter one in a half of the items, so that length tells nothing.
GOOD = [("good" if at % 2 else "good and rather longer") + f" {at}" for at in range(60)]
BAD = [("bad and rather longer" if at % 2 else "bad") + f" {at}" for at in range(60)]
CALLS = pd.DataFrame(
    {
        "item": [*range(60)] * 2,
        "prompt": ["old"] * 60 + ["new"] * 60,
        "output": [*BAD, *GOOD],
    }
)


def winner(content):
    """Return what a judge says that knows good from bad, from what it is shown."""
    first = content.split("[answer A ")[1].split("[answer B ")[0]
    return json.dumps({"reason": "It is good.", "winner": "A" if "good" in first else "B"})


def knows(asked):
    return [winner(each[1]["content"]) for each in asked]


def always_first(asked):
    return ['{"winner": "A"}'] * len(asked)


@pytest.fixture
def rated(tmp_path):
    """Three people of whom one is wrong now and then."""
    path = tmp_path / "feedback.db"
    with Feedback(path) as feedback:
        feedback.add_pairs(CALLS, asked(ITEMS))
        for rater, wrong in (("ann", 0), ("bob", 7), ("cay", 0)):
            number = 0
            while (task := feedback.next_task(rater)) is not None:
                number += 1
                right = "left" if "good" in task.outputs[0] else "right"
                other = "right" if right == "left" else "left"
                feedback.rate(task, other if wrong and number % wrong == 0 else right)
    return path


def test_people_and_a_good_judge_stand_side_by_side(rated):
    found = gather_opinions(CALLS, asked(ITEMS), rated, knows, "Be good.")
    table = found.table().set_index("source")
    assert table.loc["people", ["judgements", "prompt", "other"]].tolist() == [180, "old", "new"]
    assert table.loc["judge", "losses"] == 60 and table.loc["judge", "high"] < 0.5
    assert table.loc["people", "share"] < 0.1
    assert found.trust is not None and found.trust.may_gate and found.trust.items == 60
    assert "60 of 60" in found.note() and "People agree" in found.note()
    assert any("The judge prefers" in each.claim for each in found.findings())


def test_a_judge_that_goes_by_place_decides_nothing(rated):
    found = gather_opinions(CALLS, asked(ITEMS), rated, always_first, "Be good.")
    assert found.table().set_index("source").loc["judge", "ties"] == 60
    assert found.trust is not None and not found.trust.may_gate
    claims = [each.claim for each in found.findings()]
    assert any(each.startswith("The judge decides nothing") for each in claims)
    assert not any("The judge prefers" in each for each in claims)
    assert Verdict("ok", "Keep old.").beside(found.findings()).level == "ok"


def test_a_judge_that_nobody_checked_is_shown_and_decides_nothing():
    found = gather_opinions(CALLS, asked(ITEMS), None, knows, "Be good.")
    assert found.trust is None and "decides nothing" in found.note()
    assert found.findings() == ()


def test_nobody_was_asked():
    found = gather_opinions(CALLS, asked(ITEMS))
    assert found.table().empty and found.shown().empty and found.findings() == ()
    assert found.note() == "Nobody was asked."


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(PromptError, match="no file of feedback"):
        gather_opinions(CALLS, asked(ITEMS), tmp_path / "none.db")


def test_a_model_is_asked_once_however_often_it_judges(tmp_path):
    async def judges(request, before):
        body = await request.json()
        return answer(winner(body["messages"][-1]["content"]))

    with serving(judges) as at:
        judge = model_asker(at.address, "m", store=tmp_path / "calls.db")
        first = gather_opinions(CALLS, asked(ITEMS), None, judge, "Be good.")
        assert at.calls == 120
        again = gather_opinions(CALLS, asked(ITEMS), None, judge, "Be good.")
        assert at.calls == 120
    pd.testing.assert_frame_equal(first.verdicts, again.verdicts)
    assert (first.verdicts["winner"] == "second").all()
