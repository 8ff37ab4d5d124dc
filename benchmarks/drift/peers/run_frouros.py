"""Frouros' tests column by column: Kolmogorov–Smirnov, and chi squared for strings."""

from frouros.detectors.data_drift import ChiSquareTest, KSTest
from measured import main


def drifted(reference, current):
    found = []
    for name in reference:
        detector = KSTest() if name.startswith("x") else ChiSquareTest()
        detector.fit(X=reference[name].to_numpy())
        result, _ = detector.compare(X=current[name].to_numpy())
        if result.p_value < 0.05:
            found.append(name)
    return found


main(drifted)
