"""The vocabulary every investigation ends in: findings, a verdict, and its conclusion."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from html import escape
from typing import Any, Literal, cast, get_args

from aiopslab.errors import AIOpsLabError
from aiopslab.wording import plain

Level = Literal["ok", "watch", "act"]
LEVELS: tuple[Level, ...] = get_args(Level)

VERDICT_MIME = "application/vnd.aiopslab.verdict+json"

_GLYPHS: dict[Level, str] = {"ok": "✓", "watch": "◐", "act": "▲"}  # never colour alone


def _check_level(name: str, level: str) -> None:
    if level not in LEVELS:
        raise AIOpsLabError(
            f"{name} is {level!r}; expected one of {', '.join(LEVELS)}",
            "Use 'ok' for nothing to do, 'watch' for look again soon, 'act' for do something now.",
        )


@dataclass(frozen=True, slots=True)
class Interval:
    """A range that is meant to hold the true value.

    Parameters
    ----------
    low, high
        The bounds, in the unit of what they bound; ``low <= high``.
    confidence
        How often such a range holds the truth, 0 to 1.

    Examples
    --------
    >>> print(Interval(1.5, 2.25))
    1.5 to 2.25
    """

    low: float
    high: float
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise AIOpsLabError(f"interval runs from {self.low} to {self.high}", "Swap its bounds.")
        if not 0 < self.confidence < 1:
            raise AIOpsLabError(
                f"confidence is {self.confidence}; expected a number between 0 and 1",
                "Write 95 % as 0.95.",
            )

    def __str__(self) -> str:
        return f"{self.low:.4g} to {self.high:.4g}"


@dataclass(frozen=True, slots=True)
class Effect:
    """How large something is, with how sure we are.

    Parameters
    ----------
    name
        What was measured, in words a reader knows, e.g. ``"median latency"``.
    value
        The estimate, in `unit`.
    unit
        ``"×"``, ``"ms"``, ``"σ"``, …; empty for a plain number.
    interval
        The range that should hold the true value, or ``None`` where none can be given.

    Examples
    --------
    >>> print(Effect("median latency", 12.5, "×", Interval(9.1, 16.0)))
    median latency 12.5× (95 % interval 9.1 to 16)
    """

    name: str
    value: float
    unit: str = ""
    interval: Interval | None = None

    def __str__(self) -> str:
        joint = "" if self.unit in {"", "×"} else " "
        text = f"{self.name} {self.value:.4g}{joint}{self.unit}"
        if self.interval is None:
            return text
        return f"{text} ({100 * self.interval.confidence:g} % interval {self.interval})"


@dataclass(frozen=True, slots=True)
class Finding:
    """One claim, with whom it concerns, how bad it is, how large, and where to look.

    Parameters
    ----------
    claim
        One sentence in the present or past tense.
    subject
        The service, feature, prompt or index that it is about.
    severity
        ``ok``, ``watch`` or ``act``: the scale of the verdict.
    evidence
        Where the reader can see it for themselves, e.g. ``"metrics: retriever latency"``.
    effect
        The size of it; ``None`` only where the claim is not one of size.
    """

    claim: str
    subject: str
    severity: Level
    evidence: str
    effect: Effect | None = None

    def __post_init__(self) -> None:
        _check_level("severity", self.severity)
        # The subject stays as it is: it is no sentence but a name, by which others find it.
        for name in ("claim", "evidence"):
            object.__setattr__(self, name, plain(getattr(self, name)))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an investigation concludes.

    Parameters
    ----------
    level
        ``ok`` (nothing to do), ``watch`` (look again soon) or ``act`` (do something now).
    headline
        One sentence that a tired person can read at 3 a.m.
    metrics
        Headline figures by name; a figure that could not be had is NaN.
    findings
        The claims it rests on, the most important first.
    actions
        What to do next, in order.

    Examples
    --------
    >>> verdict = Verdict("ok", "Nothing abnormal here.", {"services": 8})
    >>> Verdict.from_json(verdict.to_json()) == verdict
    True
    """

    level: Level
    headline: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    actions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_level("level", self.level)
        # Names of others are in it, and it goes to terminals, mails and pages.
        object.__setattr__(self, "headline", plain(self.headline))
        object.__setattr__(self, "actions", tuple(map(plain, self.actions)))

    def beside(self, findings: Iterable[Finding]) -> "Verdict":
        """Return the verdict with more findings; one that is worse raises its level.

        Parameters
        ----------
        findings
            Of another look at the same subject, put after those there are.

        Examples
        --------
        >>> worse = Finding("Answers became slower.", "support", "act", "section: production")
        >>> raised = Verdict("ok", "Keep the prompt.").beside([worse])
        >>> raised.level, raised.headline
        ('act', 'Keep the prompt. Answers became slower.')
        """
        more = tuple(findings)
        worst = max(more, key=lambda each: LEVELS.index(each.severity), default=None)
        told = replace(self, findings=(*self.findings, *more))
        if worst is None or LEVELS.index(worst.severity) <= LEVELS.index(self.level):
            return told
        return replace(told, level=worst.severity, headline=f"{self.headline} {worst.claim}")

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; a figure that is not finite becomes null.

        Figures are a list of pairs, since notebooks are stored with their keys sorted and the
        order of the figures is part of what they say.
        """
        plain = asdict(self) | {"metrics": list(self.metrics.items())}
        return cast("dict[str, Any]", _finite(plain))

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Verdict":
        """Read what `to_json` wrote.

        Raises
        ------
        AIOpsLabError
            If a field is missing or holds a value outside its scale.
        """
        try:
            return cls(
                level=plain["level"],
                headline=plain["headline"],
                metrics={name: _number(value) for name, value in plain["metrics"]},
                findings=tuple(_finding(each) for each in plain["findings"]),
                actions=tuple(plain["actions"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise AIOpsLabError(
                f"not a verdict: {error}", "Pass what Verdict.to_json() returned."
            ) from error

    def _repr_html_(self) -> str:
        findings = "".join(
            f"<li><b>{escape(plain(each.subject))}</b>: {escape(each.claim)}"
            + (f" <span>{escape(str(each.effect))}</span>" if each.effect else "")
            + f" <small>{escape(each.evidence)}</small></li>"
            for each in self.findings
        )
        actions = "".join(f"<li>{escape(each)}</li>" for each in self.actions)
        return (
            f'<section class="aiopslab-verdict aiopslab-{self.level}" role="status">'
            f"<p><strong>{_GLYPHS[self.level]} {self.level}</strong> {escape(self.headline)}</p>"
            + (f"<h4>Findings</h4><ol>{findings}</ol>" if findings else "")
            + (f"<h4>What to do next</h4><ol>{actions}</ol>" if actions else "")
            + "</section>"
        )

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {
            VERDICT_MIME: self.to_json(),
            "text/html": self._repr_html_(),
            "text/plain": f"{self.level}: {self.headline}",
        }


def conclude(verdict: Verdict) -> None:
    """End a notebook with its verdict.

    The verdict is emitted as a MIME bundle, so whoever reads the executed notebook finds it as
    data beside the HTML that people see.

    Raises
    ------
    AIOpsLabError
        If what was passed is not a `Verdict`.
    """
    if not isinstance(verdict, Verdict):
        raise AIOpsLabError(
            f"conclude() was given a {type(verdict).__name__}; expected a Verdict",
            "Call conclude(result.verdict()).",
        )
    from IPython.display import display

    display(verdict)  # type: ignore[no-untyped-call]


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    if isinstance(value, str) or value is None:
        return value
    number = float(value)  # also numpy's scalars, which json refuses
    return number if math.isfinite(number) else None


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _finding(plain: Mapping[str, Any]) -> Finding:
    effect = plain["effect"]
    if effect is not None:
        interval = effect["interval"]
        if interval is not None:
            interval = Interval(
                _number(interval["low"]), _number(interval["high"]), interval["confidence"]
            )
        effect = Effect(effect["name"], _number(effect["value"]), effect["unit"], interval)
    return Finding(plain["claim"], plain["subject"], plain["severity"], plain["evidence"], effect)
