"""Names each storage request (service, method, operation) and counts it. Knows nothing of sockets."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qs

from dev.storage_proxy.delayed import Delayed

EMPTY_POLL = "queue GET messages"
PUT = "queue POST messages"
# The request line of each operation in a transaction's body.
_PART = re.compile(rb"^(GET|POST|PUT|PATCH|MERGE|DELETE) https?://[^/]+/[^/]+/(\w+)", re.MULTILINE)
_TABLE = re.compile(r"\w+")


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


def rows(service: str, method: str, target: str, body: bytes) -> list[str]:
    """What a request does to tables, each row of a transaction by itself: e.g. `Messages PATCH`."""
    if service != "table":
        return []
    name = target.partition("?")[0].rpartition("/")[2]
    if name == "$batch":
        return [f"{table.decode()} {verb.decode()}" for verb, table in _PART.findall(body)]
    table = _TABLE.match(name)
    return [f"{table[0]} {method}"] if table and table[0] != "Tables" else []


@lru_cache(4096)
def place(service: str, target: str) -> str:
    """The queue or container that a request is about; for tables see `rows`."""
    segments = [segment for segment in target.partition("?")[0].split("/") if segment][1:]
    return segments[0] if segments and service != "table" else ""


@dataclass(frozen=True, slots=True)
class Request:
    """A storage request as it came in; `target` is that of the request line."""

    service: str
    method: str
    target: str
    body: bytes = b""

    @property
    def name(self) -> str:
        return operation(self.service, self.method, self.target)

    @property
    def named(self) -> str:
        """The operation with the queue, container or tables that it is about."""
        tables = sorted({row.partition(" ")[0] for row in self.rows})
        about = "+".join(tables) or place(self.service, self.target)
        return f"{self.name} {about}".rstrip()

    @property
    def rows(self) -> list[str]:
        return rows(self.service, self.method, self.target, self.body)


class Counts:
    """How often each operation was asked for, how many polls found nothing, which faults were injected.

    `watched`: texts that are looked for in the bodies of requests to tables.
    """

    def __init__(self, watched: Sequence[str] = ()) -> None:
        self._watched = watched
        self._requests: Counter[str] = Counter()
        self._named: Counter[str] = Counter()
        self._rows: Counter[str] = Counter()
        self._texts: Counter[str] = Counter()
        self._empty_polls = 0
        self._faults: Counter[str] = Counter()
        self.delayed = Delayed()

    def request(self, request: Request, *, empty_poll: bool) -> None:
        if empty_poll:
            self._empty_polls += 1
            return
        self._requests[request.name] += 1
        self._named[request.named] += 1
        self._rows.update(request.rows)
        if request.service == "table":
            self._texts.update({text: request.body.count(text.encode()) for text in self._watched})

    def fault(self, kind: str) -> None:
        self._faults[kind] += 1

    def clear(self) -> None:
        for counter in (self._requests, self._named, self._rows, self._texts):
            counter.clear()
        self._faults.clear()
        self._empty_polls = 0

    def as_json(self) -> dict[str, object]:
        """`requests` (without the empty polls), their sum `total`, `empty_polls`, `faults` and `delayed`.

        Beside these `named` (requests with the table, queue or container they are about), `rows` (what was done to
        the rows of tables, those in transactions included) and `texts` (how often each watched text was sent).
        """
        requests = dict(sorted(self._requests.items()))
        return {
            "total": sum(requests.values()),
            "empty_polls": self._empty_polls,
            "requests": requests,
            "faults": dict(self._faults),
            "delayed": self.delayed.now(),
            "named": dict(sorted(self._named.items())),
            "rows": dict(sorted(self._rows.items())),
            "texts": dict(sorted(self._texts.items())),
        }
