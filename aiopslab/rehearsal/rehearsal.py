"""One rehearsal from start to end: the system, its users, the fault, and the recording."""

import asyncio
import shutil
import signal
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from aiopslab.errors import RehearsalError
from aiopslab.rehearsal import recorder as recording
from aiopslab.rehearsal.changes import culprit, decoys
from aiopslab.rehearsal.faults import Fault, parse
from aiopslab.rehearsal.load import MEAN_RATE, Load
from aiopslab.rehearsal.measures import WINDOW_S
from aiopslab.rehearsal.plan import Plan
from aiopslab.rehearsal.rules import Alerts
from aiopslab.rehearsal.scraper import Scraper
from aiopslab.rehearsal.supervisor import Supervisor, free_ports

_WARM_UP_S = WINDOW_S + 2
_DOWN_S, _UP_S = 12.0, 15.0


@dataclass(frozen=True)
class Progress:
    """How a rehearsal stands.

    Parameters
    ----------
    phase
        ``"starting"``, ``"warming up"``, ``"recording"``, ``"stopping"`` or ``"saving"``.
    elapsed_s, total_s
        Seconds of the recording, done and in all.
    asked, failed
        Questions asked, and those that got no answer.
    fault
        Whether the fault acts now.
    firing
        The alerts that fire now, as (rule, service).
    """

    phase: str
    elapsed_s: float = 0.0
    total_s: float = 0.0
    asked: int = 0
    failed: int = 0
    fault: bool = False
    firing: tuple[tuple[str, str], ...] = ()


def rehearse(
    fault: str,
    folder: Path,
    at_s: float = 180.0,
    minutes: float = 8.0,
    seed: int = 0,
    lasts_s: float | None = None,
    port: int | None = None,
    overwrite: bool = False,
    watch: Callable[[Progress], None] = lambda progress: None,
) -> dict[str, Any]:
    """Run the system, break it, and record what that looks like.

    Parameters
    ----------
    fault
        ``service:kind``, e.g. ``"retriever:latency"``, or ``"none"``.
    folder
        Where the recording goes; it must not exist, or be empty, unless `overwrite`.
    at_s
        When the fault begins, in seconds from the beginning of the recording.
    minutes
        How long is recorded.
    seed
        The same seed asks the same questions at the same times.
    lasts_s
        How long the fault acts; to the end unless given.
    port
        The first of eight ports in a row; free ones are found unless given.
    overwrite
        Whether a recording in `folder` may be replaced.
    watch
        Called about once a second.

    Returns
    -------
    dict
        What ``truth.json`` holds.

    Raises
    ------
    RehearsalError
        If a parameter is wrong, or a service was lost on the way; what was recorded until then
        is kept, marked as incomplete.
    KeyboardInterrupt
        On Ctrl-C or SIGTERM, likewise.
    """
    injected = parse(fault)
    plan = Plan(injected, at_s, minutes * 60, seed, lasts_s)
    folder = folder.resolve()
    _check_free(folder, overwrite=overwrite)
    folder.parent.mkdir(parents=True, exist_ok=True)
    run = _Run(plan, free_ports(port), watch)
    failure: BaseException | None = None
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as scratch:
        try:
            asyncio.run(run.main(Path(scratch)))
        except (RehearsalError, KeyboardInterrupt) as error:
            failure = error
        except asyncio.CancelledError:  # SIGTERM
            failure = KeyboardInterrupt()
        if run.began is None and failure is not None:
            raise failure  # nothing was recorded yet
        watch(run.progress("saving"))
        truth = run.truth(complete=failure is None)
        _save(run, Path(scratch), truth, folder)
    if failure is not None:
        raise failure
    return truth


def _check_free(folder: Path, *, overwrite: bool) -> None:
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / "truth.json").is_file():
        raise RehearsalError(
            f"{folder} is not empty, and it is not a recording either",
            "Choose another folder with -o; only a recording can be overwritten.",
        )
    if not overwrite:
        raise RehearsalError(
            f"{folder} holds a recording already",
            "Choose another folder with -o, or replace the recording with --overwrite.",
        )


def _save(run: "_Run", scratch: Path, truth: dict[str, Any], folder: Path) -> None:
    """Write beside the folder and rename, so that no half of a recording is ever seen there."""
    assert run.began is not None and run.ended is not None
    ratings = run.load.ratings if run.load else {}
    tables = recording.tables(run.recorder, scratch, ratings, run.began, run.ended)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        written = Path(temporary) / folder.name
        written.mkdir()
        recording.write(tables, truth, written)
        if folder.exists():
            folder.rename(Path(temporary) / "replaced")
        shutil.move(written, folder)


