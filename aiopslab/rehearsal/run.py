"""A rehearsal while it runs: the system, its users, the fault, and what is gathered."""

import asyncio
import math
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from aiopslab.errors import RehearsalError
from aiopslab.rehearsal.changes import culprit, decoys, reverted
from aiopslab.rehearsal.faults import Fault
from aiopslab.rehearsal.load import MEAN_RATE, Load
from aiopslab.rehearsal.measures import WINDOW_S
from aiopslab.rehearsal.plan import Plan
from aiopslab.rehearsal.recorder import Recorder
from aiopslab.rehearsal.rules import Alerts
from aiopslab.rehearsal.scraper import Scraper
from aiopslab.rehearsal.supervisor import Supervisor

_WARM_UP_S = WINDOW_S + 2
_DOWN_S, _UP_S = 12.0, 15.0
_ENDINGS = (signal.SIGTERM, signal.SIGHUP)  # asyncio does as much for Ctrl-C


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


@dataclass
class Run:
    """One rehearsal.

    Parameters
    ----------
    plan
        What is to happen.
    ports
        The port of each service.
    watch
        Called about once a second.
    recorder, load
        What was gathered, and the users who asked.
    began, ended
        Of the recording; ``None`` until then.
    fault_began, fault_ended
        Of the fault; ``None`` until then.
    moved
        When users began to ask harder questions; ``None`` until then.
    """

    plan: Plan
    ports: dict[str, int]
    watch: Callable[[Progress], None]
    recorder: Recorder = field(default_factory=Recorder)
    load: Load | None = None
    began: pd.Timestamp | None = None
    ended: pd.Timestamp | None = None
    fault_began: pd.Timestamp | None = None
    fault_ended: pd.Timestamp | None = None
    moved: pd.Timestamp | None = None

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
        for each in _ENDINGS:
            loop.add_signal_handler(each, task.cancel)
        try:
            self.watch(self.progress("starting"))
            async with (
                httpx.AsyncClient(trust_env=False) as client,
                Supervisor(self.ports, scratch, self.plan.seed, client) as system,
            ):
                await self._carry_out(system, client)
                self.watch(self.progress("stopping"))
        finally:
            for each in _ENDINGS:
                loop.remove_signal_handler(each)

    async def _carry_out(self, system: Supervisor, client: Any) -> None:
        plan = self.plan
        url = f"http://127.0.0.1:{self.ports['gateway']}"
        harder_at_s = math.inf if plan.harder_at_s is None else plan.harder_at_s + _WARM_UP_S
        seconds = plan.seconds + _WARM_UP_S
        self.load = Load(client, url, seconds, plan.seed, MEAN_RATE, harder_at_s)
        steps: list[Coroutine[Any, Any, None]] = [
            self.load.run(),
            self._scrape(system, Scraper(client, self.ports)),
            self._change(),
        ]
        if plan.fault is not None:
            steps.append(self._break(system, plan.fault))
        if plan.harder_at_s is not None:
            steps.append(self._move(plan.harder_at_s))
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

    async def _move(self, seconds: float) -> None:
        self.moved = await self._until(seconds)

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
        if self.culprit is not None:
            self.recorder.change(self.fault_ended, reverted(self.culprit, self.plan.ends_s))
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
        began, ended = self.fault_began, self.fault_ended
        if fault is None and self.moved is not None:
            began, ended = self.moved, self.ended
        return {
            "fault": {"service": fault.service, "kind": fault.kind.name} if fault else None,
            "root_cause_service": fault.service if fault else None,
            "root_cause_metrics": fault.metrics if fault else [],
            "layer": self.plan.layer,
            "outcomes": list(self.plan.outcomes),
            "started": _iso(began),
            "ended": _iso(ended),
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
