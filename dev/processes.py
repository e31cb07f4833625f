"""Child processes of the local set-up: started with a log file, watched, stopped by process id, and
ended by a guard where this process is killed.

Knows nothing of what the processes do.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from dev import guard

T = TypeVar("T")
TAIL_LINES = 25
# For a thing that comes at once on a quiet machine: on a busy one it may take a hundred times as long, and only what
# hangs is to be given up. Children that have ended are noticed without it.
PATIENCE = 300.0


@dataclass(frozen=True, slots=True)
class Child:
    """One running child process and the file its output goes to."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    log_start: int

    @classmethod
    def start(
        cls,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> "Child":
        """Start `command` with nothing on stdin and both outputs appended to `log`."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            start = output.tell()
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if env is None else dict(env),
                cwd=cwd,
                start_new_session=True,  # Ctrl-C reaches only the supervisor
            )
        guard.watch(process.pid)
        return cls(name, process, log, start)

    @property
    def pid(self) -> int:
        return self.process.pid

    def output(self) -> str:
        """What this process has printed so far."""
        with self.log.open("rb") as log:
            log.seek(self.log_start)
            return log.read().decode(errors="replace")

    def check_running(self) -> None:
        """Raises RuntimeError with the end of the output where the process has ended."""
        code = self.process.poll()
        if code is not None:
            tail = "\n".join(self.output().splitlines()[-TAIL_LINES:])
            raise RuntimeError(f"{self.name} ended with {code}; the end of its output ({self.log}):\n{tail}")

    def stop(self, grace: float = 60) -> None:
        """SIGTERM, then SIGKILL after `grace` seconds. Returns once the process is gone."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(grace)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        guard.release(self.pid)


def wait_for(look: Callable[[], T | None], message: str, *, every: float = 0.02) -> T:
    """Call `look` until it returns something. Raises RuntimeError(message) after `PATIENCE` seconds."""
    deadline = time.monotonic() + PATIENCE
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise RuntimeError(message)
        time.sleep(every)
    return found


def wait_for_ready(child: Child, ready_file: Path) -> dict[str, Any]:
    """The JSON object that `child` writes into `ready_file` once it serves."""

    def look() -> dict[str, Any] | None:
        child.check_running()
        try:
            return cast("dict[str, Any]", json.loads(ready_file.read_text()))
        except (FileNotFoundError, json.JSONDecodeError):  # not there yet, or half written
            return None

    return wait_for(look, f"{child.name} did not get ready within {PATIENCE:g} s; see {child.log}")


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write a JSON file so that a reader sees either nothing or all of it."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_text(json.dumps(content, indent=2) + "\n")
    temporary.replace(path)
