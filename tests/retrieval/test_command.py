"""Commands of retrieval: what they show, and what a pipeline reads from their exit codes."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from aiopslab.cli import cli
from aiopslab.retrieval import retriever, writing
from aiopslab.retrieval.chroma import open_index
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.documents import open_corpus
from aiopslab.retrieval.truth import open_questions
from tests.retrieval.stores import Hashing, vectors_of
from tests.retrieval.worlds import world

FINE, UNUSABLE, FAILED, OPEN = 0, 2, 3, 4
WORDS = {FINE: "promote", FAILED: "keep", OPEN: "not enough data"}
COMMAND = Path(sys.executable).with_name("aiopslab")
HANDBOOK, QUESTIONS = "embedded:handbook", "embedded:questions"


@pytest.fixture
def run(aiopslab):
    return lambda *arguments: aiopslab("retrieval", *arguments)


@pytest.fixture
def configuration(tmp_path):
    """Write a lexical configuration; return its file."""

    def write(name="words", **fields):
        return Configuration(search="lexical", **fields).save(tmp_path / f"{name}.yaml")

    return write


@pytest.fixture
def docs(tmp_path):
    """A folder of two documents."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "queues.md").write_text("# Queues\nThey fill up.\n\n## Mend\nDrain them at night.\n")
    (folder / "wings.md").write_text("# Wings\nWings lift a plane.\n")
    return folder


# ---- what is found -------------------------------------------------------------------------------


def test_a_question_finds_a_passage_under_its_heading(run, configuration):
    asked = "max payload of a call on the live system?"
    code, out, err = run("search", configuration(), HANDBOOK, asked, "-k", 3)
    assert (code, err) == (FINE, "")
    places = [line for line in out.splitlines() if not line.startswith("    ")]
    assert [line.split()[0] for line in places] == ["1", "2", "3"]
    assert all(".md > " in line for line in places)


def test_what_nothing_answers_is_said(run, configuration, docs):
    assert run("search", configuration(), docs, "zzz")[:2] == (FINE, "nothing is found\n")


def test_what_a_document_says_steers_no_terminal(run, configuration, docs):
    (docs / "bad.md").write_text("# Ba\x1b[2Jd\nSomething bad\x1b[2J.\n")
    code, out, _ = run("search", configuration(), docs, "something bad")
    assert code == FINE and r"\x1b[2J" in out and "\x1b" not in out


def test_what_is_left_out_of_a_corpus_is_said_in_a_line(run, configuration, docs):
    (docs / "table.xyz").write_text("?")
    code, out, err = run("search", configuration(), docs, "wings")
    assert code == FINE and "wings.md > Wings" in out
    assert err.splitlines() == [f"Beware: {docs}: 1 document of no known kind, left out: *.xyz"]


# ---- the gate ------------------------------------------------------------------------------------


@pytest.fixture
def decide(run, tmp_path):
    """Call the gate on a small world."""
    corpus, truth = world()
    (tmp_path / "world").mkdir()
    for document, text in corpus.texts:
        (tmp_path / "world" / document).write_text(text)
    merged = truth.questions.merge(truth.answers, on="question")
    merged.to_json(tmp_path / "questions.jsonl", orient="records", lines=True)

    def call(*options, questions=64):
        merged.head(questions).to_json(tmp_path / "q.jsonl", orient="records", lines=True)
        return run("gate", tmp_path / "world", tmp_path / "q.jsonl", *options)

    return call


def test_the_exit_code_is_the_decision(decide, configuration):
    good = configuration("good")
    bad = configuration("bad", where={"document": "queue.md"})
    for candidate, baseline, questions, code, says in (
        (good, bad, 64, FINE, "Use the candidate: it is better."),
        (bad, good, 64, FAILED, "Keep the baseline: the candidate is worse."),
        (good, good, 64, FAILED, "The candidate is what is in use."),
        (good, bad, 4, OPEN, "Not enough questions to tell: take more."),
    ):
        told = decide("--candidate", candidate, "--baseline", baseline, questions=questions)
        assert told[0] == code and told[1].splitlines()[:2] == [WORDS[code], f"  {says}"]
        assert "span_recall" in told[1]


