"""Units: numbers that are what they were, and were written down in another one."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

QUANTILES = np.linspace(0.05, 0.95, 19)
# Factors between units that people mix up: parts of a thousand, a hundred, sixty, bytes, days,
# miles, pounds, feet, inches, degrees, and a lost sign.
FACTORS = (-1, 10, 100, 1e3, 1e6, 1e9, 24, 60, 3600, 1024, 1.609, 2.2046, 2.54, 3.2808, 3.6)
KNOWN = (*FACTORS, *(1 / each for each in FACTORS))
FAHRENHEIT = (1.8, 32.0)
NATURAL = 4.0  # times as large or small, numbers may be without another unit
NEAR, NEARLY = 0.03, 0.1  # of a factor that may be natural, and of another
SURE = 4.0  # standard errors that a factor which may be natural is off at most
FITS = 0.05  # of the range of the reference, by which quantiles brought back to its unit may differ
RESAMPLES = 50
DRAWN = 5_000  # values in a resample, at most


def unit_change(old: Floats, new: Floats) -> tuple[float, str] | None:
    """Return the factor by which all values changed, if it is one between units, and in words.

    Parameters
    ----------
    old, new
        Finite values before and now.

    Notes
    -----
    The quantiles now have to fit those before after a division by the factor, and not without,
    and a factor that may be natural has to be as near as so many values can tell: by the bootstrap
    (Efron 1979) of the median of the ratios of quantiles, which suits values far from zero and
    long tails, or of least squares, which suits values about zero; the one that varies less counts.

    Examples
    --------
    >>> metres = np.random.default_rng(0).lognormal(3, 0.5, 1_000)
    >>> unit_change(metres, metres * 3.28)
    (3.2808, '3.281 times what it was: a change of unit')
    >>> unit_change(metres, metres * 1.3)
    """
    was, now = np.quantile(old, QUANTILES), np.quantile(new, QUANTILES)
    width = was[-1] - was[0]
    if width <= 0 or _apart(was, now, width) <= FITS:
        return None
    slope, start = FAHRENHEIT
    for scaled, words in (
        ((now - start) / slope, "converted as degrees Celsius are to Fahrenheit"),
        (now * slope + start, "converted as degrees Fahrenheit are to Celsius"),
    ):
        if _apart(was, scaled, width) <= FITS:
            return slope, f"{words}: a change of unit"
    ratios = np.array([_median_ratio(was, now), _least_squares(was, now)])
    if all(abs(each / _nearest(each) - 1) > NEARLY for each in ratios):
        return None
    errors = _errors(old, new, ratios)
    ratio, error = float(ratios[errors.argmin()]), float(errors.min())
    nearest = _nearest(ratio)
    near = min(SURE * error, NEAR) if is_natural(nearest) else NEARLY
    now = now if ratio > 0 else now[::-1]
    if abs(ratio / nearest - 1) <= near and _apart(was, now / nearest, width) <= FITS:
        return nearest, f"{nearest:.4g} times what it was: a change of unit"
    return None


def is_natural(factor: float) -> bool:
    """Tell whether the world, too, may make numbers so many times as large.

    Values about zero that move to its other side look as if they had lost their sign.

    Examples
    --------
    >>> is_natural(1.609), is_natural(-1), is_natural(1_000)
    (True, True, False)
    """
    return 1 / NATURAL < abs(factor) < NATURAL


def _nearest(ratio: float) -> float:
    return min(KNOWN, key=lambda each: abs(ratio / each - 1))


def _errors(old: Floats, new: Floats, ratios: Floats) -> Floats:
    """Return the relative standard errors of both estimates."""
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(RESAMPLES):
        was, now = (
            np.quantile(rng.choice(each, min(len(each), DRAWN)), QUANTILES) for each in (old, new)
        )
        drawn.append((_median_ratio(was, now), _least_squares(was, now)))
    share = min(1.0, DRAWN / min(len(old), len(new)))  # fewer were drawn than there are
    known = np.where(ratios != 0, ratios, np.nan)
    errors = np.sqrt(((np.array(drawn) / known - 1) ** 2).mean(axis=0) * share)
    return np.where(np.isnan(errors), np.inf, errors)


def _median_ratio(was: Floats, now: Floats) -> float:
    there = was != 0
    ratio = float(np.median(now[there] / was[there]))
    # Of values that lost their sign, the least is the greatest now.
    return ratio if ratio > 0 else float(np.median(now[::-1][there] / was[there]))


def _least_squares(was: Floats, now: Floats) -> float:
    return float(max((was @ now, was @ now[::-1]), key=abs) / (was @ was))


def _apart(was: Floats, now: Floats, width: float) -> float:
    return float(np.abs(was - now).mean() / width)
