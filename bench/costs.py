"""What a mail cost in a measured run: one row of a table, and the same as JSON."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from bench.house import NOTHING, Shown
from bench.meter import Reading

HEADER = (
    f"{'':<30}{'mails':>6}{'mails/s':>9}{'CPU ms':>8}{'Azurite':>8}{'Graph':>7}{'HTTP':>7}{'storage':>9}"
    f"{'put back':>9}{'twice':>6}{'awaited':>8}{'threads':>9}{'doubled':>8}{'p50 s':>7}{'worst s':>8}"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """A run over `mails` mails, with how their threads came out; delays in seconds."""

    name: str
    mails: int
    seconds: float
    reading: Reading
    shown: Shown = NOTHING
    delays: Sequence[float] = ()

    @property
    def mails_per_second(self) -> float:
        return self.mails / self.seconds

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds a mail of all host processes."""
        return self.reading.cpu["host"] / self.mails

    @property
    def operations(self) -> float:
        """Storage requests a mail, the host's own included, empty polls not."""
        return float(self.reading.storage["total"]) / self.mails

    def row(self) -> str:
        reading = self.reading
        median = f"{statistics.median(self.delays):7.2f}" if self.delays else f"{'-':>7}"
        worst = f"{max(self.delays):8.2f}" if self.delays else f"{'-':>8}"
        shown = self.shown
        threads = f"{shown.right}/{shown.threads}" if shown.threads else "-"
        return (
            f"{self.name:<30}{self.mails:>6}{self.mails_per_second:>9.1f}{self.cpu_ms:>8.1f}"
            f"{reading.cpu['azurite'] / self.mails:>8.1f}{reading.graph_items / self.mails:>7.2f}"
            f"{reading.graph['http_requests'] / self.mails:>7.3f}{self.operations:>9.2f}"
            f"{reading.put_backs:>9}{reading.double_ingests:>6}{reading.placeholders:>8}"
            f"{threads:>9}{shown.doubled:>8}{median}{worst}"
        )

    def as_json(self) -> dict[str, object]:
        """The figures of the row, with what storage and Graph were asked for, a mail."""
        reading = self.reading
        return {
            "name": self.name,
            "mails": self.mails,
            "mails_per_second": round(self.mails_per_second, 2),
            "cpu_ms": {part: round(used / self.mails, 2) for part, used in reading.cpu.items()},
            "graph_items": round(reading.graph_items / self.mails, 3),
            "graph_round_trips": round(reading.graph["http_requests"] / self.mails, 3),
            "storage_operations": round(self.operations, 3),
            "put_backs": reading.put_backs,
            "double_ingests": reading.double_ingests,
            "placeholders": reading.placeholders,
            "threads": asdict(self.shown),
            "delays": [round(delay, 3) for delay in self.delays],
            "storage": self.share(reading.storage.get("named", reading.storage["requests"])),
            "rows": self.share(reading.storage.get("rows", {})),
            "graph": self.share(
                {f"{c['endpoint']} {c['status']}": c["count"] for c in reading.graph["calls"]}
            ),
        }

    def share(self, counts: Mapping[str, int]) -> dict[str, float]:
        """Counts a mail, the largest first."""
        largest = sorted(counts.items(), key=lambda item: -item[1])
        return {name: round(count / self.mails, 3) for name, count in largest}
