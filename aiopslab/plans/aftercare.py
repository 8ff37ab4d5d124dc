"""Aftercare: what a plan wants done once its reports have ended.

People are told of each, old runs go, and the gallery is published. What of it cannot be done is
said, and undoes no report.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from aiopslab.errors import AIOpsLabError, ParameterError
from aiopslab.notifications import notify, notify_settings
from aiopslab.plans.batch import Watch
from aiopslab.plans.batch_file import State
from aiopslab.plans.delivery import is_url
from aiopslab.plans.jobs import Job
from aiopslab.plans.plan_settings import Head
from aiopslab.plans.worker import Step
from aiopslab.reports import gallery
from aiopslab.reports.record import FILE, Record, read, write
from aiopslab.sharing import publish, retention


def check(head: Head, output: str) -> None:
    """Check that reports go where they can be looked after.

    Raises
    ------
    ParameterError
        If they go to a URL, where there is no gallery.
    """
    wanted = [name for name in ("notify", "publish", "retention") if getattr(head, name)]
    if wanted and is_url(output):
        raise ParameterError(
            f"{' and '.join(wanted)} of the plan need a gallery; the reports go to {output}",
            "Let them go to a folder (output, or -o), and let `publish: {to: URL}` send them on.",
        )


def tidy(head: Head, folder: Path) -> list[str]:
    """Let old runs of a gallery go and publish it, as far as a plan wants that.

    Returns
    -------
    list of str
        What could not be done, and why.
    """
    problems = []
    try:
        if head.retention:
            retention.prune(folder, head.retention)
        if head.publish:
            publish.publish(folder, head.publish)
    except AIOpsLabError as error:
        problems.append(str(error))
    return problems


class Telling:
    """Tells people of the reports that have ended, beside the pass; what others see passes through.

    Parameters
    ----------
    watch
        Those who look on.
    settings
        Whom to tell.
    folder
        Of the gallery.

    Attributes
    ----------
    problems : list of str
        Who could not be told, complete once the ``with`` is left.
    """

    def __init__(self, watch: Watch, settings: notify_settings.Settings, folder: Path) -> None:
        self.watch, self.settings, self.folder = watch, settings, folder
        self.problems: list[str] = []
        # A message takes its time, in which the next report begins.
        self._thread = ThreadPoolExecutor(1, "aiopslab telling")

    def __enter__(self) -> "Telling":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._thread.shutdown(cancel_futures=error is not None)

    def began(self, job: Job, attempt: int) -> None:
        """See an attempt begin."""
        self.watch.began(job, attempt)

    def step(self, job: Job, step: Step) -> None:
        """See how far it is."""
        self.watch.step(job, step)

    def ended(self, job: Job, state: State, again_s: float | None) -> None:
        """Tell of a report that has ended, is not tried again, and was not stopped by hand."""
        if again_s is None and state.outcome.run and state.state != "interrupted":
            self._thread.submit(self._tell, state.outcome.run)
        self.watch.ended(job, state, again_s)

    def _tell(self, run: str) -> None:
        try:
            record = read(self.folder / run / FILE)
            problems = notify.tell(record, self._previous(record), self.settings, self.folder)
            if problems:
                write(replace(record, notes=(*record.notes, *problems)), self.folder)
        except AIOpsLabError as error:
            problems = [str(error)]
        self.problems += problems

    def _previous(self, record: Record) -> Record | None:
        """Return the last run of the same series that ended before this one began."""
        for run in gallery.runs(self.folder):
            if run.series == record.series and run.ended and run.ended <= record.started:
                return read(self.folder / run.id / FILE)
        return None
