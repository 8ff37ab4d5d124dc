"""Runs one service: ``python -m aiopslab.rehearsal.services SETTINGS``, settings as JSON.

The service ends with its parent, however that ends: at the end of standard input, and, should the
event loop be stuck, by the signal that Linux sends to a child whose parent has died.
"""

import ctypes
import importlib
import os
import signal
import sys

import uvicorn

from aiopslab.rehearsal.services.app import Service, Settings

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve until told to stop."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == 1:  # the parent died before the call above
        sys.exit("the rehearsal that started this service is gone")
    settings = Settings.from_json(sys.argv[1])
    service = Service(settings)
    module = importlib.import_module(f"aiopslab.rehearsal.services.{settings.name}")

    def stop() -> None:
        server.should_exit = True

    server = uvicorn.Server(
        uvicorn.Config(
            service.app(module.build(service), stop),
            port=settings.ports[settings.name],
            log_level="error",
            access_log=False,
            timeout_graceful_shutdown=2,
            ws="none",
        )
    )
    server.run()
    if not server.started:
        sys.exit(f"{settings.name} could not listen on port {settings.ports[settings.name]}")


main()