@dataclass
class _Run:
    plan: Plan
    ports: dict[str, int]
    watch: Callable[[Progress], None]
    recorder: recording.Recorder = field(default_factory=recording.Recorder)
    load: Load | None = None
    began: pd.Timestamp | None = None
    ended: pd.Timestamp | None = None
    fault_began: pd.Timestamp | None = None
    fault_ended: pd.Timestamp | None = None

    def __post_init__(self) -> None:
        self.alerts = Alerts()
        plan = self.plan
        self.culprit = culprit(plan.fault, plan.at_s, plan.seed)
        self.decoys = decoys(plan.fault, plan.at_s, plan.seconds, plan.seed)

    def progress(self, phase: str) -> Progress:
        """Return how it stands."""
        elapsed = (pd.Timestamp.now("UTC") - self.began).total_seconds() if self.began else 0.0
        return Progress(
            phase,
            min(elapsed, self.plan.seconds),
            self.plan.seconds,
            self.load.asked if self.load else 0,
            self.load.failed if self.load else 0,
            self.fault_began is not None and self.fault_ended is None,
            tuple(self.alerts.firing),
        )

    async def main(self, scratch: Path) -> None:
        """Start the system, carry the plan out, and end the system, whatever happens."""
        import httpx

        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
        try:
            self.watch(self.progress("starting"))
            async with (
                httpx.AsyncClient(trust_env=False) as client,
                Supervisor(self.ports, scratch, self.plan.seed, client) as system,
            ):
                await self._carry_out(system, client)
                self.watch(self.progress("stopping"))
        finally:
            loop.remove_signal_handler(signal.SIGTERM)

    async def _carry_out(self, system: Supervisor, client: Any) -> None:
        plan = self.plan
        url = f"http://127.0.0.1:{self.ports['gateway']}"
        self.load = Load(client, url, plan.seconds + _WARM_UP_S, plan.seed, MEAN_RATE)
        steps: list[Coroutine[Any, Any, None]] = [
            self.load.run(),
            self._scrape(system, Scraper(client, self.ports)),
            self._change(),
        ]
        if plan.fault is not None:
            steps.append(self._break(system, plan.fault))
        try:
            async with asyncio.TaskGroup() as group:
                load, scraping, *others = [group.create_task(step) for step in steps]
                await asyncio.wait([scraping])
                for each in (load, *others):
                    each.cancel()
        except BaseExceptionGroup as failures:
            lost, _ = failures.split(RehearsalError)
            raise failures if lost is None else lost.exceptions[0] from None
        finally:
            if self.began is not None:
                self.ended = pd.Timestamp.now("UTC")
                if self.fault_began is not None and self.fault_ended is None:
                    self.fault_ended = self.ended

    async def _scrape(self, system: Supervisor, scraper: Scraper) -> None:
        clock = asyncio.get_running_loop().time
        tick = clock()
        recorded_from, until = tick + _WARM_UP_S, tick + _WARM_UP_S + self.plan.seconds
        while tick < until:
            await asyncio.sleep(tick - clock())
            system.check()
            if self.began is None and tick >= recorded_from:
                self.began = pd.Timestamp.now("UTC").floor("ms")
            time = pd.Timestamp.now("UTC").floor("ms")
            row = await scraper.scrape(tick)
            if self.began is None:
                self.watch(self.progress("warming up"))
            else:
                self.recorder.scrapes.append((time, row))
                for event in self.alerts.evaluate(tick, row):
                    self.recorder.alerts.append({"timestamp": time, **event})
                self.watch(self.progress("recording"))
            tick += 1.0
            if clock() > tick + 1.0:  # this machine stood still: missed scrapes are not made up
                tick = clock()

    async def _change(self) -> None:
        for change in self.decoys:
            time = await self._until(change.at_s)
            self.recorder.change(time, change)

    async def _until(self, seconds: float) -> pd.Timestamp:
        """Wait for a moment of the recording, and return the time then."""
        while self.began is None:
            await asyncio.sleep(0.05)
        due = self.began + pd.Timedelta(seconds=seconds)
        await asyncio.sleep((due - pd.Timestamp.now("UTC")).total_seconds())
        return pd.Timestamp.now("UTC").floor("ms")

    async def _break(self, system: Supervisor, fault: Fault) -> None:
        self.fault_began = await self._until(self.plan.at_s)
        if self.culprit is not None:
            self.recorder.change(self.fault_began, self.culprit)
        match fault.kind.acts:
            case "order":
                system.order(fault.service, fault.kind.name, active=True)
            case "deploy":
                await system.stop(fault.service)
                await system.start(fault.service, effects=(fault.kind.name,))
            case "crash":
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.plan.ends_s - self.plan.at_s):
                        await self._crash(system, fault.service)
        if self.plan.lasts_s is None:
            return
        self.fault_ended = await self._until(self.plan.ends_s)
        match fault.kind.acts:
            case "order":
                system.order(fault.service, fault.kind.name, active=False)
            case "deploy":
                await system.stop(fault.service)
                await system.start(fault.service)
            case "crash":
                await system.kill(fault.service)
                await system.start(fault.service)

    async def _crash(self, system: Supervisor, service: str) -> None:
        while True:
            await system.kill(service)
            await asyncio.sleep(_DOWN_S)
            await system.start(service)
            await asyncio.sleep(_UP_S)

    def truth(self, *, complete: bool) -> dict[str, Any]:
        """Return what the recording is checked against."""
        made = {change["ref"] for change in self.recorder.changes}
        causes = [self.culprit.ref] if self.culprit else []
        fault = self.plan.fault
        return {
            "fault": {"service": fault.service, "kind": fault.kind.name} if fault else None,
            "root_cause_service": fault.service if fault else None,
            "root_cause_metrics": fault.metrics if fault else [],
            "started": _iso(self.fault_began),
            "ended": _iso(self.fault_ended),
            "run_started": _iso(self.began),
            "run_ended": _iso(self.ended),
            "seed": self.plan.seed,
            "minutes": self.plan.seconds / 60,
            "complete": complete,
            "culprit_change": next((ref for ref in causes if ref in made), None),
            "decoys": [each.ref for each in self.decoys if each.ref in made],
            "command": self.plan.command(),
        }


def _iso(time: pd.Timestamp | None) -> str | None:
    return time.isoformat(timespec="milliseconds") if time is not None else None
