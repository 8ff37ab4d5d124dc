"""Gate: whether a challenger is promoted, by rules that were written down before."""

import math
from dataclasses import dataclass

from aiopslab.drift.challenger import Challenge
from aiopslab.drift.metrics import WORDS
from aiopslab.errors import ParameterError
from aiopslab.gates import CODES, Word


@dataclass(frozen=True)
class Decision:
    """What a gate decided.

    Parameters
    ----------
    outcome
        ``promote``, ``keep`` (the champion) or ``not enough data``.
    reasons
        One sentence each, the decisive first.
    """

    outcome: Word
    reasons: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 to promote, 3 to keep the champion, 4 where there is not enough data to tell."""
        return CODES[self.outcome]

    def __str__(self) -> str:
        return f"{self.outcome}: {' '.join(self.reasons)}"


@dataclass(frozen=True)
class Gate:
    """What a challenger has to show.

    Parameters
    ----------
    min_improvement
        That the gain has to exceed for sure: its interval must lie above.
    max_loss
        That no class and no segment may lose more than for sure.
    max_calibration_loss
        By which the calibration error may grow.
    min_labels
        Fewer decide nothing.

    Notes
    -----
    Improvement and loss are in points of a rate (.01 is one point), and in shares of what the
    champion has for a cost or an error.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = {"age": range(300), "target": [0, 1, 1] * 100, "old": 1, "new": [0, 1, 1] * 100}
    >>> from aiopslab.drift.challenger import compare_models
    >>> from aiopslab.drift.observations import Roles
    >>> challenge = compare_models(pd.DataFrame(rows), Roles("old"), Roles("new"))
    >>> Gate().decide(challenge).exit_code, Gate(min_labels=500).decide(challenge).exit_code
    (0, 4)
    """

    min_improvement: float = 0.0
    max_loss: float = 0.02
    max_calibration_loss: float = 0.01
    min_labels: int = 100

    def __post_init__(self) -> None:
        for name in ("max_loss", "max_calibration_loss", "min_labels"):
            if not getattr(self, name) >= 0:
                raise ParameterError(f"{name} is {getattr(self, name)}", "Give 0 or more.")

    def decide(self, challenge: Challenge) -> Decision:
        """Decide on a challenge.

        Parameters
        ----------
        challenge
            The comparison, see `compare_models`.

        Returns
        -------
        Decision
            ``not enough data`` with too few labels, and where the interval of the gain holds the
            improvement that is asked for and more labels would tell; ``keep`` where a guard rail
            is broken or the gain is not enough.
        """
        labels = challenge.labels
        if labels < self.min_labels:
            return Decision(
                "not enough data", (f"{labels:,} labels; the gate asks for {self.min_labels:,}.",)
            )
        asked = self.min_improvement * challenge.scale
        gain = challenge.gain
        if math.isnan(gain.value):
            named = WORDS[challenge.metric]
            reason = f"The {named} of both models cannot be told from {labels:,} labels."
            return Decision("not enough data", (reason,))
        said = (
            f"{WORDS[challenge.metric]} gains {gain.value:+.3g} "
            f"({gain.low:+.3g} to {gain.high:+.3g}) on {labels:,} labels"
        )
        capital = f"{said[0].upper()}{said[1:]}"
        broken = self._broken(challenge)
        if broken:
            return Decision("keep", (*broken, f"{capital}."))
        if gain.low > asked:
            return Decision("promote", (f"The challenger's {said}; no guard rail is broken.",))
        if gain.high > asked and labels < challenge.needed:
            more = f"{capital}; about {challenge.needed:,} would show a gain of a hundredth."
            return Decision("not enough data", (more,))
        why = (
            "these labels would have shown a gain worth having"
            if gain.high > asked
            else f"more than {asked:.3g} is asked for"
        )
        return Decision("keep", (f"{capital}; {why}.",))

    def _broken(self, challenge: Challenge) -> list[str]:
        reasons = []
        for row in challenge.guards.to_dict("records"):
            allowed = self.max_calibration_loss if row["part"] == "calibration" else self.max_loss
            limit = allowed * row["scale"]
            if row["gain"] < -limit and row["high"] < 0:
                reasons.append(
                    f"{_named(str(row['part']), str(row['name']))} loses {-row['gain']:.3g} "
                    f"({-row['high']:.3g} to {-row['low']:.3g}); at most {limit:.3g} is allowed."
                )
        return reasons


def _named(part: str, name: str) -> str:
    return "Calibration" if part == "calibration" else f"The {part} {name}"
