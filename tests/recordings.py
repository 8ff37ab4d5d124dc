"""The embedded recordings, each opened and analysed once a process.

Tests that ask for several share the group ``recordings``, so that one worker has them all.
"""

from functools import cache

import pytest

from aiopslab import sources
from aiopslab.incident import analyse

together = pytest.mark.xdist_group("recordings")


@cache
def recorded(name):
    return sources.open(f"sample://{name}")


@cache
def analysed(name):
    return analyse(recorded(name).frames)
