"""Scorers: plain functions from an output and its item to a score, and how to apply them.

A scorer is ``scorer(output, item) -> float | bool | Score``; most come from a factory with options,
such as ``exact("expected", ignore_case=True)``, and one written in a notebook cell does as well.
"""

from aiopslab.prompts.scorers.attempts import find_attempt, injection_attempt
from aiopslab.prompts.scorers.grounding import faithfulness
from aiopslab.prompts.scorers.judge import Judge, judge_pairs
from aiopslab.prompts.scorers.labels import label
from aiopslab.prompts.scorers.leaks import injected, prompt_leak
from aiopslab.prompts.scorers.meaning import similarity
from aiopslab.prompts.scorers.numbers import number
from aiopslab.prompts.scorers.offence import find_offence, toxicity
from aiopslab.prompts.scorers.overlap import rouge_l, token_f1
from aiopslab.prompts.scorers.personal import find_personal, pii
from aiopslab.prompts.scorers.refusals import refusal
from aiopslab.prompts.scorers.rules import (
    Rule,
    must,
    must_not,
    no_longer,
    no_shorter,
    policy,
    says,
)
from aiopslab.prompts.scorers.score import Score, Scorer, unparsed
from aiopslab.prompts.scorers.scoring import score_calls, summarise
from aiopslab.prompts.scorers.structure import json_schema
from aiopslab.prompts.scorers.text import contains, exact, length, regex
from aiopslab.prompts.scorers.trust import Trust, trust_in_pairs, trust_in_scores
from aiopslab.prompts.scorers.usage import cost, latency, tokens

__all__ = [
    "Judge",
    "Rule",
    "Score",
    "Scorer",
    "Trust",
    "contains",
    "cost",
    "exact",
    "faithfulness",
    "find_attempt",
    "find_offence",
    "find_personal",
    "injected",
    "injection_attempt",
    "json_schema",
    "judge_pairs",
    "label",
    "latency",
    "length",
    "must",
    "must_not",
    "no_longer",
    "no_shorter",
    "number",
    "pii",
    "policy",
    "prompt_leak",
    "refusal",
    "regex",
    "rouge_l",
    "says",
    "score_calls",
    "similarity",
    "summarise",
    "token_f1",
    "tokens",
    "toxicity",
    "trust_in_pairs",
    "trust_in_scores",
    "unparsed",
]
