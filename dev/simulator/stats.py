"""Counts what the app did to Graph, so that tests can hold it to its promises. Only counts; decides nothing."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

_SHOWN = 20


@dataclass(slots=True)
class Stats:
    """Since the start or the last `DELETE stats`."""

    calls: Counter[tuple[str, int]] = field(default_factory=Counter)
    http_requests: int = 0
    by_tenant: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    batch_requests: int = 0
    batch_items: int = 0
    bodies_read: Counter[str] = field(default_factory=Counter)
    attachments_read: Counter[str] = field(default_factory=Counter)
    peak_concurrency: dict[str, int] = field(default_factory=dict)
    calls_before_retry_after: int = 0
    early_calls: list[str] = field(default_factory=list)
    writes: Counter[str] = field(default_factory=Counter)
    tokens_issued: int = 0
    notifications: Counter[str] = field(default_factory=Counter)
    agents: Counter[str] = field(default_factory=Counter)

    def early(self, what: str) -> None:
        """A call was made before a Retry-After was over."""
        self.calls_before_retry_after += 1
        self.early_calls.append(what)

    def peak(self, address: str, concurrent: int) -> None:
        self.peak_concurrency[address] = max(concurrent, self.peak_concurrency.get(address, 0))

    def as_json(self, faults: dict[str, int]) -> dict[str, object]:
        calls = [
            {"endpoint": endpoint, "status": status, "count": count}
            for (endpoint, status), count in sorted(self.calls.items())
        ]
        return {
            "graph": {
                "calls": calls,
                "http_requests": self.http_requests,
                "batch_requests": self.batch_requests,
                "batch_items": self.batch_items,
                "by_tenant": {tenant_id: dict(made) for tenant_id, made in self.by_tenant.items()},
            },
            "bodies_read": dict(self.bodies_read),
            "attachments_read": dict(self.attachments_read),
            "peak_concurrency": dict(self.peak_concurrency),
            "calls_before_retry_after": self.calls_before_retry_after,
            "early_calls": self.early_calls[:_SHOWN],
            "writes": dict(self.writes),
            "tokens_issued": self.tokens_issued,
            "notifications": {
                name: self.notifications[name]
                for name in ("sent", "dropped", "duplicated", "reordered", "failed")
            },
            "agents": dict(self.agents),
            "faults": dict(faults),
        }
