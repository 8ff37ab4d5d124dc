"""Evidently's preset for data drift, with the tests that it picks by default."""

from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
from measured import main


def drifted(reference, current):
    strings = [name for name in reference if not name.startswith("x")]
    numbers = [name for name in reference if name.startswith("x")]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=strings)
    old, new = (Dataset.from_pandas(each, definition) for each in (reference, current))
    snapshot = Report([DataDriftPreset()]).run(new, old)
    return [
        each["config"]["column"]
        for each in snapshot.dict()["metrics"]
        if "column" in each["config"] and _is_drift(each)
    ]


def _is_drift(metric):
    """Tell from its name, which is all that says it, on which side of the threshold drift lies."""
    threshold, value = metric["config"]["threshold"], float(metric["value"])
    return value < threshold if "p_value" in metric["config"]["method"] else value >= threshold


main(drifted)
