"""A client of an MLflow server: quiet, soon to give up, and without secrets in what it says."""

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
    # A server that is out of reach must not hold anybody up for the minutes that MLflow would wait.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}


def configure() -> None:
    """Set what MLflow reads from the environment, where nobody has set it otherwise."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)


def connect(uri: str | None) -> "MlflowClient":
    """Return a client of one server, which leaves what the process is set to alone.

    Parameters
    ----------
    uri
        Of the server or store; what the process is set to where ``None``.
    """
    configure()
    from mlflow import MlflowClient

    return MlflowClient(uri, uri)


def without_credentials(text: str) -> str:
    """Return a text without what stands before the host of an address.

    Examples
    --------
    >>> without_credentials("no answer from http://me:hunter2@host:5000/")
    'no answer from http://host:5000/'
    """
    return re.sub(r"//[^/\s]*@", "//", text)


def first_line(error: Exception) -> str:
    r"""Return the first line of what an error says, or what it is called where it says nothing.

    Examples
    --------
    >>> first_line(OSError("no way to http://me:hunter2@host/\nTraceback")), first_line(KeyError())
    ('no way to http://host/', 'KeyError')
    """
    return without_credentials(str(error).strip().partition("\n")[0] or type(error).__name__)
