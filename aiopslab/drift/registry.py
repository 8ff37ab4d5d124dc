"""A model of an MLflow registry: where it came from, and what it says of observations."""

import hashlib
import re
import shutil
import tempfile
import warnings
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.observations import Roles, positive_class
from aiopslab.errors import AIOpsLabError, FrameError, SourceError
from aiopslab.mlflow_aliases import Aliases, Sides
from aiopslab.mlflow_server import connect, first_line, without_credentials
from aiopslab.sources.evidence import EVIDENCE_MIME

if TYPE_CHECKING:
    from mlflow import MlflowClient

Floats = npt.NDArray[np.float64]

GONE = "RESOURCE_DOES_NOT_EXIST"
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

    @property
    def digest(self) -> str:
        """SHA-256 that tells the version from one of the same name and number elsewhere."""
        told = self.name, self.version, self.model_id, self.run_id, self.created.isoformat()
        return hashlib.sha256(repr(told).encode()).hexdigest()

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
        said = {"source": self.uri, "digest": self.digest, "frames": {}, "notes": []}
        return {
            EVIDENCE_MIME: said,
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
        return {each.name: repr(each.type) for each in self._columns() if each.required}

    def _columns(self) -> list[Any]:
        schema = self.model.metadata.get_input_schema()
        if schema is None or schema.is_tensor_spec() or not schema.has_input_names():
            return []
        return list(schema.inputs)

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
            If a column of the signature is missing or has a type that does not fit it, or the
            model does not say one thing of each row.
        """
        named = roles or Roles()
        missing = [each for each in self.inputs if each not in observations]
        if missing:
            raise FrameError(
                f"{self.lineage.uri} needs {', '.join(missing)}, which the observations do not "
                f"have; they have {', '.join(map(str, observations.columns))}",
                "Give the columns of its signature, or predictions made elsewhere.",
            )
        signed = [each.name for each in self._columns() if each.name in observations]
        features = observations[signed or named.features(observations)]
        said = self._asked(features)
        table = observations.assign(**{named.prediction: said})
        scores = self._scores(features)
        return table if scores is None else table.assign(**{named.score: scores})

    def _asked(self, features: pd.DataFrame) -> npt.NDArray[Any]:
        """Return one prediction a row."""
        from mlflow.exceptions import MlflowException

        try:
            with _silently():
                said = np.asarray(self.model.predict(features))
        except MlflowException as error:
            reason = str(error).rpartition("Error: ")[2].strip()
            raise FrameError(
                f"the observations do not fit the signature of {self.lineage.uri}: {reason}",
                "Bring the columns to the types that the signature names.",
            ) from None
        except Exception as error:  # whatever the library of the model raises
            told = f"{type(error).__name__}: {first_line(error)}"
            raise FrameError(
                f"{self.lineage.uri} could not predict: {told}",
                "Give rows such as it was trained on, or predictions made elsewhere.",
            ) from error
        if said.size != len(features):
            raise FrameError(
                f"{self.lineage.uri} says {said.size} things of {len(features)} rows",
                "Give a model with one prediction a row, or predictions made elsewhere.",
            )
        return said.ravel()

    def _scores(self, features: pd.DataFrame) -> Floats | None:
        """Return probabilities, where the model underneath tells them."""
        try:
            raw = self.model.get_raw_model()
        except NotImplementedError:
            return None
        if not hasattr(raw, "predict_proba"):
            return None
        with _silently():
            probabilities: Floats = np.asarray(raw.predict_proba(features), dtype=np.float64)
        if len(raw.classes_) == 2:
            # Of the classes that it knows: rows may hold but one of them.
            known = pd.DataFrame({"prediction": raw.classes_})
            return probabilities[:, list(raw.classes_).index(positive_class(known, Roles()))]
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
    folder = tempfile.mkdtemp(prefix="aiopslab-model-")
    try:
        with _refusing(uri), _silently():
            from mlflow import artifacts, pyfunc

            # Of models:/ addresses it asks the server that the process is set to, whatever is said.
            files = connect(tracking_uri).get_model_version_download_uri(
                lineage.name, lineage.version
            )
            model = pyfunc.load_model(
                artifacts.download_artifacts(files, dst_path=folder, tracking_uri=tracking_uri)
            )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(model, shutil.rmtree, folder, ignore_errors=True)  # it may read on from there
    return RegisteredModel(lineage, model)


def read_lineage(uri: str, tracking_uri: str | None = None) -> Lineage:
    """Read where a version came from without loading it, see `open_model`."""
    named = _URI.fullmatch(uri)
    if named is None:
        given = without_credentials(uri)
        raise SourceError(f"model is {given!r}, which names no version of a model", WRITTEN_AS)
    name, alias, version = named["name"], named["alias"], named["version"]
    with _refusing(uri):
        client = connect(tracking_uri)
        found = (
            client.get_model_version_by_alias(name, alias)
            if alias
            else client.get_model_version(name, version)
        )
        run = _run(client, found.run_id)
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
    """Tell whether a text is the address of a model, well written or not, rather than a name.

    Examples
    --------
    >>> is_address("models:/loans@champion"), is_address("y_pred")
    (True, False)
    """
    return ":/" in text


def open_sides(candidate: str, baseline: str, alias: str, tracking_uri: str | None = None) -> Sides:
    """Open what a gate needs to move an alias; refuse one that it could not move.

    Parameters
    ----------
    candidate
        Address of the version that may get the alias, see `open_model`.
    baseline
        Of the one in use; predictions of a column are no address, and are not checked.
    alias
        To be moved.
    tracking_uri
        Of the MLflow server.

    Raises
    ------
    SourceError
        If there is no such version, or the server refuses.
    AIOpsLabError
        If the two are of different models, or the alias points at neither of them.
    """
    new = read_lineage(candidate, tracking_uri)
    old = read_lineage(baseline, tracking_uri) if is_address(baseline) else None
    if old is not None and old.name != new.name:
        raise SourceError(
            f"an alias of one model is moved; the baseline is of {old.name!r}, the candidate of "
            f"{new.name!r}",
            "Register the candidate as a version of the model that is in use.",
        )
    numbers = int(new.version), None if old is None else int(old.version)
    with _refusing(candidate):
        aliases = Aliases(connect(tracking_uri), "model", new.name)
        if old is not None:
            aliases.check(alias, tuple(each for each in numbers if each is not None))
    return Sides(aliases, *numbers)


def _run(client: "MlflowClient", run_id: str | None) -> Any:
    """Return a run; ``None`` where there is none, or none any more."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_run(run_id) if run_id else None
    except MlflowException as error:
        if error.error_code != GONE:
            raise
        return None


@contextmanager
def _silently() -> Iterator[None]:
    """Keep to ourselves what the library of a model warns of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _refusing(uri: str) -> Iterator[None]:
    """Turn what MLflow, or the code of a model, raises into an error with a next step."""
    try:
        yield
    except AIOpsLabError:
        raise
    except ImportError as error:
        raise SourceError(
            f"{uri} needs a package that is not here: {first_line(error)}",
            "Install what its requirements.txt names, or give predictions made elsewhere.",
        ) from None
    except Exception as error:  # a model is unpickled, which may raise anything
        raise SourceError(
            f"{uri} could not be opened: {first_line(error)}",
            "Check its name, alias or version, and MLFLOW_TRACKING_URI or the tracking address.",
        ) from None
