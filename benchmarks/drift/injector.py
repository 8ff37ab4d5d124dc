"""Worlds of which the truth is known, and what can be injected into them.

A world is a set of correlated features, a rule that says how likely the outcome is, and a model
that was fitted on a part that is never shown again. Everything in it is drawn from its seed, and so
are size and place of what is injected, so that nothing can be fitted to one example.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.trees import Trees

Floats = npt.NDArray[np.float64]
Rule = Callable[[Floats], Floats]

TRAINED_ON = 4_000
START = pd.Timestamp("2026-03-02", tz="UTC")
UNITS = (0.001, 0.01, 1 / 60, 1 / 2.54, 2.2046, 1.609, 60, 100, 1_000)
CLEARLY = 0.03  # of the rows, that more are right
SENTINELS = (-999.0, -200.0, 9_999.0, -1.0)


@dataclass(frozen=True)
class Case:
    """One comparison with its truth.

    Parameters
    ----------
    cause, injected
        What happened: in the vocabulary of a diagnosis, and in which way.
    reference, current
        Observations.
    period
        Of the season, where the world has one.
    action
        What should be done; empty where more than one thing is right.
    """

    cause: str
    injected: str
    reference: pd.DataFrame
    current: pd.DataFrame
    period: str | None = None
    action: str = ""


@dataclass(frozen=True)
class World:
    """Features, a rule for the outcome, and a model.

    Parameters
    ----------
    loadings
        Of the numbers on the latent ones, ``(latent, numbers)``; what is left is noise of its own.
    skewed
        Which numbers are lognormal.
    scale, start
        Of each number, in units of its own.
    edges
        Of the latent ones that categories are cut at, ``(categories, edges)``.
    weights, bends, centre
        Of the rule.
    model
        That answers.
    """

    loadings: Floats
    skewed: npt.NDArray[np.bool_]
    scale: Floats
    start: Floats
    edges: Floats
    weights: Floats
    bends: Floats
    centre: float

    @property
    def numbers(self) -> int:
        return self.loadings.shape[1]

    def latent(self, rng: np.random.Generator, rows: int, loadings: Floats | None = None) -> Floats:
        """Draw standard normal features: the numbers, then one for each category."""
        factors = rng.normal(size=(rows, len(self.loadings)))
        used = self.loadings if loadings is None else loadings
        own = np.sqrt(1 - (used**2).sum(axis=0))
        numbers = factors @ used + own * rng.normal(size=(rows, self.numbers))
        mixed = 0.5 * factors[:, :1] + np.sqrt(0.75) * rng.normal(size=(rows, len(self.edges)))
        return np.column_stack([numbers, mixed])

    def features(self, latent: Floats) -> pd.DataFrame:
        """Return what is seen of the latent features."""
        table = {}
        for each in range(self.numbers):
            values = latent[:, each]
            values = np.exp(0.6 * values) if self.skewed[each] else values
            table[f"x{each}"] = self.start[each] + self.scale[each] * values
        for each, edges in enumerate(self.edges):
            codes = np.searchsorted(edges, latent[:, self.numbers + each])
            table[f"c{each}"] = np.array(list("abcde"))[codes]
        return pd.DataFrame(table)

    def likely(self, latent: Floats) -> Floats:
        """Return how likely the outcome is: sums, bends and products of the features."""
        steps = np.clip(latent, -2.5, 2.5)
        raised = steps @ self.weights
        raised = (
            raised
            + (steps**2 - 1) @ self.bends[0]
            + (steps * np.roll(steps, 1, axis=1)) @ (self.bends[1])
        )
        likely: Floats = 1 / (1 + np.exp(-(raised - self.centre)))
        return likely


@lru_cache(maxsize=4)
def world(seed: int) -> World:
    """Draw a world."""
    rng = np.random.default_rng([seed, 1])
    numbers, categories = int(rng.integers(5, 9)), int(rng.integers(3, 5))
    loadings = rng.uniform(-0.65, 0.65, size=(2, numbers))
    size = numbers + categories
    weights = rng.choice([-1, 1], size) * rng.uniform(0.3, 1.4, size)
    bends = rng.normal(0, 0.35, size=(2, size))
    edges = np.sort(rng.uniform(-1.3, 1.3, size=(categories, 4)), axis=1)
    scale, start = np.exp(rng.normal(1, 1.5, numbers)), rng.normal(0, 10, numbers)
    skewed = rng.random(numbers) < 0.4
    start = np.where(skewed, 0.0, start)
    drawn = World(loadings, skewed, scale, start, edges, weights, bends, 0.0)
    raised = drawn.likely(drawn.latent(rng, 4_000))
    centre = float(np.quantile(np.log(raised / (1 - raised)), rng.uniform(0.35, 0.75)))
    return replace(drawn, centre=centre)


class Model:
    """A model fitted on rows of a world, which answers for tables like them, broken or not."""

    def __init__(self, told: World, rng: np.random.Generator, rows: int, blind: int = 0) -> None:
        latent = told.latent(rng, rows)
        table = told.features(latent)
        self.unseen = list(rng.choice(table.columns, blind, replace=False))
        outcome = (rng.random(rows) < told.likely(latent)).astype(int)
        self.trees = Trees("classifier").fit(self._inputs(table), outcome)

    def answer(self, table: pd.DataFrame) -> pd.DataFrame:
        score = self.trees.predict_proba(self._inputs(table))[:, 1]
        return table.assign(prediction=(score > 0.5).astype(int), score=score)

    def _inputs(self, table: pd.DataFrame) -> Floats:
        inputs = table.drop(columns=self.unseen)
        columns = [
            inputs[each].map({name: code for code, name in enumerate("abcde")})
            if each.startswith("c")
            else pd.to_numeric(inputs[each], errors="coerce")
            for each in inputs
        ]
        return np.column_stack(columns).astype(float)


@lru_cache(maxsize=4)
def champion(seed: int) -> Model:
    """Return the model of a world."""
    return Model(world(seed), np.random.default_rng([seed, 2]), TRAINED_ON)


def cases(seed: int) -> Iterator[Case]:
    """Yield every injection into one world."""
    for number, (name, make) in enumerate(INJECTIONS.items()):
        rng = np.random.default_rng([seed, 3, number])
        yield make(seed, name, rng)


def _rows(rng: np.random.Generator) -> int:
    return int(rng.integers(2_000, 4_000))


def _told(
    seed: int,
    rng: np.random.Generator,
    latent: Floats,
    likely: Floats | None = None,
    model: Model | None = None,
    broken: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Return observations of latent features: what the model sees, says, and what came true."""
    here = world(seed)
    table = here.features(latent)
    chance = here.likely(latent) if likely is None else likely
    seen = table if broken is None else broken(table)
    answered = (model or champion(seed)).answer(seen)
    return answered.assign(target=(rng.random(len(table)) < chance).astype(int))


