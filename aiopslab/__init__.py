"""AIOps Lab: a notebook workbench for the people who keep AI systems running.

The line every investigation follows is evidence → analysis → findings → verdict → report.
Importing the package is cheap on purpose; each room imports its heavy libraries when it is used.
"""

from importlib.metadata import PackageNotFoundError, version

from aiopslab.errors import AIOpsLabError
from aiopslab.findings import Effect, Finding, Interval, Verdict, conclude

try:
    __version__ = version("aiopslab")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"

__all__ = ["AIOpsLabError", "Effect", "Finding", "Interval", "Verdict", "__version__", "conclude"]
