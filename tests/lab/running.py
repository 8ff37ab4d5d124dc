"""`aiopslab lab` as a person starts it, on a free port of loopback."""

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil


class Running:
    """A command that runs; ``address`` has no slash at its end."""

    def __init__(self, process, said, address, token):
        self.process, self.said, self.address, self.token = process, said, address, token

    def get(self, path, token=None, **options):
        headers = {"Authorization": f"token {token or self.token}"}
        return httpx.get(f"{self.address}/{path}", headers=headers, timeout=150, **options)

    def post(self, path, content):
        headers = {"Authorization": f"token {self.token}"}
        return httpx.post(f"{self.address}/{path}", headers=headers, json=content, timeout=30)

    def family(self):
        """Return the processes that the command started."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self, sign=signal.SIGINT):
        """Send a signal; return the exit code and what was said after the address."""
        self.process.send_signal(sign)
        rest, _ = self.process.communicate(timeout=30)
        return self.process.returncode, rest


@contextmanager
def running(folder, *options, home):
    """Run `aiopslab lab FOLDER` with a home of its own; what is left in the end is killed."""
    command = [str(Path(sys.executable).with_name("aiopslab")), "lab", str(folder)]
    command += ["--no-browser", "--port", "0", *options]
    gone = {"MLFLOW_TRACKING_URI", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR"}
    environment = {name: value for name, value in os.environ.items() if name not in gone}
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment | {"HOME": str(home), "IPYTHONDIR": str(home / "ipython")},
        cwd=home,
    )
    family = []
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if found := re.search(r"(http\S+)/lab\?token=(\w+)", line):
                break
        else:
            raise AssertionError("".join(said))
        started = Running(process, said, *found.groups())
        yield started
        family = started.family() if process.poll() is None else []
    finally:
        for each in [*family, process]:
            if each.is_running() if isinstance(each, psutil.Process) else each.poll() is None:
                each.kill()
        process.wait(20)
