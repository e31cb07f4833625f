"""Reads every counter of a running stack: storage, Graph, CPU of each part, and what became of commands.

Needs no more of a stack than its ready file, so that it measures another commit's as well.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from dev.simulator.client import Control

# A command that waits again, because its mailbox was taken or for a passing error.
PUT_BACK = re.compile(rb'"outcome": "(?:busy|put_back)"')
# How the row of a mail that is only awaited says so.
AWAITED = '"awaited"'
STILL = 1.5  # seconds without a storage request that count as quiet
TICK_MS = 10.0  # /proc counts CPU in hundredths of a second


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything counted since `clear`. CPU in milliseconds by part: host, azurite, simulator, storage_proxy."""

    storage: Mapping[str, Any]
    graph: Mapping[str, Any]
    bodies_read: Mapping[str, int]
    cpu: Mapping[str, float]
    put_backs: int

    @property
    def graph_items(self) -> int:
        """Requests to Graph, each item of a batch by itself: Graph's limits count those."""
        batches = sum(c["count"] for c in self.graph["calls"] if c["endpoint"].endswith("$batch"))
        return int(self.graph["http_requests"] - batches + self.graph["batch_items"])

    @property
    def double_ingests(self) -> int:
        """Bodies fetched again."""
        return sum(times - 1 for times in self.bodies_read.values())

    @property
    def placeholders(self) -> int:
        """Rows written for mails that are awaited."""
        return int(self.storage.get("texts", {}).get(AWAITED, 0))


@dataclass(frozen=True, slots=True)
class Command:
    """A command that a host has run, as its log says."""

    name: str
    mailbox: str
    storage_calls: int


class Meter:
    """Counts of a stack from its ready file."""

    def __init__(self, ready: Mapping[str, Any]) -> None:
        self.ready = ready
        self.control = Control(ready["simulator_url"], ready["ca_file"])
        self._cpu: Mapping[str, float] = {}
        self._log_sizes: dict[Path, int] = {}

    def clear(self) -> None:
        """Begin to count anew."""
        self.control.clear_stats()
        requests.delete(self.ready["storage_stats_url"], timeout=30).raise_for_status()
        self._log_sizes = {log: log.stat().st_size for log in self._logs()}
        self._cpu = self.cpu()

    def read(self) -> Reading:
        """What has been counted, once storage is quiet."""
        self.settle()
        cpu = {part: used - self._cpu.get(part, 0.0) for part, used in self.cpu().items()}
        stats = self.control.stats()
        put_backs = sum(len(PUT_BACK.findall(text)) for text in self._logged())
        return Reading(self.storage(), stats["graph"], stats["bodies_read"], cpu, put_backs)

    def storage(self) -> dict[str, Any]:
        found: dict[str, Any] = requests.get(self.ready["storage_stats_url"], timeout=30).json()
        return found

    def settle(self) -> None:
        """Wait until storage has been quiet for a moment."""
        last = -1
        while (now := self.storage()["total"]) != last:
            last = now
            time.sleep(STILL)

    def cpu(self) -> dict[str, float]:
        """CPU milliseconds used so far by the living processes of each part."""
        pids = self.ready["pids"]
        parts = {part: value if isinstance(value, list) else [value] for part, value in pids.items()}
        return {part: sum(map(cpu_ms, ids)) for part, ids in parts.items()}

    def commands(self) -> Iterator[Command]:
        """The commands that have ended since `clear`."""
        for text in self._logged():
            for line in text.splitlines():
                if b'_handled"' in line:
                    said = json.loads(line)
                    yield Command(
                        said["event"].removesuffix("_handled"), said["mailbox"], said["storage_calls"]
                    )

    def _logged(self) -> Iterator[bytes]:
        for log in self._logs():
            yield log.read_bytes()[self._log_sizes.get(log, 0) :]

    def _logs(self) -> list[Path]:
        return sorted(Path(self.ready["log_dir"]).glob("host-*.log"))


def cpu_ms(pid: int) -> float:
    """CPU milliseconds of a process so far, 0 where it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii")
    except OSError:
        return 0.0
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_MS
