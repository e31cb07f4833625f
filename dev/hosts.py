"""The host processes of a stack: one for each instance, or one for each function group of each instance.

Starts them, starts again what has ended, stops them. Knows nothing of the app.
"""

import json
import signal
import socket
import subprocess
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dev.host.configuration import ABORTED, DRAIN, FAILED
from dev.host.groups import HTTP_GROUP
from dev.launching import Launch, launch_of
from dev.processes import Child, wait_for_ready

WATCH_INTERVAL = 0.2
MARGIN = 60.0  # seconds over its drain in which a host ends by itself, on a busy machine too
# What ends an instance: a signal from outside, its own end, or storage. Whatever else ends a process has killed the
# Python worker alone, and its host releases what ran in it.
_ENDS_OF_INSTANCES = {0, ABORTED, FAILED, -signal.SIGKILL, -signal.SIGTERM}


@dataclass(frozen=True, slots=True)
class HostOptions:
    """How the hosts run.

    `count`: instances, or with `in_groups` instances of each function group. `shorten` divides all of the host's
    times. `invisibility`, `drain` and `look`, seconds, take the place of the host's own: what a running message stays
    hidden, what running invocations get after SIGTERM, and when a timer's lease of another is asked for again.
    """

    app_dir: Path
    count: int
    in_groups: bool
    timers: bool
    shorten: float = 1.0
    invisibility: float | None = None
    drain: float | None = None
    look: float | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a process belongs: the group that it serves ("" for all functions) and its number in it."""

    group: str
    number: int

    @property
    def name(self) -> str:
        return f"host-{self.number}" + (f"-{self.group}" if self.group else "")

    @property
    def serves_http(self) -> bool:
        return self.group in {"", HTTP_GROUP}


class Hosts:
    """All host processes behind one port. `directory` gets their ready files, and their logs under `logs`.

    `changed` is called from a thread of its own after processes were started again.
    """

    def __init__(self, directory: Path, options: HostOptions, changed: "Callable[[Hosts], None]") -> None:
        self._directory = directory
        self._options = options
        self._apps: dict[int, Path] = {}
        self._changed = changed
        self._env: Mapping[str, str] = {}
        self._running: dict[Place, Child] = {}
        self._instances: dict[Place, str] = {}
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="watch hosts", daemon=True)
        # Stays ours while no host listens: bound, never listened on.
        self._held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._held.bind(("127.0.0.1", 0))
        self.port: int = self._held.getsockname()[1]

    @property
    def pids(self) -> list[int]:
        return [child.pid for child in self._running.values()]

    @property
    def pids_by_group(self) -> dict[str, list[int]]:
        """Process ids of each function group; empty where one process serves all functions."""
        found: dict[str, list[int]] = {}
        for place, child in self._running.items():
            if place.group:
                found.setdefault(place.group, []).append(child.pid)
        return found

    def start(self, env: Mapping[str, str]) -> None:
        """Start all with these settings and wait until each serves. Raises RuntimeError where one does not."""
        self._env = env
        groups = self._groups() if self._options.in_groups else [""]
        for number in range(self._options.count):
            for group in groups:
                place = Place(group, number)
                self._running[place] = self._start(place)
        for place, child in self._running.items():
            wait_for_ready(child, self._ready_file(place))

    def deploy(self, number: int, app_dir: Path, settings: Mapping[str, str] | None = None) -> None:
        """Have an instance serve another app, and all of them these settings from their next start on.

        It gets its drain; its process is ended and started again by the watch.
        """
        self._apps[number] = app_dir
        self._env = {**self._env, **(settings or {})}
        for place, child in list(self._running.items()):
            if place.number == number:
                child.process.terminate()

    def setting(self, name: str) -> str:
        """What the instances are told under this name."""
        return self._env.get(name, "")

    def is_ready(self, number: int) -> bool:
        """Whether every process of an instance serves."""
        return all(self._ready_file(place).exists() for place in self._running if place.number == number)

    def watch(self) -> None:
        """From now on a process that ends is started again, and `changed` is called."""
        self._watcher.start()

    def check_running(self) -> None:
        """Raises RuntimeError with the end of its output where a process has ended."""
        for child in self._running.values():
            child.check_running()

    def stop(self) -> None:
        """End all, each with its drain."""
        self._stopping.set()
        if self._watcher.is_alive():
            self._watcher.join()
        for child in self._running.values():
            if child.process.poll() is None:
                child.process.terminate()
        for child in self._running.values():
            child.stop((self._options.drain or DRAIN) + MARGIN)
        self._held.close()

    def _watch(self) -> None:
        while not self._stopping.wait(WATCH_INTERVAL):
            ended = [place for place, child in self._running.items() if child.process.poll() is not None]
            for place in ended:
                self._running[place].stop()
                if self._running[place].process.returncode in _ENDS_OF_INSTANCES:
                    self._forget(place)
                self._running[place] = self._start(place)
            if ended:
                self._changed(self)

    def _groups(self) -> list[str]:
        """The app's function groups, asked of a process of its own: the app may be another than this one."""
        launch = self._launch_of(0)
        command = [*self._command(0), "--show-groups"]
        env = {**self._env, **launch.environment}
        shown = subprocess.run(command, env=env, cwd=launch.folder, capture_output=True, check=False)
        if shown.returncode:
            raise RuntimeError(f"the app's functions cannot be listed:\n{shown.stderr.decode()}")
        groups: list[str] = json.loads(shown.stdout)
        return groups

    def _app_of(self, number: int) -> Path:
        return self._apps.get(number, self._options.app_dir)

    def _launch_of(self, number: int) -> Launch:
        return launch_of(self._app_of(number))

    def _command(self, number: int) -> list[str]:
        return [*self._launch_of(number).python, "-m", "dev.host", "--app-dir", str(self._app_of(number))]

    def _ready_file(self, place: Place) -> Path:
        return self._directory / f"{place.name}.ready.json"

    def _held_file(self, place: Place) -> Path:
        return self._directory / f"{place.name}.held"

    def _forget(self, place: Place) -> None:
        """Another instance comes in its place, which knows nothing of it."""
        self._held_file(place).unlink(missing_ok=True)
        self._instances.pop(place, None)

    def _start(self, place: Place) -> Child:
        self._ready_file(place).unlink(missing_ok=True)
        options = self._options
        instance = self._instances.setdefault(place, uuid.uuid4().hex)
        command = [
            *self._command(place.number),
            "--instance",
            instance,
            "--held-file",
            str(self._held_file(place)),
        ]
        command += ["--shorten", str(options.shorten)]
        for name in ("invisibility", "drain", "look"):
            value = getattr(options, name)
            if value is not None:
                command += [f"--{name}", str(value)]
        command += ["--ready-file", str(self._ready_file(place)), "--group", place.group]
        if place.serves_http:
            command += ["--reuse-port", "--port", str(self.port)]
        if not options.timers:
            command.append("--no-timers")
        log = self._directory / "logs" / f"{place.name}.log"
        launch = self._launch_of(place.number)
        env = {**self._env, **launch.environment}
        return Child.start(place.name, command, log=log, env=env, cwd=launch.folder)
