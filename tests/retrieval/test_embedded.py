"""The embedded handbook: whole, consistent, shipped, and not answered by its own words."""

import json
import re
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import yaml

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.library import EMBEDDED, embedded_corpus, embedded_questions

ROOT = Path(__file__).parents[2]
KINDS = {"fact", "procedure", "reason", "identifier", "comparison", "multi"}
FUNCTION_WORDS = set(
    re.findall(
        r"\w+",
        "a an and are as at be been but by can do does did for from had has have how i if in is it "
        "its me my of on or our s so that the their them then there they this to up us was we were "
        "what when where which who whom why will with you your not no",
    )
)


def lines(name):
    return [json.loads(line) for line in (EMBEDDED / name).read_text().splitlines()]


def files(folder):
    base = EMBEDDED / folder
    return {each.relative_to(base).as_posix(): each.read_text() for each in base.rglob("*.md")}


def stated(text):
    """Front matter of a document."""
    return yaml.safe_load(text.split("---\n")[1])


@pytest.fixture(scope="module")
def questions():
    return lines("questions.jsonl")


@pytest.fixture(scope="module")
def absent():
    return set(yaml.safe_load((EMBEDDED / "handbook_earlier.yaml").read_text())["absent"])


@pytest.fixture(scope="module")
def present():
    return files("handbook")


@pytest.fixture(scope="module")
def earlier(present, absent):
    rest = {name: text for name, text in present.items() if name not in absent}
    return rest | files("handbook_earlier")


def test_documents_have_a_size_headings_and_front_matter(present):
    assert 55 <= len(present) <= 70
    assert 20_000 <= sum(len(text.split()) for text in present.values()) <= 30_000
    for name, text in present.items():
        assert 150 <= len(text.split()) <= 900, name
        assert set(stated(text)) == {"title", "area", "modified", "owner", "environment", "status"}
        assert stated(text)["area"] == name.split("/")[0], name
        assert re.search(r"^## ", text, re.MULTILINE), name
    assert len({stated(text)["title"] for text in present.values()}) == len(present)


def test_a_filter_of_each_field_keeps_something_and_not_all():
    documents = embedded_corpus("embedded:handbook").documents
    for field in ("area", "owner", "environment", "status"):
        assert documents[field].nunique() > 1, field
    assert documents["modified"].notna().all()


@pytest.mark.parametrize("name", ["questions", "questions_earlier"])
def test_every_quote_occurs_exactly_once_in_its_document(name, present, earlier):
    texts = present if name == "questions" else earlier
    for question in lines(f"{name}.jsonl"):
        for answer in question["answers"]:
            assert texts[answer["document"]].count(answer["quote"]) == 1, question["question"]
            assert 60 <= len(answer["quote"]) <= 400, question["question"]
            assert answer["grade"] in (1, 2)


def test_questions_are_distinct_mixed_and_several_a_topic(questions):
    assert len(questions) >= 120
    assert len({each["question"] for each in questions}) == len(questions)
    assert len({each["text"] for each in questions}) == len(questions)
    kinds = Counter(each["kind"] for each in questions)
    assert set(kinds) == KINDS
    assert 0.15 <= kinds["multi"] / len(questions) <= 0.2
    assert min(Counter(each["topic"] for each in questions).values()) >= 5
    assert 5 <= sum(not each["answers"] for each in questions) <= 12


def test_questions_that_need_two_passages_have_two(questions):
    for each in questions:
        full = [answer for answer in each["answers"] if answer["grade"] == 2]
        assert len(full) >= (2 if each["kind"] == "multi" else min(1, len(each["answers"])))


def test_every_document_but_those_of_the_past_answers_something(questions, present):
    assert {answer["document"] for each in questions for answer in each["answers"]} == set(present)


def test_only_what_was_different_is_stored_twice(present, absent):
    stored = files("handbook_earlier")
    assert absent <= set(present)
    assert not absent & set(stored)
    assert set(stored) - set(present), "a document was removed since"
    assert all(stored[name] != present[name] for name in stored.keys() & present.keys())


