"""The embedded model: a small one on this machine, behind the OpenAI API, without a key."""

import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiopslab.errors import PromptError
from aiopslab.models.files import SMOLLM2, Model, find
from aiopslab.prompts.endpoint import Endpoint

CONTEXT = 2_048  # tokens of a call, in and out
START_S = 120  # for the model to be loaded, on a busy machine
TIMEOUT_S = 600.0  # of a call: all that fits, on a busy core
PATIENCE_S = 10  # for the server to end by itself
LOOK_S = 1.0  # between looks whether the parent lives
WARNINGS = 2  # and errors, of what the server logs
LETTERS = 500  # of what it said last


@contextmanager
def local_model(model: Model = SMOLLM2, threads: int = 1) -> Iterator[Endpoint]:
    """Serve a model in a process of its own, as long as the context lasts.

    Parameters
    ----------
    model
        Of one file, which was fetched.
    threads
        Of the model. On cores that other work shares, two are slower than one.

    Yields
    ------
    Endpoint
        On loopback, at a free port; calls cost 0 and come one at a time, so that an answer does not
        depend on what else is asked.

    Raises
    ------
    ModelError
        If the file was not fetched.
    PromptError
        If the server does not start.
    """
    (path,) = find(model)
    command = [sys.executable, "-m", "aiopslab.prompts.local", str(path), str(threads)]
    with tempfile.TemporaryFile() as log:
        # The server ends with its standard input, so that it outlives nobody. In a session of its
        # own it is not ended by the interrupt that lets the calls under way come to their end.
        server = subprocess.Popen(  # noqa: S603 - our own module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        assert server.stdin is not None and server.stdout is not None
        try:
            is_up = bool(select.select([server.stdout], [], [], START_S)[0])
            address = server.stdout.readline().strip() if is_up else ""
            if not address:
                log.seek(0)
                said = log.read().decode("utf-8", "replace").strip() or "it said nothing"
                raise PromptError(
                    f"the server of {model.name} did not start: {said.splitlines()[-1][-LETTERS:]}",
                    f"See whether there are 500 MB of memory for it, or delete {str(path)!r} and "
                    "fetch it again.",
                )
            yield local_endpoint(address, model)
        finally:
            server.stdin.close()
            try:
                server.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
            server.stdout.close()


def local_endpoint(address: str, model: Model = SMOLLM2) -> Endpoint:
    """Return where a model is asked that a process of ours serves, or would serve."""
    return Endpoint(
        f"{address}/v1",
        model.name,
        concurrency=1,
        timeout_s=TIMEOUT_S,
        input_price=0.0,
        output_price=0.0,
        key_prefix=None,
    )


def _serve(path: Path, threads: int) -> None:
    """Serve until standard input ends, or the parent: a fork of it may hold the other end."""
    import xllamacpp

    parent = os.getppid()
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.hostnames, parameters.port = ["127.0.0.1"], 0
    parameters.n_ctx, parameters.n_parallel = CONTEXT, 1
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
    parameters.cache_ram_mib = 0  # else it keeps what it has read of earlier calls, up to 8 GB
    parameters.verbosity = WARNINGS
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    while os.getppid() == parent and not select.select([sys.stdin], [], [], LOOK_S)[0]:
        pass


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), int(sys.argv[2]))
