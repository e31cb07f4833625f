"""Names each storage request (service, method, operation) and counts it. Knows nothing of sockets."""

from collections import Counter
from functools import lru_cache
from urllib.parse import parse_qs

from dev.storage_proxy.delayed import Delayed

EMPTY_POLL = "queue GET messages"
PUT = "queue POST messages"


@lru_cache(4096)
def operation(service: str, method: str, target: str) -> str:
    """What a request does, e.g. `queue GET messages`, `table PUT entity`, `blob PUT blob comp=lease`.

    The names of queues, tables and blobs are left out. `target` is the request line's; its first segment is
    the account (Azurite's path style).
    """
    path, _, query = target.partition("?")
    segments = [segment for segment in path.split("/") if segment][1:]
    options = parse_qs(query)
    what = {"blob": _blob, "queue": _queue, "table": _table}[service](segments, options)
    comp = f" comp={options['comp'][0]}" if "comp" in options else ""
    return f"{service} {method} {what}{comp}"


def _blob(segments: list[str], options: dict[str, list[str]]) -> str:
    if not segments:
        return "account"
    return "container" if len(segments) == 1 or "restype" in options else "blob"


def _queue(segments: list[str], options: dict[str, list[str]]) -> str:
    if len(segments) < 2:
        return "queue" if segments else "account"
    if len(segments) == 2:
        return "peek" if "peekonly" in options else "messages"
    return "message"


def _table(segments: list[str], _: dict[str, list[str]]) -> str:
    first = segments[0] if segments else "account"
    if first == "$batch" or first.startswith("Tables"):
        return first.partition("(")[0]
    return "entity" if "(" in first and not first.endswith("()") else "entities"


class Counts:
    """How often each operation was asked for, how many polls found nothing, which faults were injected."""

    def __init__(self) -> None:
        self._requests: Counter[str] = Counter()
        self._empty_polls = 0
        self._faults: Counter[str] = Counter()
        self.delayed = Delayed()

    def request(self, name: str, *, empty_poll: bool) -> None:
        if empty_poll:
            self._empty_polls += 1
        else:
            self._requests[name] += 1

    def fault(self, kind: str) -> None:
        self._faults[kind] += 1

    def clear(self) -> None:
        self._requests.clear()
        self._faults.clear()
        self._empty_polls = 0

    def as_json(self) -> dict[str, object]:
        """`requests` (without the empty polls), their sum `total`, `empty_polls`, `faults` and `delayed`."""
        requests = dict(sorted(self._requests.items()))
        return {
            "total": sum(requests.values()),
            "empty_polls": self._empty_polls,
            "requests": requests,
            "faults": dict(self._faults),
            "delayed": self.delayed.now(),
        }
