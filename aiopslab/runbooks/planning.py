"""A plan: the actions that answer the evidence, the best first, with their risk and undo."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd

from aiopslab.errors import did_you_mean
from aiopslab.findings import Finding, Verdict
from aiopslab.runbooks.catalogue import Catalogue, built_in, validated
from aiopslab.runbooks.cues import Cue, alert_cues, change_cues, finding_cues
from aiopslab.runbooks.errors import RunbookError
from aiopslab.runbooks.step import Step

SILENCES = 5  # more of them hide an incident rather than quieten it
NOTHING, NOTHING_SAFE = "Nothing needs to be done.", "Nothing here is safe to do."
LOOK = (
    "Look at what changed shortly before the onset, in the suspects and in what they call.",
    "Widen the window, or add the evidence that is missing, and analyse again.",
)
_COLUMNS = [
    *("step", "action", "service", "benefit", "risk", "why", "precondition", "check", "command"),
    *("undo", "warning"),
]


@dataclass(frozen=True)
class Plan:
    """Steps in the order in which to try them, one at a time.

    Parameters
    ----------
    steps
        The best first; may be empty.
    next
        What to look at where no step helps, or none is there.
    notes
        What was left out of the plan, and why.
    """

    steps: tuple[Step, ...]
    next: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """The first step in a sentence, or that there is none."""
        if not self.steps:
            return NOTHING_SAFE if self.next else NOTHING
        first = self.steps[0]
        what, risk = _lower(first.action.title), first.action.risk.level
        return f"First: {what} ({first.service}): {first.expected}, {risk} risk."

    def __getitem__(self, number: int) -> Step:
        """Return a step by its number, from 1.

        Raises
        ------
        RunbookError
            If there is no such step.
        """
        if not 1 <= number <= len(self.steps):
            raise RunbookError(
                f"there is no step {number}; the plan has {len(self.steps)}",
                "See the steps with `aiopslab remediate show`.",
            )
        return self.steps[number - 1]

    def table(self) -> pd.DataFrame:
        """Return one row a step, from 1.

        Returns
        -------
        pandas.DataFrame
            ``step, action, service, benefit, risk, why, precondition, check, command, undo,
            warning``.
        """
        rows = [
            (
                *(number, each.action.name, each.service, each.benefit),
                *(_risk(each), each.why, each.precondition, each.check, each.command),
                *(each.undo_command or each.undo, each.warning),
            )
            for number, each in enumerate(self.steps, start=1)
        ]
        return pd.DataFrame(rows, columns=_COLUMNS)

    def to_markdown(self) -> str:
        """Write the plan as Markdown, for a ticket or a chat."""
        parts = [f"**{_inline(self.headline)}**"]
        for number, each in enumerate(self.steps, start=1):
            lines = [
                f"### {number}. {_inline(each.action.title)}: {_inline(each.service)}",
                f"- Why: {_inline(each.why)} Expect: {each.expected}.",
                f"- Risk: {_inline(_risk(each))}",
                f"- First: {_inline(each.precondition)}",
                f"- Undo: {_inline(each.undo)}",
            ]
            if each.warning:
                lines.insert(1, f"- **Beware**: {_inline(each.warning)}")
            told = [("check", each.check), ("do", each.command), ("undo", each.undo_command)]
            listed = "\n".join(f"# {what}\n{command}" for what, command in told if command)
            parts += ["\n".join(lines), _fenced(listed)]
        parts += [f"Note: {_inline(each)}" for each in self.notes]
        if self.next:
            parts.append("\n".join(["Next, look here:", *(f"- {_inline(e)}" for e in self.next)]))
        return "\n\n".join(parts) + "\n"

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, which `from_json` reads."""
        steps = [each.to_json() for each in self.steps]
        return {"steps": steps, "next": [*self.next], "notes": [*self.notes]}

    @classmethod
    def from_json(cls, plain: Any) -> "Plan":
        """Read what `to_json` wrote.

        Raises
        ------
        RunbookError
            If a field is missing or does not fit.
        """
        plan: Plan = validated(Plan, plain, "the plan")
        return plan

    def _repr_html_(self) -> str:
        steps = "".join(map(_html, self.steps))
        return (
            f'<section class="aiopslab-plan"><p><strong>{escape(self.headline)}</strong></p>'
            + (f"<ol>{steps}</ol>" if steps else "")
            + "".join(f"<p><small>Note: {escape(each)}</small></p>" for each in self.notes)
            + (_html_list("Next, look here", self.next) if self.next else "")
            + "</section>"
        )


