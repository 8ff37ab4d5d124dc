"""How much the redactor takes out is measured by a count that can fail."""

import json

import pytest

from aiopslab.sharing.masks import Mask
from aiopslab.sharing.planted import planted
from aiopslab.sharing.recall import BEYOND, CONFIDENCE, measure
from aiopslab.statistics.intervals import wilson

SEED = 77


def test_what_is_taken_out_of_each_kind_that_a_pattern_can_tell():
    found = measure(SEED, 40)
    for (group, kind), (masked, many) in found.counts.items():
        if kind not in BEYOND:
            assert masked / many >= 0.95, (group, kind)
    assert found.percent >= 95


def test_the_limit_of_it_is_measured_too():
    counts = measure(SEED, 20).counts
    for key in (("personal", "name in prose"), ("place", "host of one word")):
        assert counts[key] == (0, 20)


@pytest.mark.parametrize(
    ("mask", "percent"),
    [
        (lambda text: text, 0),
        (lambda text: text[len(text) // 2 :], None),
        (lambda text: "", 99),
    ],
)
def test_a_redactor_that_is_worse_is_seen_to_be(mask, percent):
    found = measure(SEED, 40, mask).percent
    assert found == percent if percent is not None else found < measure(SEED, 40).percent


def test_what_is_shown_in_part_is_missed():
    found = measure(SEED, 20, lambda text: text[3:-3]).table().set_index("kind")
    assert found.loc[["GitHub token", "Azure key", "private key"], "masked"].sum() == 0


def test_the_interval_is_wilsons():
    row = measure(SEED, 30).table().iloc[0]
    assert (row["low"], row["high"]) == wilson(row["masked"], row["planted"], CONFIDENCE)


def test_cards_and_accounts_have_the_check_digits_of_their_standards():
    for each in planted(SEED, 40):
        bare = each.hidden.replace(" ", "").replace("-", "")
        if each.kind == "IBAN":
            turned = bare[4:] + bare[:4]
            assert int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1
        if each.kind == "payment card":
            digits = list(map(int, reversed(bare)))
            assert (sum(digits[::2]) + sum(sum(divmod(2 * d, 10)) for d in digits[1::2])) % 10 == 0


def test_numbers_that_are_nobodys_are_left_alone():
    texts = [
        "1764169441 requests since 2026-03-01T06:00:00Z",
        "4 512 034 ms of 12 000 000; 5 000 000 rows in 12 s",
        "shares 0.05 123 456 rows, p = 0.001 (n = 12345678)",
        "between 03-01 12:04 and 03-02 13:05, 200/300 rows, 03/2026",
        "timestamp 1764169441000000 or 1764169441000000000",
        "card 4539578763621487 has a wrong check digit",
    ]
    assert [Mask()(text) for text in texts] == texts


def test_the_command_says_it_by_kind_and_fails_where_it_is_too_little(aiopslab):
    code, told, _ = aiopslab("gallery", "recall", "--each", "20")
    assert code == 0 and "social security number" in told and "surely 9" in told
    code, _, _ = aiopslab("gallery", "recall", "--each", "2", "--least", "99")
    assert code == 3  # so few show nothing for sure


def test_planted_texts_are_whole_in_json():
    for each in planted(SEED, 30):
        if each.text.startswith('{"level"'):
            assert json.loads(f'"{each.hidden}"') in json.loads(each.text)["detail"]
