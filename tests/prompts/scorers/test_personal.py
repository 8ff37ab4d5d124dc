"""Personal data: checksums, forms, and what is left alone."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aiopslab.errors import ParameterError
from aiopslab.prompts.scorers import find_personal, pii
from benchmarks.prompts.cases import IMPERSONAL, PERSONAL


def luhn(digits):
    """Return a number with its check digit, by trying all ten."""
    for last in range(10):
        number = [*digits, last]
        doubled = [each * 2 if place % 2 else each for place, each in enumerate(reversed(number))]
        if sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0:
            return "".join(map(str, number))
    raise AssertionError


def iban(country, account):
    """Return an account number with its check digits, by trying all hundred."""
    for check in range(2, 99):
        moved = f"{account}{country}{check:02}"
        if int("".join(str(int(each, 36)) for each in moved)) % 97 == 1:
            return f"{country}{check:02}{account}"
    raise AssertionError


def test_most_cases_made_for_it_are_told_and_few_others():
    found = sum(kind in {each.kind for each in find_personal(text)} for text, kind in PERSONAL)
    alarms = sum(bool(find_personal(text)) for text in IMPERSONAL)
    assert found >= 0.85 * len(PERSONAL)
    assert alarms <= 0.05 * len(IMPERSONAL)


@given(st.lists(st.integers(0, 9), min_size=14, max_size=14), st.sampled_from(" -"))
def test_cards_are_told_by_their_check_digit(digits, separator):
    number = luhn([4, *digits])
    grouped = separator.join(number[at : at + 4] for at in range(0, 16, 4))
    assert [each.kind for each in find_personal(grouped, ["card"])] == ["card"]
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert not find_personal(wrong, ["card"])


@given(st.text("0123456789", min_size=18, max_size=18))
def test_accounts_are_told_by_their_check_digits(account):
    number = iban("DE", account)
    assert [each.kind for each in find_personal(number, ["iban"])] == ["iban"]
    check = int(number[2:4])
    assert not find_personal(f"DE{check % 97 + 1:02}{account}", ["iban"])


@given(st.text(max_size=60), st.text(max_size=60))
def test_places_are_those_of_the_text(before, after):
    text = f"{before} ann@example.org {after}"
    places = [(each.start, each.end) for each in find_personal(text, ["email"])]
    assert (len(before) + 1, len(before) + 16) in places


@given(st.text(max_size=500))
@example("1" * 50_000)
@example("a@" * 20_000)
@example("AB12 " * 10_000)
def test_any_text_can_be_looked_through(text):
    found = find_personal(text)
    assert all(0 <= each.start < each.end <= len(text) for each in found)
    assert all(one.end <= other.start for one, other in itertools.pairwise(found))


def test_a_note_tells_kinds_and_never_values():
    told = pii()("Ann: ann@example.org, +1 415 555 2671, 4111 1111 1111 1111", {})
    assert told.value == 3
    assert told.note == "1 email, 1 phone, 1 card"
    assert pii()("Nobody.", {}).value == 0


def test_kinds_can_be_chosen():
    assert not find_personal("ann@example.org", ["phone"])
    with pytest.raises(ParameterError, match="no kind of personal data"):
        pii(["emails"])
