"""Public labelled sets of outputs, read from where they lie; nothing of them is kept here.

The folder is ``AIOPSLAB_EVALUATION_DATA``, else ``../shared/data`` beside this project. Where it
is absent the figures that need it are left out, and the table says so.
"""

import json
import os
from functools import cache
from pathlib import Path

import pandas as pd

ROOT = Path(
    os.environ.get("AIOPSLAB_EVALUATION_DATA", Path(__file__).parents[3] / "shared" / "data")
)
PROMPTS = ROOT / "prompts"


def is_there() -> bool:
    return PROMPTS.is_dir()


@cache
def begin() -> pd.DataFrame:
    """Return replies and their knowledge: ``output, context, label`` (fully attributable)."""
    parts = [
        pd.read_csv(PROMPTS / "begin" / f"begin_dev_{name}.tsv", sep="\t", keep_default_na=False)
        for name in ("cmu", "wow")
    ]
    table = pd.concat(parts, ignore_index=True)
    return pd.DataFrame(
        {
            "output": table["response"],
            "context": table["knowledge"],
            "label": table["begin_label"] == "Fully attributable",
        }
    )


@cache
def wice() -> pd.DataFrame:
    """Return claims with evidence from the web: ``output, context, label`` (supported)."""
    rows = _lines("wice/oracle_claim_dev.jsonl")
    return pd.DataFrame(
        {
            "output": [each["claim"] for each in rows],
            "context": ["\n".join(each["evidence"]) for each in rows],
            "label": [each["label"] == "supported" for each in rows],
        }
    )


@cache
def tweets() -> pd.DataFrame:
    """Return ``output, label`` (``hate``, ``offensive``, ``neither``); never to be shown."""
    table = pd.read_csv(PROMPTS / "toxicity" / "davidson_half.csv")
    names = {0: "hate", 1: "offensive", 2: "neither"}
    return pd.DataFrame({"output": table["tweet"], "label": table["class"].map(names)})


@cache
def injections() -> pd.DataFrame:
    """Return mails without and with an instruction: ``text, kind`` (empty without), ``mail``.

    Each attack stands before, within and after each mail, on a line of its own.
    """
    mails = [each["context"] for each in _lines("bipia/email_train.jsonl")]
    attacks = json.loads((PROMPTS / "bipia" / "text_attack_train.json").read_text())
    rows = [{"text": mail, "kind": "", "mail": at} for at, mail in enumerate(mails)]
    for kind, listed in attacks.items():
        for attack in listed:
            for at, mail in enumerate(mails):
                middle = mail.rfind(" ", 0, len(mail) // 2) + 1
                rows += [
                    {"text": f"{mail[:cut]}\n{attack}\n{mail[cut:]}", "kind": kind, "mail": at}
                    for cut in (0, middle, len(mail))
                ]
    return pd.DataFrame(rows)


@cache
def questions() -> pd.Series:
    """Return what customers of a bank ask, in which nobody gives personal data away."""
    return pd.read_csv(PROMPTS / "banking77" / "train.csv")["text"]


@cache
def preferences() -> pd.DataFrame:
    """Return pairs with an objective winner: ``item, input, first, second, label``."""
    rows = []
    for name in ("Natural", "Adversarial_GPTInst"):
        for at, each in enumerate(json.loads((PROMPTS / "llmbar" / f"{name}.json").read_text())):
            rows.append(
                {
                    "item": f"{name} {at}",
                    "input": each["input"],
                    "first": each["output_1"],
                    "second": each["output_2"],
                    "label": {1: "first", 2: "second"}[each["label"]],
                }
            )
    return pd.DataFrame(rows)


@cache
def solutions() -> pd.DataFrame:
    """Return graded solutions of sums: ``output, expected, label`` (correct)."""
    rows = [
        {
            "output": each[system]["solution"],
            "expected": each["ground_truth"].rsplit("A:", 1)[-1].strip(),
            "label": each[system]["is_correct"],
        }
        for each in _lines("gsm8k/example_model_solutions.even.jsonl")
        for system in each
        if system not in {"question", "ground_truth"}
    ]
    return pd.DataFrame(rows)


def _lines(path: str) -> list[dict]:
    return [json.loads(each) for each in (PROMPTS / path).read_text().splitlines()]