def test_a_pipeline_reads_the_decision_as_json(decide, configuration, tmp_path):
    told = tmp_path / "decision.json"
    good, bad = configuration("good"), configuration("bad", where={"document": "queue.md"})
    sides = ["--candidate", good, "--baseline", bad, "--floor", "hit_rate=0.9"]
    code, _, _ = decide(*sides, "--json", told)
    said = json.loads(told.read_text())
    assert (said["gate"], said["decision"], said["exit_code"]) == ("index", "promote", code)
    assert [each["name"] for each in said["measured"]] == ["gain in ndcg", "hit_rate"]
    assert all(each["low"] <= each["value"] <= each["high"] for each in said["measured"])
    _, out, _ = decide(*sides, "--json", "-")
    assert json.loads(out)["reasons"] == said["reasons"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--floor", "hit_rate=0.9"], FINE),
        (["--floor", "hit_rate=0.9", "--floor", "precision=0.9"], FAILED),
        (["--floor", "hit_rate=0.99"], OPEN),
        (["--floor", "hit_rate=0.99", "--max-tokens", "10"], FAILED),
        (["--max-tokens", "100000"], FINE),
    ],
)
def test_bounds_decide_without_a_baseline(decide, configuration, options, code):
    ended, out, _ = decide("--candidate", configuration(), *options)
    assert ended == code
    assert all(option.split("=")[0] in out for option in options[1::2] if "=" in option)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "give --baseline, --floor or --max-tokens"),
        (["--floor", "recall"], "expected e.g. recall=0.8"),
        (["--floor", "recal=0.8"], "Did you mean 'recall'?"),
        (["--floor", "recall=8"], "expected a number above 0, to 1"),
        (["--floor", "tokens=8"], "give --max-tokens"),
        (["--baseline", "default", "--metric", "ndgc"], "Did you mean 'ndcg'?"),
        (["--baseline", "default", "--margin", "0"], "margin"),
        (["--baseline", "nowhere.yaml"], "nowhere.yaml"),
        (["--floor", "recall=0.8", "--qrels", "nowhere.csv"], "nowhere.csv"),
    ],
)
def test_what_is_no_decision_is_told_apart_from_one(decide, configuration, options, says):
    code, out, err = decide("--candidate", configuration(), *options)
    assert (code, out) == (UNUSABLE, "") and says in err and "Traceback" not in err


# ---- an index ------------------------------------------------------------------------------------


@pytest.fixture
def hashed(monkeypatch):
    """An embedder that costs nothing and counts what it is asked, in place of the model."""
    embedder = Hashing()
    monkeypatch.setattr(retriever, "default_embedders", lambda: {"minilm": embedder})
    return embedder


def test_an_index_follows_its_corpus(run, hashed, docs, tmp_path):
    index = tmp_path / "index"
    code, out, _ = run("ingest", docs, index)
    assert code == FINE and "2 of 2 chunks: 2 embedded; 0 removed" in out
    assert f"{sum(hashed.count_tokens(hashed.asked))} tokens" in out
    assert run("stale", docs, index)[0] == FINE
    (docs / "wings.md").write_text("# Wings\nThey flap.\n")
    (docs / "queues.md").unlink()
    code, out, _ = run("stale", docs, index)
    assert code == FAILED and "2 of 2 documents are stale" in out
    assert "wings.md   changed" in out and "queues.md  removed at the source" in out
    hashed.asked.clear()
    assert "1 embedded; 2 removed" in run("ingest", docs, index)[1]
    assert hashed.asked == ["# Wings\nThey flap."] and run("stale", docs, index)[0] == FINE
    hashed.asked.clear()
    assert "1 kept" in run("ingest", docs, index)[1] and hashed.asked == []


def test_health_tells_what_is_broken_from_what_is_worth_a_look(run, hashed, docs, tmp_path):
    index = tmp_path / "index"
    run("ingest", docs, index)
    code, out, _ = run("health", index)
    assert code == FINE and "can be read and are their own" in out and "orphans" in out
    (docs / "again.md").write_text((docs / "wings.md").read_text())
    run("ingest", docs, index)
    code, out, _ = run("health", index)
    assert code == OPEN and "repeated texts" in out
    with open_index(index, hashed) as opened:
        chunks = opened.chunks()
        opened.upsert(chunks, vectors_of([f"other {each}" for each in range(len(chunks))]))
    code, out, _ = run("health", index)
    assert code == FAILED and "vectors of others" in out and "→" in out


