"""What the tests need of the operating system."""

import os
import shutil

import pytest


def need(binary: str) -> str:
    """Return the path of a system binary; without it skip, or fail where CI must have it."""
    path = shutil.which(binary)
    if path is None:
        message = f"{binary} is not installed; `make system` installs it on Debian and Ubuntu"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path
