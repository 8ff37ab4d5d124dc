"""The one error that only the workspace knows."""

from aiopslab.errors import AIOpsLabError


class LabError(AIOpsLabError):
    """A workspace that cannot be used, or a JupyterLab that did not start."""