def test_a_document_was_modified_after_the_earlier_day_if_and_only_if_it_changed(present, absent):
    day = yaml.safe_load((EMBEDDED / "handbook_earlier.yaml").read_text())["date"]
    stored = files("handbook_earlier")
    later = {name for name, text in present.items() if stated(text)["modified"] > day}
    assert later == (stored.keys() & present.keys()) | absent
    assert all(stated(text)["modified"] <= day for text in stored.values())


def test_the_questions_told_to_have_changed_are_those_of_which_a_passage_did(
    questions, present, earlier
):
    then = {each["question"]: each["answers"] for each in lines("questions_earlier.jsonl")}

    def says(texts, answers):
        return all(each["quote"] in texts.get(each["document"], "") for each in answers)

    lost = {each["question"] for each in questions if not says(earlier, each["answers"])}
    gone = {question for question, answers in then.items() if not says(present, answers)}
    assert lost | gone == set(then)
    assert 0.08 <= len(then) / len(questions) <= 0.15


def words(text):
    return set(re.findall(r"[a-z0-9]+(?:-[0-9]+)?", text.lower())) - FUNCTION_WORDS


def test_most_words_of_a_question_do_not_occur_in_its_answers(questions):
    """On average 26 % of the words of a question occur there; in 28 % of the questions, none."""
    shares = []
    for each in questions:
        answers = words(" ".join(answer["quote"] for answer in each["answers"]))
        if answers:
            shares.append(len(words(each["text"]) & answers) / len(words(each["text"])))
    assert sum(shares) / len(shares) == pytest.approx(0.255, abs=0.01)
    assert sum(share == 0 for share in shares) / len(shares) == pytest.approx(0.28, abs=0.01)


def test_no_file_names_a_host_or_a_path_of_a_machine():
    for path in EMBEDDED.rglob("*.*"):
        text = path.read_text()
        assert not re.search(r"https?://|www\.|[\w-]+\.(com|org|net|io)\b", text), path
        assert not re.search(r"(?<![\w./])/(home|root|Users|tmp|work)\b", text), path


@pytest.mark.parametrize("day", ["", "_earlier"])
def test_the_library_places_every_answer(day):
    corpus = embedded_corpus(f"embedded:handbook{day}")
    questions, answers = embedded_questions(f"embedded:questions{day}", corpus.documents)
    texts = corpus.documents.set_index("document")["text"]
    told = {each["question"]: each["answers"] for each in lines("questions.jsonl")}
    if day:
        told |= {each["question"]: each["answers"] for each in lines("questions_earlier.jsonl")}
    placed = [texts[each.document][each.start : each.end] for each in answers.itertuples()]
    assert placed == [each["quote"] for question in told for each in told[question]]
    assert questions["question"].tolist() == list(told)


def test_the_earlier_handbook_is_the_present_one_with_what_was_different(earlier):
    corpus = embedded_corpus("embedded:handbook_earlier")
    assert corpus.documents["document"].tolist() == sorted(earlier)
    for name, text in corpus.texts:
        assert earlier[name].endswith(text)
    one = corpus.sections[corpus.sections["document"] == "oncall/rota.md"]
    assert "The on-call rota > Phones" in one["path"].tolist()
    assert "The on-call rota > Load" not in one["path"].tolist()


def test_names_that_are_not_there_are_told_with_the_nearest():
    with pytest.raises(RetrievalError, match="Did you mean 'embedded:handbook'"):
        embedded_corpus("embedded:handbok")
    with pytest.raises(RetrievalError, match="Did you mean 'embedded:questions'"):
        embedded_questions("embedded:question", pd.DataFrame())


def test_answers_are_not_looked_up_in_the_handbook_of_another_day():
    documents = embedded_corpus("embedded:handbook_earlier").documents
    with pytest.raises(RetrievalError, match="of the same day"):
        embedded_questions("embedded:questions", documents)


def test_the_wheel_ships_all_of_it(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run(
        [*command, "--directory", str(tmp_path)], cwd=ROOT, check=True, capture_output=True
    )
    names = set(zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist())
    own = {each.relative_to(ROOT).as_posix() for each in EMBEDDED.rglob("*.*")}
    assert own <= names
