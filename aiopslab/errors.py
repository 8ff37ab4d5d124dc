"""The errors a user can mend, told apart from defects of the library."""

from difflib import get_close_matches


class AIOpsLabError(Exception):
    """Something the user can mend; the command line prints it without a traceback.

    Parameters
    ----------
    problem
        What is wrong: the field, the value that was given and what was expected.
    remedy
        The next step, as an instruction. Printed on a line of its own.

    Attributes
    ----------
    exit_code : int
        Of a command that it ends.

    Examples
    --------
    >>> print(AIOpsLabError("confidence is 1.2; expected 0.5 to 0.99", "Pass confidence=0.95."))
    confidence is 1.2; expected 0.5 to 0.99
      → Pass confidence=0.95.
    """

    exit_code = 1

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}\n  → {self.remedy}" if self.remedy else self.problem


class FrameError(AIOpsLabError):
    """Evidence that does not fit its frame, with every misfit listed."""


class SourceError(AIOpsLabError):
    """Evidence that could not be opened: a bad URL, a missing file, a server that is down."""


class ParameterError(AIOpsLabError):
    """A report parameter that is unknown, missing, of the wrong type or out of range."""

    exit_code = 2


class PromptError(AIOpsLabError):
    """A prompt that cannot be read or filled in, or a model that cannot be asked."""


class ModelError(AIOpsLabError):
    """A model whose files are not here or cannot be used, or vectors that cannot be made."""


class ReportError(AIOpsLabError):
    """A report that could not be run, rendered or read."""


class DiskError(ReportError):
    """A report that could not be written where it belongs; says where it is kept instead."""


class SecretError(AIOpsLabError):
    """A secret that a run asks for and that is not where its reference points."""


class RetrievalError(AIOpsLabError):
    """A corpus, an index or a retriever cannot be used as asked."""


class RehearsalError(AIOpsLabError):
    """A rehearsal that could not start, or lost one of its services."""


def did_you_mean(name: str, known: list[str]) -> str:
    """Suggest the nearest valid name.

    Parameters
    ----------
    name
        What was typed.
    known
        The names that would have been valid.

    Returns
    -------
    str
        A sentence that names the nearest match where there is one, else all of them.

    Examples
    --------
    >>> did_you_mean("evidnce", ["evidence", "start"])
    "Did you mean 'evidence'?"
    >>> did_you_mean("zzz", ["evidence", "start"])
    'Valid names: evidence, start.'
    """
    nearest = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"Did you mean {nearest[0]!r}?" if nearest else f"Valid names: {', '.join(known)}."
