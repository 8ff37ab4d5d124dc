"""How well scorers tell what people tell, beside the length of a text and plain word overlap.

Nothing is fitted to the public sets: weights and word lists were set by what they mean, so that all
of each set is used. Figures on "cases of our own" are on what the project made itself.
"""

import re
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from aiopslab.prompts.scorers import (
    faithfulness,
    find_attempt,
    find_offence,
    find_personal,
    judge_pairs,
    number,
    trust_in_pairs,
)
from aiopslab.prompts.scorers.curve import area, area_interval
from aiopslab.prompts.scorers.refusals import is_refusal
from benchmarks.harness import Figure, at_least, at_most, cpu_seconds
from benchmarks.prompts import cases, labelled, stubs

AREA = 0.95  # of faithfulness on BEGIN
MILLISECONDS = 2.0
THRESHOLD = 0.5  # of an attempt
RUBRIC = "The better answer does what was asked, and is right."


def figures() -> list[Figure]:
    own = [*_personal_cases(), *_refusal_cases(), *_attempt_cases()]
    if not labelled.is_there():
        return own
    return [*_faithful(), *_offensive(), *_injected(), *_personal(), *_numbers(), *_judges(), *own]


def _faithful() -> list[Figure]:
    told = []
    scorer = faithfulness()
    for name in ("begin", "wice"):
        table = getattr(labelled, name)()
        items = [{"context": each} for each in table["context"]]

        def score(
            outputs: Sequence[str] = tuple(table["output"]), items: Sequence[dict] = tuple(items)
        ) -> list[float]:
            return [
                scorer(output, item).value or 0.0
                for output, item in zip(outputs, items, strict=True)
            ]

        labels = table["label"].to_numpy()
        overlap = [_overlap(row.output, row.context) for row in table.itertuples()]
        bar = AREA if name == "begin" else area(overlap, labels)
        halves = np.arange(len(table)) % 2 == 0
        values = np.array(score())
        each = ", ".join(f"{area(values[half], labels[half]):.3f}" for half in (halves, ~halves))
        told += [
            at_least(
                f"faithfulness, AUC on {name}",
                area(values, labels),
                bar,
                peer=f"word overlap {area(overlap, labels):.3f}, "
                f"length {area(table['output'].str.len(), labels):.3f}, chance .5",
                note=f"{_interval(values, labels)}, n={len(table)}; halves {each}",
            ),
            at_most(
                f"faithfulness, CPU an item of {name}",
                cpu_seconds(score, repeats=2) / len(table) * 1e3,
                MILLISECONDS,
                "ms",
            ),
        ]
    return told


def _offensive() -> list[Figure]:
    table = labelled.tweets()
    found = [find_offence(each) for each in table["output"]]
    values = np.array([each.value for each in found])
    lengths = table["output"].str.len()
    offends = (table["label"] != "neither").to_numpy()
    hates = (table["label"] == "hate").to_numpy()
    is_hate = np.array([each.label == "hate" for each in found])
    return [
        *_told("offensive or hateful, tweets", values > 0, offends),
        _area("offensive or hateful, tweets", values, offends, lengths),
        *_told("hateful, tweets", is_hate, hates),
        _area("hateful among those that offend", values[offends], hates[offends], lengths[offends]),
    ]


def _injected() -> list[Figure]:
    table = labelled.injections()
    values = table["text"].map(lambda text: find_attempt(text).value).to_numpy()
    labels = (table["kind"] != "").to_numpy()
    by_kind = [
        area(values[some], labels[some])
        for kind in table["kind"].unique()
        if kind and (some := table["kind"].isin(["", kind]).to_numpy()).any()
    ]
    low, high = _by_mail(table, values, labels)
    sound = labelled.wice()["context"].map(lambda text: find_attempt(text).value >= THRESHOLD)
    return [
        Figure(
            "injection in mails, AUC",
            area(values, labels),
            peer=f"length {area(table['text'].str.len(), labels):.3f}, chance .5",
            note=f"{low:.3f} to {high:.3f} by drawing mails; {len(by_kind)} kinds of attack, the "
            f"least {min(by_kind):.3f}; n={len(table)}, 50 mails without",
        ),
        *_told(f"injection in mails from {THRESHOLD} on", values >= THRESHOLD, labels),
        _share("injection, false alarms on web pages", int(sound.sum()), len(sound)),
    ]


def _personal() -> list[Figure]:
    asked = labelled.questions()
    alarms = sum(bool(find_personal(each)) for each in asked)
    return [_share("personal data, false alarms on questions of customers", alarms, len(asked))]


