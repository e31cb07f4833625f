"""Ends the children of a process that was killed before it could stop them.

Runs as a process of its own and reads `+PID` and `-PID` lines; when its input ends, so has the parent, and
what is still listed is stopped. Imports nothing that costs time.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

_lock = threading.Lock()
_guards: dict[int, "subprocess.Popen[str]"] = {}


def watch(pid: int) -> None:
    """From now on `pid`, the leader of its own process group, ends with this process."""
    _tell(f"+{pid}")


def release(pid: int) -> None:
    """`pid` has ended or been stopped."""
    _tell(f"-{pid}")


def _tell(line: str) -> None:
    with _lock:
        guard = _guards.get(os.getpid())
        if guard is None:
            guard = subprocess.Popen(
                [sys.executable, "-S", str(Path(__file__).resolve())],
                stdin=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            _guards[os.getpid()] = guard
        if guard.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                print(line, file=guard.stdin, flush=True)


def main() -> None:
    """Keep the list; end what is on it when the parent is gone."""
    watched: set[int] = set()
    for line in sys.stdin:
        pid = int(line[1:])
        if line.startswith("+"):
            watched.add(pid)
        else:
            watched.discard(pid)
    for pid in watched:
        with contextlib.suppress(ProcessLookupError):
            if os.getpgid(pid) == pid:  # else the number belongs to somebody else by now
                os.kill(pid, signal.SIGTERM)


if __name__ == "__main__":
    main()