def plan(
    found: Verdict | Sequence[Finding],
    suspects: Sequence[str] = (),
    changes: pd.DataFrame | None = None,
    catalogue: Catalogue | None = None,
    *,
    alerts: pd.DataFrame | None = None,
    signals: pd.DataFrame | None = None,
    given: Mapping[str, str] | None = None,
) -> Plan:
    """Match actions to evidence.

    Parameters
    ----------
    found
        What was found. Findings that are ``ok`` call for nothing.
    suspects
        Services that may be the cause, the likeliest first; by default the subjects of the
        findings, in their order.
    changes
        Changes frame of the time shortly before the onset, perhaps with a `score`, the larger the
        more it speaks against a change; see `aiopslab.incident.recent_changes`.
    catalogue
        The actions; those that come with the library by default.
    alerts
        Alerts frame, or `AlertGroups.alerts`, of which those that fire may be silenced.
    signals
        ``service, name, signal, strength, before, after`` of all that speaks against the
        suspects, as `aiopslab.incident.suspects.find_suspects` returns it.
    given
        Values of parameters that hold for every step, e.g. ``{"namespace": "shop"}``.

    Returns
    -------
    Plan
        May be empty, with what to look at next.

    Raises
    ------
    RunbookError
        If a name in `given` is a parameter of no action.

    Notes
    -----
    The rules: a change to the first suspect is undone, with high benefit for the latest or highest
    scored and medium for others; what is measured of it (a resource at its limit, no answer, a
    stale index) is treated, with medium benefit; for other suspects it is one less. A service that
    is only slow or failing is restarted, with low benefit, where it has no change to undo. Alerts
    are silenced last, which removes no cause. Steps are sorted by benefit, risk, and whether they
    can be taken back. What the change log lists before an onset need not have caused it: undo one
    thing, and see.

    Examples
    --------
    >>> finding = Finding("Error ratio rose by 0.12.", "classifier", "act", "metrics: error_ratio")
    >>> changes = pd.DataFrame(
    ...     {"timestamp": pd.to_datetime(["2026-03-01T11:58Z"]), "kind": "deploy",
    ...      "service": "classifier", "ref": "v2.1.7", "description": "classifier: 2.1.7"}
    ... )
    >>> first = plan([finding], changes=changes)[1]
    >>> print(first.benefit, first.command)
    high kubectl rollout undo deployment/classifier --namespace default
    """
    actions = catalogue or built_in()
    values = dict(given or {})
    _check_given(values, actions)
    findings = found.findings if isinstance(found, Verdict) else tuple(found)
    findings = tuple(each for each in findings if each.severity != "ok")
    is_quiet = isinstance(found, Verdict) and found.level == "ok"
    if is_quiet or not (findings or suspects):
        return Plan((), _next(found))
    named = tuple(dict.fromkeys(suspects or [each.subject for each in findings]))
    claims = {each.subject: each.claim for each in reversed(findings)}
    undoing = change_cues(changes, named, claims)
    answered = [cue.service for cue in undoing if actions.answering(cue.name)]
    cues = [*undoing, *finding_cues(findings, named, answered, signals)]
    steps, notes = _steps([*cues, *alert_cues(alerts, named)], actions, values)
    silences = [each for each in steps if each.benefit == "none"]
    if len(silences) > SILENCES:
        notes.append(f"{len(silences) - SILENCES} more alerts fire that could be silenced.")
        steps = [each for each in steps if each not in silences[SILENCES:]]
    ordered = sorted(steps, key=lambda step: (*step.order, bool(step.warning)))
    return Plan(tuple(ordered), _next(found), tuple(notes))


def _steps(
    cues: Sequence[Cue], catalogue: Catalogue, given: Mapping[str, str]
) -> tuple[list[Step], list[str]]:
    """Return a step for each action that answers a cue, once, and what had to be left out."""
    steps: dict[tuple[str, tuple[tuple[str, str], ...]], Step] = {}
    notes: dict[str, None] = {}
    for cue in cues:
        for action in catalogue.answering(cue.name):
            known = {**cue.values, **given}
            values = {name: known[name] for name in action.parameters if name in known}
            try:
                step = Step.of(action, cue.service, values, cue.why, cue.benefit, cue.warning)
            except RunbookError as error:
                notes[f"{action.title} is left out: {error.problem}."] = None
            else:
                steps.setdefault((action.name, tuple(sorted(step.values.items()))), step)
    return list(steps.values()), list(notes)


def _next(found: Verdict | Sequence[Finding]) -> tuple[str, ...]:
    actions = found.actions if isinstance(found, Verdict) else ()
    is_quiet = isinstance(found, Verdict) and found.level == "ok"
    return actions or (() if is_quiet else LOOK)


def _check_given(given: Mapping[str, str], catalogue: Catalogue) -> None:
    known = sorted({name for action in catalogue.actions for name in action.parameters})
    for name in given:
        if name not in known:
            raise RunbookError(f"no action has a parameter {name!r}", did_you_mean(name, known))


def _risk(step: Step) -> str:
    return f"{step.action.risk.level}: {step.action.risk.why}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _inline(text: str) -> str:
    """Write text so that Markdown shows it as it is, on one line."""
    return re.sub(r"([\\`*_\[\]#|~])", r"\\\1", escape(" ".join(text.split()), quote=False))


def _fenced(text: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}sh\n{text}\n{fence}"


def _html_list(title: str, entries: Sequence[str]) -> str:
    return f"<h4>{title}</h4><ul>{''.join(f'<li>{escape(each)}</li>' for each in entries)}</ul>"


def _html(step: Step) -> str:
    warning = f"<p><strong>Beware: {escape(step.warning)}</strong></p>" if step.warning else ""
    told = [
        ("Why", step.why, ""),
        ("Risk", _risk(step), ""),
        ("First", step.precondition, step.check),
        ("Do", "", step.command),
        ("Undo", step.undo, step.undo_command),
    ]
    rows = "".join(
        f"<dt>{name}</dt><dd>{escape(text)}"
        + (f"<pre><code>{escape(command)}</code></pre>" if command else "")
        + "</dd>"
        for name, text, command in told
    )
    title = f"{escape(step.action.title)}: {escape(step.service)}"
    return f"<li><b>{title}</b> ({step.expected}){warning}<dl>{rows}</dl></li>"