def _numbers() -> list[Figure]:
    table = labelled.solutions()
    scorer = number()
    agree = sum(
        scorer(row.output, {"expected": row.expected}).value == row.label
        for row in table.itertuples()
    )
    return [_share("numbers, agreement with the grades of sums", agree, len(table))]


def _judges() -> list[Figure]:
    table = labelled.preferences()
    knows = stubs.perfect(table)
    told = []
    for name, ask in {
        "knows": knows,
        "is right in 9 of 10": stubs.noisy(knows, 0.9),
        "draws": stubs.by_chance(),
        "takes the first": stubs.always_first(),
        "takes the longer": stubs.longer_wins(),
    }.items():
        trust = trust_in_pairs(judge_pairs(ask, RUBRIC, table), table)
        may = name in {"knows", "is right in 9 of 10"}
        told.append(
            Figure(
                f"a judge that {name}, accuracy",
                trust.value,
                target="may be a gate" if may else "is refused",
                ok=trust.may_gate == may,
                peer=f"length alone {trust.length:.3f}, chance .5",
                note=f"{trust.low:.3f} to {trust.high:.3f}, kappa {trust.kappa.value:.2f}, "
                f"consistent {trust.consistency[0]:.2f}, n={trust.items}",
            )
        )
    return told


def _personal_cases() -> list[Figure]:
    right = [kind in {each.kind for each in find_personal(text)} for text, kind in cases.PERSONAL]
    alarms = [bool(find_personal(text)) for text in cases.IMPERSONAL]
    return _told_of_cases("personal data", right, alarms)


def _refusal_cases() -> list[Figure]:
    return _told_of_cases(
        "refusals",
        [is_refusal(each) for each in cases.REFUSED],
        [is_refusal(each) for each in cases.ANSWERED],
    )


def _attempt_cases() -> list[Figure]:
    found: Callable[[str], bool] = lambda text: find_attempt(text).value >= THRESHOLD  # noqa: E731
    return _told_of_cases(
        "injection", [found(each) for each in cases.INJECTED], [found(each) for each in cases.SOUND]
    )


def _told_of_cases(name: str, right: list[bool], alarms: list[bool]) -> list[Figure]:
    found = np.array([*right, *alarms])
    return _told(f"{name}, cases of our own", found, np.arange(len(found)) < len(right))


def _told(name: str, found: np.ndarray, labels: np.ndarray) -> list[Figure]:
    """Return precision and recall; chance has the precision of the base rate."""
    both = int((found & labels).sum())
    return [
        _share(f"{name}, precision", both, int(found.sum()), f"base rate {labels.mean():.3f}"),
        _share(f"{name}, recall", both, int(labels.sum()), f"all alike {found.mean():.3f}"),
    ]


def _share(name: str, count: int, of: int, peer: str = "") -> Figure:
    low, high = proportion_confint(count, of, method="wilson")
    return Figure(name, count / of, peer=peer, note=f"{low:.3f} to {high:.3f}, n={of}")


def _area(name: str, values: np.ndarray, labels: np.ndarray, lengths: pd.Series) -> Figure:
    length = area(lengths, labels)
    return Figure(
        f"{name}, AUC",
        area(values, labels),
        peer=f"length {max(length, 1 - length):.3f}, chance .5",
        note=f"{_interval(values, labels)}, n={len(labels)}",
    )


def _interval(values: np.ndarray, labels: np.ndarray) -> str:
    goods = int(labels.sum())
    low, high = area_interval(area(values, labels), goods, len(labels) - goods)
    return f"{low:.3f} to {high:.3f}"


def _by_mail(table: pd.DataFrame, values: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Return the interval by drawing mails, since those with the same mail are alike."""
    rng = np.random.default_rng(0)
    rows = [np.flatnonzero(table["mail"] == mail) for mail in table["mail"].unique()]
    drawn = []
    for _ in range(200):
        some = np.concatenate([rows[at] for at in rng.integers(len(rows), size=len(rows))])
        drawn.append(area(values[some], labels[some]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def _overlap(output: str, context: str) -> float:
    known = set(re.findall(r"\w+", context.lower()))
    words = re.findall(r"\w+", output.lower())
    return float(np.mean([each in known for each in words])) if words else 0.0


if __name__ == "__main__":
    for each in figures():
        mark = {True: "met", False: "MISSED", None: ""}[each.ok]
        print(
            f"{each.name:58} {each.value:7.3f} {each.unit:2} {each.target:14} {mark:6} "
            f"{each.peer:44} {each.note}"
        )
