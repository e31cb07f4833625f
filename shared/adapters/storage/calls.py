"""What tables, queues and leases ask of a storage account, whichever client carries it out.

`direct` and `sdk` implement it, and pass the same contract tests. Every call raises the domain's errors: NotFound,
Conflict, Throttled, Rejected and Unavailable, as `errors` draws them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

Row = Mapping[str, Any]
# Seconds that a list of names may take, without a second try: whoever watches the service waits for it.
LISTED_WITHIN: Final = 3.0


@dataclass(frozen=True, slots=True)
class Operation:
    """A write of one row: `create`, `upsert`, `merge`, `replace` or `delete`; ETag '' = unconditional.

    `upsert` and `merge` leave the columns that they do not name: a newer version may have written them. `replace` is
    for what must lose all that it had.
    """

    verb: str
    row: Row
    etag: str = ""


class StoredRow(dict[str, Any]):
    """A row as it was read: columns by name, times in UTC, and the ETag beside them."""

    __slots__ = ("etag",)

    def __init__(self, columns: Mapping[str, Any], etag: str) -> None:
        super().__init__(columns)
        self.etag = etag


class TableCalls(Protocol):
    """One table. Every method is one request, but for `rows`: one a page."""

    def get(self, partition: str, key: str, select: Sequence[str]) -> Row:
        """All columns where `select` names none. Raises NotFound."""
        ...

    def rows(self, condition: str, select: Sequence[str], page: int) -> Iterator[Row]:
        """Rows in key order; a page is fetched when its first row is asked for."""
        ...

    def submit(self, operation: Operation) -> str:
        """The row's new ETag; '' for a row that was deleted."""
        ...

    def transact(self, operations: Sequence[Operation]) -> list[str]:
        """The ETags, in order. All or nothing; the error's `operation` is the place of the one that failed."""
        ...


@dataclass(frozen=True, slots=True)
class TakenMessage:
    """A message that is hidden from others for a while: its text as it lies there, and what removes it."""

    id: str
    receipt: str
    content: str


class QueueCalls(Protocol):
    """One queue."""

    def send(self, text: str, *, hidden: int, timeout: float | None) -> None:
        """A message that never expires, as base64, seen after `hidden` seconds.

        With a timeout (seconds) it is tried once and no longer than that.
        """
        ...

    def take(self, count: int, *, hidden: int) -> list[TakenMessage]:
        """Up to `count` (1 to 32) messages, which others see again after `hidden` seconds."""
        ...

    def peek(self, count: int) -> list[str]:
        """The texts of the first `count` (1 to 32) messages that nobody has taken, as they lie there."""
        ...

    def remove(self, message: TakenMessage) -> None:
        """Raises NotFound if the message was removed, or was taken by others since."""
        ...


class LeaseCalls(Protocol):
    """Leases on the blobs of one container."""

    def acquire(self, blob: str, seconds: int) -> str:
        """The lease's id. Raises Conflict while somebody holds it, NotFound where the blob is not made yet."""
        ...

    def renew(self, blob: str, lease: str) -> None: ...

    def release(self, blob: str, lease: str) -> None: ...

    def make(self, blob: str) -> None:
        """An empty blob. Raises Conflict where there is one."""
        ...


class Calls(Protocol):
    """A client of one account. Threads may share it."""

    def tables(self) -> set[str]:
        """The names of all tables; of `queues` and `containers` likewise."""
        ...

    def queues(self) -> set[str]: ...

    def containers(self) -> set[str]: ...

    def table(self, name: str) -> TableCalls: ...

    def queue(self, name: str) -> QueueCalls: ...

    def leases(self, container: str) -> LeaseCalls: ...
