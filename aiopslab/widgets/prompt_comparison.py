"""Prompt comparison: outputs side by side, rated by hand and blind, and what that comes to."""

from typing import Any

import ipywidgets as widgets
import pandas as pd
import plotly.graph_objects as go

from aiopslab.errors import AIOpsLabError, PromptError
from aiopslab.prompts.analysis import PromptAnalysis
from aiopslab.prompts.blinding import aliases, blinded
from aiopslab.prompts.feedback import Feedback
from aiopslab.prompts.standing import Standing, nothing_rated, scores_so_far, standings
from aiopslab.prompts.tables import contrast_rows
from aiopslab.prompts.tasks import Side, Task
from aiopslab.widgets import prompt_html as html
from aiopslab.widgets.button import button
from aiopslab.widgets.panel import Panel
from aiopslab.widgets.view import View

CHOICES: dict[Side, tuple[str, str]] = {
    "left": ("1 ← left is better", "The left output is better (key 1, or arrow to the left)"),
    "right": ("2 → right is better", "The right output is better (key 2, or arrow to the right)"),
    "tie": ("3 ↓ as good", "Neither is better (key 3, or arrow down)"),
}
KEYS: dict[str, Side] = {
    **{"1": "left", "2": "right", "3": "tie"},
    **{"ArrowLeft": "left", "ArrowRight": "right", "ArrowDown": "tie"},
}
SIDES = {"grid_template_columns": "repeat(auto-fit, minmax(16em, 1fr))", "grid_gap": "0.8em"}
DONE = "Every pair is rated. Thank you."
EMPTY = "There is nothing to rate: add pairs of outputs to the store."
REVEALED = (
    "The names are shown; what was rated now would not be blind, so that rating is over here."
)
SCORES = "By the scores of the run, with bounds that hold however often one looks:"
SINGLE = "Next in this store is a single output, to be graded. Keep pairs in a store of their own."