def test_an_index_that_cannot_be_used_is_refused(run, hashed, docs, tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "WAIT", 0.1)
    for arguments, says in (
        (("health", tmp_path / "none"), "no Chroma store"),
        (("stale", docs, tmp_path / "none"), "no Chroma store"),
        (("ingest", tmp_path / "none", tmp_path / "index"), "none"),
        (("health", "chroma+http://127.0.0.1:9/docs"), "127.0.0.1:9"),
    ):
        code, out, err = run(*arguments)
        assert (code, out) == (UNUSABLE, "") and says in err and "Traceback" not in err
    late = Configuration(pooling="late").save(tmp_path / "late.yaml")
    code, _, err = run("ingest", docs, tmp_path / "index", "--config", late)
    assert code == UNUSABLE and "pooling: direct" in err
    with open_index(tmp_path / "index", hashed):
        code, _, err = run("ingest", docs, tmp_path / "index")
    assert code == UNUSABLE and "→" in err


# ---- versions and questions ----------------------------------------------------------------------


def test_an_update_names_the_questions_that_have_another_answer(run):
    earlier = ("embedded:handbook_earlier", HANDBOOK, "embedded:questions_earlier")
    code, out, _ = run("update", *earlier)
    assert code == FAILED and "have to be embedded anew" in out.splitlines()[0]
    assert "runbooks/reindex-by-hand.md" in out and "max payload of a call on" in out


def test_an_update_that_changes_nothing_is_fine(run):
    code, out, _ = run("update", HANDBOOK, HANDBOOK, QUESTIONS)
    assert code == FINE and out.startswith("0 of ") and "unchanged         69" in out


def test_questions_of_headings_are_read_again_with_their_answers(run, tmp_path, configuration):
    path = tmp_path / "questions.jsonl"
    code, out, _ = run("questions", HANDBOOK, "-o", path)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert code == FINE and f"{len(rows)} questions" in out and "left out: little text" in out
    truth = open_questions(str(path), open_corpus(HANDBOOK))
    assert truth.questions["text"].tolist() == [each["text"] for each in rows]
    assert set(truth.answers["question"]) == {each["question"] for each in rows}
    assert len(truth.answers) == sum(len(each["answers"]) for each in rows)


def test_a_corpus_without_headings_gives_no_questions(run, docs, tmp_path):
    path = tmp_path / "questions.jsonl"
    code, out, _ = run("questions", docs, "-o", path)
    assert code == OPEN and "0 questions" in out and not path.exists()
    code, _, err = run("questions", HANDBOOK, "-o", tmp_path / "none" / "q.jsonl")
    assert code == UNUSABLE and "cannot be written" in err


# ---- help, and as a process ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["search", "ingest", "register", "health", "stale", "gate", "update", "questions"]
)
def test_help_teaches_with_an_example_and_the_exit_codes(name):
    shown = CliRunner().invoke(cli, ["retrieval", name, "--help"])
    assert shown.exit_code == 0
    assert f"aiopslab retrieval {name}" in shown.output.partition("Options:")[0].partition("\n")[2]
    assert "Exit codes" in shown.output and "  2  a wrong command" in shown.output
    assert f"aiopslab retrieval {name}" in CliRunner().invoke(cli, ["retrieval", "--help"]).output


def process(*arguments, **more):
    command = [COMMAND, "retrieval", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


def test_a_configuration_comes_through_a_pipe(docs):
    ended = process("search", "-", docs, "wings?", input="search: lexical\nk: 1\n")
    assert (ended.returncode, ended.stderr) == (FINE, "")
    assert ended.stdout.splitlines()[0].endswith("wings.md > Wings")
    ended = process("search", "-", docs, "wings?", input="serach: lexical\n")
    assert (ended.returncode, ended.stdout) == (UNUSABLE, "")
    assert "Did you mean 'search'?" in ended.stderr and "Traceback" not in ended.stderr


def test_the_model_of_this_machine_finds_by_meaning_and_fills_an_index(docs, tmp_path):
    from aiopslab.models.files import MINILM, find

    here = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    here["AIOPSLAB_MODELS"] = str(find(MINILM)[0].parent)
    ended = process("search", "default", docs, "something that flies", "-k", 1, env=here)
    assert ended.returncode == FINE and "wings.md" in ended.stdout, ended.stderr
    assert ended.stderr == "", "no bar where nobody looks"
    ours, theirs = pty.openpty()
    command = [COMMAND, "retrieval", "ingest", docs, tmp_path / "index"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=here) as running:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:  # so a terminal ends
            pass
        told = running.stdout.read()
    os.close(ours)
    assert running.returncode == FINE and b"2 of 2 chunks: 2 embedded" in told
    assert b"2 of 2 chunks: 2 embedded" in shown