def _reference(seed: int, rng: np.random.Generator) -> pd.DataFrame:
    return _told(seed, rng, world(seed).latent(rng, _rows(rng)))


def _nothing(seed: int, name: str, rng: np.random.Generator) -> Case:
    return Case("no drift", name, _reference(seed, rng), _reference(seed, rng), None, "ignore")


def _broken(how: Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]) -> "Make":
    def make(seed: int, name: str, rng: np.random.Generator) -> Case:
        old = _reference(seed, rng)
        latent = world(seed).latent(rng, _rows(rng))
        new = _told(seed, rng, latent, broken=lambda table: how(table, rng))
        return Case("data quality", name, old, new, None, "fix the data")

    return make


def _whole(how: Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]) -> "Make":
    """Break observations after the model has answered."""

    def make(seed: int, name: str, rng: np.random.Generator) -> Case:
        old, new = _reference(seed, rng), _reference(seed, rng)
        return Case("data quality", name, old, how(new, rng), None, "fix the data")

    return make


def _repeated(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Send some rows twice."""
    some = rng.choice(len(table), int(len(table) * rng.uniform(0.05, 0.4)), replace=False)
    sent = np.concatenate([np.arange(len(table)), some])
    return table.iloc[rng.permutation(sent)].reset_index(drop=True)


def _sorted(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return table.sort_values(_number(table, rng), ignore_index=True)


def _number(table: pd.DataFrame, rng: np.random.Generator) -> str:
    return str(rng.choice([each for each in table if str(each).startswith("x")]))


def _unit(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    each = _number(table, rng)
    return table.assign(**{each: table[each] * rng.choice(UNITS)})


def _missing(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    each = str(rng.choice(table.columns))
    return table.assign(**{each: table[each].mask(rng.random(len(table)) < rng.uniform(0.05, 0.5))})


def _sentinel(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    each, surged = _number(table, rng), rng.random(len(table)) < rng.uniform(0.04, 0.3)
    return table.assign(**{each: table[each].mask(surged, rng.choice(SENTINELS))})


def _stuck(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    each = _number(table, rng)
    return table.assign(**{each: float(table[each].iloc[0])})


def _new_category(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    each = str(rng.choice([each for each in table if str(each).startswith("c")]))
    surged = rng.random(len(table)) < rng.uniform(0.03, 0.3)
    return table.assign(**{each: table[each].mask(surged, "unheard of")})


def _type(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    each = _number(table, rng)
    return table.assign(**{each: table[each].map("{:.2f} kg".format)})


def _covariates(how: Callable[[int, np.random.Generator], Floats]) -> "Make":
    def make(seed: int, name: str, rng: np.random.Generator) -> Case:
        old = _reference(seed, rng)
        return Case("covariates", name, old, _told(seed, rng, how(seed, rng)))

    return make


def _shifted(seed: int, rng: np.random.Generator) -> Floats:
    latent = world(seed).latent(rng, _rows(rng))
    moved = rng.choice(latent.shape[1], int(rng.integers(1, 4)), replace=False)
    latent[:, moved] += rng.choice([-1, 1], len(moved)) * rng.uniform(0.3, 1.0, len(moved))
    return latent


def _mixed(seed: int, rng: np.random.Generator) -> Floats:
    latent = world(seed).latent(rng, _rows(rng))
    others = rng.random(len(latent)) < rng.uniform(0.15, 0.5)
    latent[others] += rng.uniform(-1.5, 1.5, latent.shape[1])
    return latent


def _uncorrelated(seed: int, rng: np.random.Generator) -> Floats:
    here = world(seed)
    turned = here.loadings.copy()
    turned[:, np.argsort(-np.abs(turned).sum(axis=0))[:2]] *= [[1, -1], [1, -1]]
    return here.latent(rng, _rows(rng), turned)


def _labels(seed: int, name: str, rng: np.random.Generator) -> Case:
    old = _reference(seed, rng)
    many = _told(seed, rng, world(seed).latent(rng, 12_000))
    share = many["target"].mean()
    wanted = share + rng.choice([-1, 1]) * rng.uniform(0.12, 0.25)
    wanted = float(np.clip(wanted, 0.08, 0.92))
    chance = np.where(many["target"] == 1, wanted / share, (1 - wanted) / (1 - share))
    drawn = rng.choice(len(many), _rows(rng), replace=False, p=chance / chance.sum())
    new = many.iloc[drawn].reset_index(drop=True)
    return Case("labels", name, old, new, None, _unless_better("recalibrate", old, new))


def _unless_better(action: str, old: pd.DataFrame, new: pd.DataFrame) -> str:
    """Return what should be done where less is right, and ``keep`` where clearly more is.

    The rarer the rare class, the more is right; drift that improves performance is kept. Where it
    rises by less than samples tell, either is right.
    """
    before, after = ((each["prediction"] == each["target"]).mean() for each in (old, new))
    if after <= before:
        return action
    return "keep" if after - before > CLEARLY else ""


def _concept(how: Callable[[World, Floats, np.random.Generator], Floats]) -> "Make":
    def make(seed: int, name: str, rng: np.random.Generator) -> Case:
        old = _reference(seed, rng)
        latent = world(seed).latent(rng, _rows(rng))
        new = _told(seed, rng, latent, how(world(seed), latent, rng))
        return Case("concept", name, old, new, None, _unless_better("retrain", old, new))

    return make


def _other_rule(here: World, latent: Floats, rng: np.random.Generator) -> Floats:
    turned = here.weights.copy()
    strongest = np.argsort(-np.abs(turned))[: int(rng.integers(1, 4))]
    turned[strongest] *= rng.choice([-1.0, 0.0], len(strongest))
    return replace(here, weights=turned).likely(latent)


def _in_segment(here: World, latent: Floats, rng: np.random.Generator) -> Floats:
    """Turn the outcome round in a fifth to two fifths of the rows, by one feature."""
    by = latent[:, int(rng.integers(latent.shape[1]))]
    inside = by > np.quantile(by, rng.uniform(0.6, 0.8))
    likely = here.likely(latent)
    return np.where(inside, 1 - likely, likely)


def _raised(here: World, latent: Floats, rng: np.random.Generator) -> Floats:
    """Make the outcome more or less likely for every row, while the same rows come in."""
    return replace(here, centre=here.centre + rng.choice([-1, 1]) * rng.uniform(1, 2)).likely(
        latent
    )


def _model(how: Callable[[int, np.random.Generator], Model]) -> "Make":
    def make(seed: int, name: str, rng: np.random.Generator) -> Case:
        old = _reference(seed, rng)
        latent = world(seed).latent(rng, _rows(rng))
        new = _told(seed, rng, latent, model=how(seed, rng))
        return Case("another model", name, old, new, None, _unless_better("roll back", old, new))

    return make


def _degraded(seed: int, rng: np.random.Generator) -> Model:
    return Model(world(seed), rng, int(rng.integers(150, 400)))


def _blind(seed: int, rng: np.random.Generator) -> Model:
    """Return a model that no longer looks at four of the features."""
    return Model(world(seed), rng, TRAINED_ON, blind=4)


def _better_model(seed: int, name: str, rng: np.random.Generator) -> Case:
    latent = world(seed).latent(rng, _rows(rng))
    old = _told(seed, rng, latent, model=Model(world(seed), rng, 300))
    new = _told(seed, rng, world(seed).latent(rng, _rows(rng)))
    return Case("another model", name, old, new, None, "keep")


def _easier(seed: int, name: str, rng: np.random.Generator) -> Case:
    """Let cases come in of which the outcome is plainer, by what their features say."""
    old = _reference(seed, rng)
    many = world(seed).latent(rng, 12_000)
    plain = np.abs(world(seed).likely(many) - 0.5)
    chance = plain ** rng.uniform(1.0, 2.0)
    drawn = rng.choice(len(many), _rows(rng), replace=False, p=chance / chance.sum())
    return Case("covariates", name, old, _told(seed, rng, many[drawn]), None, "keep")


def _season(seed: int, name: str, rng: np.random.Generator) -> Case:
    """Let features go with a season of which the reference holds several rounds."""
    days = float(rng.choice([1, 7, 28]))
    rounds = int(rng.integers(4, 8))
    rows, few = rounds * 800, int(rng.integers(1_000, 2_000))
    start, length = rng.uniform(), rng.uniform(0.25, 0.5)
    old = np.sort(rng.uniform(0, rounds, rows))
    new = rounds + 1 + start + np.sort(rng.uniform(0, length, few))
    size = world(seed).numbers + len(world(seed).edges)
    swings = np.zeros(size)
    moved = rng.choice(size, int(rng.integers(1, 4)), replace=False)
    swings[moved] = rng.choice([-1, 1], len(moved)) * rng.uniform(0.5, 1.2, len(moved))
    tables = []
    for when in (old, new):
        latent = world(seed).latent(rng, len(when))
        latent += np.sin(2 * np.pi * when)[:, None] * swings
        times = START + pd.to_timedelta(when * days, unit="D")
        tables.append(_told(seed, rng, latent).assign(timestamp=times))
    return Case("season", name, *tables, f"{days:g}D", "ignore")


Make = Callable[[int, str, np.random.Generator], Case]

INJECTIONS: dict[str, Make] = {
    "unit": _broken(_unit),
    "missing surge": _broken(_missing),
    "sentinel": _broken(_sentinel),
    "stuck": _broken(_stuck),
    "new category": _broken(_new_category),
    "type": _broken(_type),
    "rows sent twice": _whole(_repeated),
    "rows sorted": _whole(_sorted),
    "mean shift": _covariates(_shifted),
    "mixture": _covariates(_mixed),
    "correlation": _covariates(_uncorrelated),
    "class shares": _labels,
    "class shares again": _labels,
    "rule": _concept(_other_rule),
    "rule in a segment": _concept(_in_segment),
    "rule raised": _concept(_raised),
    "degraded model": _model(_degraded),
    "blind model": _model(_blind),
    "better model": _better_model,
    "easier cases": _easier,
    "season": _season,
    "season again": _season,
    "nothing": _nothing,
    "nothing again": _nothing,
}
