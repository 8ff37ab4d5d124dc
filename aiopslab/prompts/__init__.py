"""Prompt evaluation: prompts compared on the same items, with error bars and at the least cost.

Importing this is cheap; pandas and the rest are loaded with what is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiopslab.prompts import scorers
    from aiopslab.prompts.agreement import cohen, krippendorff
    from aiopslab.prompts.aliases import follow, last_promotion, promote, roll_back
    from aiopslab.prompts.analysis import PromptAnalysis
    from aiopslab.prompts.ask import model_asker
    from aiopslab.prompts.calls import open_calls
    from aiopslab.prompts.comparison import compare
    from aiopslab.prompts.decision import decide
    from aiopslab.prompts.endpoint import Endpoint
    from aiopslab.prompts.evaluation import evaluate
    from aiopslab.prompts.feedback import Feedback
    from aiopslab.prompts.items import asked, open_items, open_prompt, open_prompts
    from aiopslab.prompts.local import local_model
    from aiopslab.prompts.measures import named_scores
    from aiopslab.prompts.opinions import gather_opinions
    from aiopslab.prompts.power import items_needed, least_effect, power_of, told_before
    from aiopslab.prompts.preferences import bradley_terry
    from aiopslab.prompts.production import watch
    from aiopslab.prompts.prompt import Prompt, diff, read_prompt
    from aiopslab.prompts.registry import register
    from aiopslab.prompts.run import run_prompts
    from aiopslab.prompts.sequential import peek
    from aiopslab.prompts.stopping import Question, evaluate_until_certain
    from aiopslab.prompts.store import Store
    from aiopslab.prompts.study import analyse
    from aiopslab.prompts.tradeoff import tradeoff_figure
    from aiopslab.statistics.outcomes import Metric

_HOMES = {
    "Question": "stopping",
    "evaluate_until_certain": "stopping",
    "Endpoint": "endpoint",
    "Feedback": "feedback",
    "Metric": "comparison",
    "Prompt": "prompt",
    "PromptAnalysis": "analysis",
    "Store": "store",
    "analyse": "study",
    "asked": "items",
    "bradley_terry": "preferences",
    "cohen": "agreement",
    "compare": "comparison",
    "decide": "decision",
    "diff": "prompt",
    "evaluate": "evaluation",
    "follow": "aliases",
    "gather_opinions": "opinions",
    "items_needed": "power",
    "krippendorff": "agreement",
    "last_promotion": "aliases",
    "least_effect": "power",
    "local_model": "local",
    "model_asker": "ask",
    "named_scores": "measures",
    "open_calls": "calls",
    "open_items": "items",
    "open_prompt": "items",
    "open_prompts": "items",
    "peek": "sequential",
    "power_of": "power",
    "promote": "aliases",
    "read_prompt": "prompt",
    "register": "registry",
    "roll_back": "aliases",
    "run_prompts": "run",
    "told_before": "power",
    "tradeoff_figure": "tradeoff",
    "watch": "production",
}
__all__ = [
    "Endpoint",
    "Feedback",
    "Metric",
    "Prompt",
    "PromptAnalysis",
    "Question",
    "Store",
    "analyse",
    "asked",
    "bradley_terry",
    "cohen",
    "compare",
    "decide",
    "diff",
    "evaluate",
    "evaluate_until_certain",
    "follow",
    "gather_opinions",
    "items_needed",
    "krippendorff",
    "last_promotion",
    "least_effect",
    "local_model",
    "model_asker",
    "named_scores",
    "open_calls",
    "open_items",
    "open_prompt",
    "open_prompts",
    "peek",
    "power_of",
    "promote",
    "read_prompt",
    "register",
    "roll_back",
    "run_prompts",
    "scorers",
    "told_before",
    "tradeoff_figure",
    "watch",
]


def __getattr__(name: str) -> Any:
    if name == "scorers":
        return import_module("aiopslab.prompts.scorers")
    if name in _HOMES:
        return getattr(import_module(f"aiopslab.prompts.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