class PromptComparison(View):
    """Shows two outputs side by side, asks which is better, and follows what that tells.

    The last cell of a notebook shows it. Which prompt wrote what is not in the page until *Reveal*
    is pressed: prompts are called by letters. A rating is stored, and the next pair shown, before
    anything is computed of it. Where the store has ratings of this rater already, it goes on where
    they were; what others rate meanwhile, in any process, is seen at the next press.

    Parameters
    ----------
    feedback
        The store, with pairs of outputs; several raters may share it.
    rater
        Who rates.
    analysis
        Of the run that the outputs are from; its scores are compared once the names are shown, as
        they would sway who rates.

    Attributes
    ----------
    selection : dict
        The last rating of the rater, ``task, item, choice``, and once the names are shown ``left,
        right, preferred`` too; empty where there is none.
    buttons : dict
        Of ``left``, ``right`` and ``tie``.

    Raises
    ------
    ParameterError
        If the rater has no name, or is a judge in this store.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> calls = pd.DataFrame({"item": [1, 1], "prompt": ["a", "b"], "output": ["Yes", "No"]})
    >>> with tempfile.TemporaryDirectory() as folder, Feedback(f"{folder}/f.db") as feedback:
    ...     _ = feedback.add_pairs(calls, {1: "Is it?"})
    ...     comparison = PromptComparison(feedback, "ann")
    ...     print(comparison)
    ...     comparison.buttons["left"].click()
    ...     print(comparison)
    ...     print(comparison.selection)
    PromptComparison('ann': 0 of 1 rated, blind)
    PromptComparison('ann': 1 of 1 rated, blind)
    {'task': 1, 'item': 1, 'choice': 'left'}
    """

    def __init__(
        self, feedback: Feedback, rater: str, analysis: PromptAnalysis | None = None
    ) -> None:
        super().__init__("Which output is better?")
        self.feedback, self.rater, self.analysis = feedback, rater, analysis
        self.is_blind = True
        self.task: Task | None = None
        self.rated = self.tasks = 0
        self.buttons = {choice: button(*told) for choice, told in CHOICES.items()}
        self.undo = button("Undo (u)", "Take the last rating back, and rate the pair again (u)")
        self.differences = widgets.ToggleButton(
            description="Show differences (d)",
            tooltip="Strike out the words that only the left has, underline those of the right (d)",
            layout=widgets.Layout(width="auto"),
        )
        self.reveal = button("Reveal", "Show the names of the prompts, and end the rating")
        self.pair = widgets.Dropdown(description="Prompts:", layout=widgets.Layout(width="auto"))
        self.asked, self.left, self.right = (_text(height) for height in ("12em", "24em", "24em"))
        self._told, self._progress, self._agreed, self._stands, self._named = (
            widgets.HTML() for _ in range(5)
        )
        self.standings: tuple[Standing, ...] = ()
        self.panel = Panel(self.page)
        for choice, each in self.buttons.items():
            each.on_click(lambda _, choice=choice: self._rate(choice))
        self.undo.on_click(lambda _: self._undo())
        self.reveal.on_click(lambda _: self._reveal())
        self.differences.observe(lambda _: self._show_pair(), "value")
        self.pair.observe(lambda _: self._draw(), "value")
        self.page.shortcuts = [*KEYS, "u", "d"]
        self.page.on_key(self._press)
        row = widgets.Layout(flex_flow="row wrap")
        self.show(
            self.asked,
            widgets.GridBox([self.left, self.right], layout=widgets.Layout(**SIDES)),
            widgets.HBox([*self.buttons.values(), self.undo, self.differences], layout=row),
            self._told,
            self._progress,
            self._agreed,
            self._stands,
            self.pair,
            self.panel.widget,
            widgets.HBox([self.reveal]),
            self._named,
        )
        self._refresh()

    def to_parameters(self) -> dict[str, Any]:
        """Return what reports are told of the ratings: ``{"feedback": path}``, of ``prompt_ab``.

        Raises
        ------
        PromptError
            If the store is in memory.
        """
        if not self.feedback.path.is_file():
            raise PromptError(
                f"there is no file at {str(self.feedback.path)!r} that a report could read",
                "Keep the ratings in a file, such as Feedback('feedback.db').",
            )
        return {"feedback": str(self.feedback.path)}

    def summary(self) -> str:
        """Return how far raters are, how far they agree, and what that tells, as HTML."""
        parts = (self._progress, self._agreed, self._stands, self._named)
        return "\n".join(each.value for each in parts if each.value)

    def pictures(self) -> list[go.Figure]:
        """Return how often one prompt is preferred to the other, with its bounds."""
        return [self.panel.figure] if self.standings else []

    def __repr__(self) -> str:
        state = "blind" if self.is_blind else "names shown"
        return f"PromptComparison({self.rater!r}: {self.rated:,} of {self.tasks:,} rated, {state})"

    def _press(self, key: str) -> None:
        if key in KEYS:
            self._rate(KEYS[key])
        elif key == "u":
            self._undo()
        else:
            self.differences.value = not self.differences.value

    def _rate(self, choice: Side) -> None:
        if self.buttons[choice].disabled or self.task is None:
            return
        told = ""
        try:
            self.feedback.rate(self.task, choice)
        except AIOpsLabError as error:  # such as what was rated in another window
            told = str(error)
        self._refresh(told)

    def _undo(self) -> None:
        if self.is_blind:
            undone = self.feedback.undo(self.rater)
            self._refresh("" if undone else "There is no rating to take back.")

    def _reveal(self) -> None:
        if not self.reveal.disabled:
            self.is_blind = False
            self._refresh()

    def _refresh(self, told: str = "") -> None:
        """Show what is next, and then what all ratings come to, which takes longer."""
        self.task = self.feedback.next_task(self.rater) if self.is_blind else None
        progress = self.feedback.progress()
        (own,) = progress[progress["rater"] == self.rater].to_dict("records")
        self.rated, self.tasks = own["rated"], own["tasks"]
        for each in (*self.buttons.values(), self.differences):
            each.disabled = self.task is None or not self.task.is_pair
        self.undo.disabled = self.reveal.disabled = not (self.rated and self.is_blind)
        self._told.value = html.of_message(told, "alert")
        self._progress.value = html.of_progress(progress)
        self._show_pair()
        self.page.say(told or f"{self.rated:,} of {self.tasks:,} rated")
        self._follow()

    def _show_pair(self) -> None:
        is_pair = self.task is not None and self.task.is_pair
        for each in (self.left, self.right):
            each.layout.display = None if is_pair else "none"
        if self.task is not None and self.task.is_pair:
            shown = html.of_task(self.task, self.differences.value)
            self.asked.value, self.left.value, self.right.value = shown
        elif self.task is not None:
            self.asked.value = html.of_message(SINGLE)
        elif not self.is_blind:
            self.asked.value = html.of_message(REVEALED)
        else:
            self.asked.value = html.of_message(DONE if self.rated else EMPTY)

    def _follow(self) -> None:
        preferences = self.feedback.preferences()
        hidden = blinded(preferences, self.feedback.seed)
        self.standings = standings(hidden if self.is_blind else preferences)
        self.selection = self._last(preferences)
        self._agreed.value = html.of_agreement(self.feedback.agreement())
        self._stands.value = html.of_standings(self.standings)
        self._named.value = "" if self.is_blind else self._names(preferences)
        names = [f"{each.one} and {each.other}" for each in self.standings]
        if [*self.pair.options] != names:
            self.pair.options = names
        self.pair.layout.display = None if len(names) > 1 else "none"
        self._draw()

    def _draw(self) -> None:
        pair = self.pair.index or 0
        self.panel.draw(self.standings[pair].figure() if self.standings else nothing_rated())

    def _names(self, preferences: pd.DataFrame) -> str:
        known = sorted(aliases(preferences, self.feedback.seed).items(), key=lambda each: each[1])
        told = html.of_message(f"{'; '.join(f'{alias} is {name}' for name, alias in known)}.")
        if self.analysis is None:
            return told
        try:
            scored = contrast_rows(scores_so_far(self.analysis).contrasts)
        except AIOpsLabError as error:
            return told + html.of_message(str(error), "alert")
        return told + html.of_message(SCORES) + html.of_frame(scored)

    def _last(self, preferences: pd.DataFrame) -> dict[str, Any]:
        own = preferences[preferences["rater"] == self.rater].tail(1).to_dict("records")
        if not own:
            return {}
        last = own[0]
        sides = {last["left"]: "left", last["right"]: "right", "tie": "tie"}
        told = {"task": last["task"], "item": last["item"], "choice": sides[last["preferred"]]}
        if self.is_blind:
            return told
        return told | {each: last[each] for each in ("left", "right", "preferred")}


def _text(height: str) -> Any:
    """Return a frame that scrolls, and keeps the focus, and so the keys, when its text goes."""
    border = "1px solid var(--jp-border-color1, currentColor)"
    layout = widgets.Layout(
        max_height=height, overflow="auto", border=border, padding="0.2em 0.8em"
    )
    return widgets.HTML(layout=layout, tabbable=True)
