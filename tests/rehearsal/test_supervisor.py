import asyncio
import socket

import httpx
import psutil
import pytest

from aiopslab.errors import RehearsalError
from aiopslab.rehearsal.errors import PlanError
from aiopslab.rehearsal.faults import KINDS
from aiopslab.rehearsal.measures import parse
from aiopslab.rehearsal.services import SERVICES
from aiopslab.rehearsal.supervisor import Supervisor, free_ports


def test_ports_are_eight_different_ones():
    ports = free_ports()
    assert list(ports) == list(SERVICES)
    assert len(set(ports.values())) == len(SERVICES)


def test_a_base_is_followed():
    base = min(free_ports().values())
    assert free_ports(base)["gateway"] == base


@pytest.mark.parametrize("base", [0, -1, 80, 65_535, 10**9])
def test_a_base_that_is_no_port_is_refused(base):
    with pytest.raises(PlanError, match="expected 1024 to 65528"):
        free_ports(base)


def supervised(tmp_path, work):
    async def run():
        async with (
            httpx.AsyncClient() as client,
            Supervisor(free_ports(), tmp_path, 1, client) as system,
        ):
            pids = list(system.pids.values())
            await work(system, client)
        return pids

    pids = asyncio.run(run())
    assert not [pid for pid in pids if psutil.pid_exists(pid)]


@pytest.mark.server
@pytest.mark.slow
def test_every_fault_can_begin_and_end_in_every_service_that_it_fits(tmp_path):
    async def work(system, client):
        for active in (True, False):
            for kind in KINDS.values():
                if kind.acts == "order":
                    for service in kind.services:
                        system.order(service, kind.name, active=active)
            await asyncio.sleep(2)
            system.check()  # an order that fails ends the service
        for service, port in system.ports.items():
            answer = await client.get(f"http://127.0.0.1:{port}/metrics", timeout=10)
            assert ("process_cpu_seconds_total", "") in parse(answer.text), service
        url = f"http://127.0.0.1:{system.ports['gateway']}"
        session = await client.post(f"{url}/sessions", json={"user": "u-01"})
        body = {"question": "When is payday?", **session.json()}
        answer = (await client.post(f"{url}/ask", json=body, timeout=10)).json()
        assert "25th" in answer["answer"], "in good health again"
        assert (await client.post(f"{url}/sessions", json={"user": "u-99"})).status_code == 401
        stranger = await client.post(f"{url}/ask", json={**body, "token": "x"})
        assert stranger.status_code == 401

    supervised(tmp_path, work)


@pytest.mark.server
def test_a_service_that_cannot_start_is_named_with_its_log(tmp_path):
    async def run():
        ports = free_ports()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", ports["database"]))
            taken.listen()
            async with httpx.AsyncClient() as client, Supervisor(ports, tmp_path, 1, client):
                pass

    with pytest.raises(RehearsalError) as failure:
        asyncio.run(run())
    assert "database ended unexpectedly, with exit code" in str(failure.value)
    assert "address already in use" in str(failure.value)
