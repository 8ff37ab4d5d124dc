"""Model files that tests need: skipped on a developer's machine, failed where all should run."""

import os

import pytest

from aiopslab.models.files import HOW, Model


def need(model: Model) -> None:
    if not model.is_here:
        if os.environ.get("CI"):
            pytest.fail(HOW)
        pytest.skip(HOW)
