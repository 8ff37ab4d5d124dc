"""A model of an MLflow registry: where it came from, and what it says of observations."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.observations import Roles, positive_class, task_of
from aiopslab.errors import FrameError, SourceError
from aiopslab.sources.evidence import EVIDENCE_MIME

Floats = npt.NDArray[np.float64]

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}
WRITTEN_AS = "Write it as models:/NAME@ALIAS or models:/NAME/VERSION."
COMMIT = "mlflow.source.git.commit"

_URI = re.compile(
    r"(?:models|mlflow):/(?:/models/)?(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<version>\d+))"
)


@dataclass(frozen=True)
class Lineage:
    """Where a version of a model came from.

    Parameters
    ----------
    name, version
        Of the registered model.
    aliases
        That point at the version.
    model_id
        Of the logged model; empty where the version was made of files.
    run_id
        Of the run that trained it; empty where nobody said.
    commit
        Of the code that trained it, from the run; empty likewise.
    datasets
        ``(name, digest, context)`` of the data that the run said to have read.
    created
        When the version was registered.
    """

    name: str
    version: str
    aliases: tuple[str, ...]
    model_id: str
    run_id: str
    commit: str
    datasets: tuple[tuple[str, str, str], ...]
    created: pd.Timestamp

    @property
    def uri(self) -> str:
        """The version by its number, which no promotion changes."""
        return f"models:/{self.name}/{self.version}"

    def table(self) -> pd.DataFrame:
        """Return the lineage as rows of ``what, value``; what is not known says so."""
        unknown = "not recorded"
        data = [f"{name} {digest} ({context})" for name, digest, context in self.datasets]
        rows = {
            "model version": f"{self.name} {self.version}",
            "aliases": ", ".join(self.aliases) or "none",
            "registered": f"{self.created:%Y-%m-%d %H:%M:%S} UTC",
            "training data and digest": ", ".join(data) or unknown,
            "training run": self.run_id or unknown,
            "code commit": self.commit or unknown,
        }
        return pd.DataFrame(list(rows.items()), columns=["what", "value"])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(what)}</th><td>{escape(value)}</td></tr>"
            for what, value in self.table().to_numpy(dtype=str).tolist()
        )
        return f'<section class="aiopslab-lineage"><table><tbody>{rows}</tbody></table></section>'

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        digest = self.datasets[0][1] if self.datasets else self.model_id
        return {
            EVIDENCE_MIME: {"source": self.uri, "digest": digest, "frames": {}, "notes": []},
            "text/html": self._repr_html_(),
            "text/plain": self.table().to_string(index=False),
        }


@dataclass(frozen=True)
class RegisteredModel:
    """A model that was opened, with its lineage.

    Parameters
    ----------
    lineage
        Of the version.
    model
        The loaded `mlflow.pyfunc.PyFuncModel`.
    """

    lineage: Lineage
    model: Any

    @property
    def inputs(self) -> dict[str, str]:
        """The columns that the signature asks for, with their types; empty without a signature."""
        schema = self.model.metadata.get_input_schema()
        if schema is None or schema.is_tensor_spec():
            return {}
        return {each.name: str(each.type) for each in schema.inputs if each.required}

    def complete(self, observations: pd.DataFrame, roles: Roles | None = None) -> pd.DataFrame:
        """Return the observations with predictions: their own where they have any, else its."""
        has_own = (roles or Roles()).prediction in observations
        return observations if has_own else self.predict(observations, roles)

    def predict(self, observations: pd.DataFrame, roles: Roles | None = None) -> pd.DataFrame:
        """Add what the model predicts, and how sure it is, to observations.

        Parameters
        ----------
        observations
            One row an observation, with every column that the signature asks for.
        roles
            Which column is what; the usual names where ``None``.

        Returns
        -------
        pandas.DataFrame
            The observations with the prediction and, of a classifier that tells it, the score:
            the probability of the positive class of two, else of the class that is predicted.

        Raises
        ------
        FrameError
            If a column of the signature is missing, or has a type that does not fit it.
        """
        named = roles or Roles()
        asked = self.inputs
        missing = [each for each in asked if each not in observations]
        if missing:
            raise FrameError(
                f"{self.lineage.uri} needs {', '.join(missing)}, which the observations do not "
                f"have; they have {', '.join(map(str, observations.columns))}",
                "Give the columns of its signature, or predictions made elsewhere.",
            )
        features = observations[list(asked) or named.features(observations)]
        said = self._asked(features)
        table = observations.assign(**{named.prediction: np.asarray(said).ravel()})
        scores = self._scores(features, table, named)
        return table if scores is None else table.assign(**{named.score: scores})

    def _asked(self, features: pd.DataFrame) -> Any:
        from mlflow.exceptions import MlflowException

        try:
            with _asking():
                return self.model.predict(features)
        except MlflowException as error:
            reason = str(error).rpartition("Error: ")[2].strip()
            raise FrameError(
                f"the observations do not fit the signature of {self.lineage.uri}: {reason}",
                "Bring the columns to the types that the signature names.",
            ) from None

    def _scores(self, features: pd.DataFrame, table: pd.DataFrame, roles: Roles) -> Floats | None:
        """Return probabilities, where the model underneath tells them."""
        raw: Any = getattr(self.model, "get_raw_model", lambda: None)()
        if not hasattr(raw, "predict_proba"):
            return None
        probabilities: Floats = np.asarray(raw.predict_proba(features), dtype=np.float64)
        if task_of(table, roles) == "binary" and probabilities.shape[1] == 2:
            place = list(raw.classes_).index(positive_class(table, roles))
            return probabilities[:, place]
        highest: Floats = probabilities.max(axis=1)
        return highest


def open_model(uri: str, tracking_uri: str | None = None) -> RegisteredModel:
    """Open a model of a registry.

    Parameters
    ----------
    uri
        ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION``; also ``mlflow://models/NAME@ALIAS``.
    tracking_uri
        Of the MLflow server; without one ``MLFLOW_TRACKING_URI``.

    Returns
    -------
    RegisteredModel

    Raises
    ------
    SourceError
        If the address is of another form, the server is not there, or it has no such version.

    Notes
    -----
    Loading a model runs code that whoever logged it wrote: open only what you trust.
    """
    lineage = read_lineage(uri, tracking_uri)
    with _asking(tracking_uri), _refusing(uri):
        import mlflow

        return RegisteredModel(lineage, mlflow.pyfunc.load_model(lineage.uri))


def read_lineage(uri: str, tracking_uri: str | None = None) -> Lineage:
    """Read where a version came from without loading it, see `open_model`."""
    named = _URI.fullmatch(uri)
    if named is None:
        raise SourceError(f"model is {uri!r}, which names no version of a model", WRITTEN_AS)
    name, alias, version = named["name"], named["alias"], named["version"]
    with _asking(tracking_uri), _refusing(uri):
        from mlflow import MlflowClient

        client = MlflowClient()
        found = (
            client.get_model_version_by_alias(name, alias)
            if alias
            else client.get_model_version(name, version)
        )
        run = client.get_run(found.run_id) if found.run_id else None
    inputs = run.inputs.dataset_inputs if run is not None and run.inputs else []
    source = str(found.source or "")
    return Lineage(
        name,
        str(found.version),
        tuple(found.aliases or ()),
        # Not every store fills it in; the source then is models:/ID.
        str(found.model_id or (source.removeprefix("models:/") if "models:/m-" in source else "")),
        str(found.run_id or ""),
        str(run.data.tags.get(COMMIT, "")) if run is not None else "",
        tuple(
            (
                each.dataset.name,
                each.dataset.digest,
                next((tag.value for tag in each.tags if tag.key.endswith(".context")), "data"),
            )
            for each in inputs
        ),
        pd.Timestamp(found.creation_timestamp, unit="ms", tz="UTC"),
    )


def is_address(text: str) -> bool:
    """Tell whether a text names a version of a registered model.

    Examples
    --------
    >>> is_address("models:/loans@champion"), is_address("y_pred")
    (True, False)
    """
    return _URI.fullmatch(text) is not None


def point_alias(uri: str, alias: str, tracking_uri: str | None = None) -> str:
    """Point an alias at a version of a model, and say what it pointed at before.

    Parameters
    ----------
    uri
        Of the version, see `open_model`.
    alias
        Name of the alias.
    tracking_uri
        Of the MLflow server.

    Raises
    ------
    SourceError
        If there is no such version, or the server refuses.
    """
    lineage = read_lineage(uri, tracking_uri)
    with _asking(tracking_uri), _refusing(uri):
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        client = MlflowClient()
        try:
            before = client.get_model_version_by_alias(lineage.name, alias).version
        except MlflowException:
            before = None  # nobody has it yet
        client.set_registered_model_alias(lineage.name, alias, lineage.version)
    was = f"it pointed at version {before}" if before else "it pointed at none"
    return f"{alias} of {lineage.name} points at version {lineage.version}; {was}"


@contextmanager
def _asking(tracking_uri: str | None = None) -> Iterator[None]:
    """Talk to the server quietly, and leave the process as it was."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    import mlflow

    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    if tracking_uri:
        mlflow.set_tracking_uri(tracking_uri)
    try:
        yield
    finally:
        if tracking_uri:
            mlflow.set_tracking_uri(before[0])
            mlflow.set_registry_uri(before[1])


@contextmanager
def _refusing(uri: str) -> Iterator[None]:
    """Turn what MLflow raises into an error with a next step; addresses keep no secret."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        first = re.sub(r"//[^/@\s]*@", "//", str(error).splitlines()[0])
        raise SourceError(
            f"{uri} could not be opened: {first}",
            "Check its name, alias or version, and MLFLOW_TRACKING_URI or the tracking address.",
        ) from None
