"""The table Notices: what each agent is told, a partition for each agent, with its count beside it.

A notice, the mark that its mail has had one, and the count are written by one transaction. The number in a notice's id
is the count's: whatever is written later comes first in the list.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, hashed, joined, packed, part_names, unpacked
from shared.adapters.storage.table import KEYS, Operation, Row, Table, etag_of, in_partition, saving
from shared.domain import names
from shared.domain.errors import Conflict, NotFound
from shared.domain.notices.notices import Notice
from shared.ports.stores.notices import Told

_COUNT: Final = "~count"
_MARK: Final = "m|"
_LAST: Final = 10**15 - 1
# Mails of one agent arrive within a second at most; whoever loses this often comes back by the queue.
_TRIES: Final = 8
# A transaction takes a hundred rows, the count among them.
_TOGETHER: Final = 90
_COLUMNS: Final = ("RowKey", *part_names())
_COUNTED: Final = (*KEYS, "count", "last")


class AzureNotices:
    """Implements `ports.Notices`."""

    def __init__(self, connection: Connection) -> None:
        self._table = Table(connection, names.NOTICES)

    def add(self, tenant_id: str, notice: Notice) -> None:
        """Two requests; one more where the mail has had a notice."""
        partition = _partition(tenant_id, notice.agent)

        def changes(count: int, last: int) -> list[Operation]:
            row, mark = _row(partition, notice, last + 1), _mark(partition, notice, last + 1)
            return [Operation("create", row), Operation("create", mark), *_counted(count + 1, last + 1)]

        self._persistently(
            partition, changes, lambda: self._marked(partition, notice.message_key) is not None
        )

    def refresh(self, tenant_id: str, notice: Notice) -> None:
        """Two requests; one where none stands."""
        partition = _partition(tenant_id, notice.agent)
        notice_id = self._marked(partition, notice.message_key)
        if notice_id is not None and self._table.get(partition, notice_id, KEYS) is not None:
            row = {"PartitionKey": partition, "RowKey": notice_id, **_packed(notice)}
            try:
                self._table.merge(row)
            except NotFound:
                return

    def take_away(self, tenant_id: str, agent: str, message_key: str, *, for_good: bool) -> None:
        """Three requests; one where the mail has had none."""
        partition = _partition(tenant_id, agent)
        notice_id = self._marked(partition, message_key)
        if notice_id is None:
            return
        self._dismiss(partition, notice_id)
        if for_good:
            self._table.delete(partition, _MARK + escaped(message_key))

    def count(self, tenant_id: str, agent: str) -> int:
        """One request."""
        count, _, _ = self._count(_partition(tenant_id, agent))
        return count

    def page(self, tenant_id: str, agent: str, *, limit: int, after: str) -> tuple[list[Notice], str]:
        """One range query."""
        found = self._from(_partition(tenant_id, agent), beyond=after, limit=limit + 1)
        return found[:limit], found[limit - 1].id if len(found) > limit else ""

    def told(self, tenant_id: str, agent: str, notice_id: str) -> Told | None:
        """Two requests."""
        partition, message_key = _partition(tenant_id, agent), _message_key(notice_id)
        if not message_key or self._marked(partition, message_key) != notice_id:
            return None
        return Told(notice_id, message_key, self._table.get(partition, notice_id, KEYS) is not None)

    def dismiss(self, tenant_id: str, agent: str, notice_id: str) -> bool:
        """Two requests."""
        return self._dismiss(_partition(tenant_id, agent), notice_id)

    def dismiss_until(self, tenant_id: str, agent: str, notice_id: str) -> list[Notice]:
        """Three requests, for up to 90 notices."""
        partition = _partition(tenant_id, agent)
        dismissed: list[Notice] = []

        def changes(count: int, last: int) -> list[Operation]:
            dismissed[:] = self._from(partition, first=notice_id, limit=_TOGETHER)
            deletes = [_delete(partition, notice.id) for notice in dismissed]
            return [*deletes, *_counted(count - len(dismissed), last)] if dismissed else []

        self._persistently(partition, changes, lambda: False)
        return dismissed

    def _dismiss(self, partition: str, notice_id: str) -> bool:
        stood = [False]

        def changes(count: int, last: int) -> list[Operation]:
            stood[0] = self._table.get(partition, notice_id, KEYS) is not None
            return [_delete(partition, notice_id), *_counted(count - 1, last)] if stood[0] else []

        self._persistently(partition, changes, lambda: False)
        return stood[0]

    def _persistently(
        self, partition: str, changes: Callable[[int, int], list[Operation]], is_done: Callable[[], bool]
    ) -> None:
        """Make changes beside the count as it stands; again where another writer was faster."""
        for _ in range(_TRIES):
            count, last, etag = self._count(partition)
            wanted = changes(count, last)
            if not wanted:
                return
            try:
                self._table.transact([_placed(operation, partition, etag) for operation in wanted])
            except (Conflict, NotFound):
                if is_done():
                    return
            else:
                return
        raise Conflict("an agent's notices keep changing")

    def _count(self, partition: str) -> tuple[int, int, str]:
        row = self._table.get(partition, _COUNT, _COUNTED)
        return (int(row["count"]), int(row["last"]), etag_of(row)) if row else (0, 0, "")

    def _marked(self, partition: str, message_key: str) -> str | None:
        row = self._table.get(partition, _MARK + escaped(message_key), (*KEYS, "notice_id"))
        return str(row["notice_id"]) if row else None

    def _from(self, partition: str, *, first: str = "", beyond: str = "", limit: int) -> list[Notice]:
        condition = in_partition(partition, first=first, beyond=beyond, last=_MARK)
        rows = islice(self._table.rows(condition, select=_COLUMNS, page=limit), limit)
        return [replace(from_plain(Notice, unpacked(row)), id=str(row["RowKey"])) for row in rows]


def _partition(tenant_id: str, agent: str) -> str:
    return joined(tenant_id, hashed(agent))


def _id(message_key: str, number: int) -> str:
    return f"{_LAST - number:015d}-{escaped(message_key)}"


def _message_key(notice_id: str) -> str:
    return notice_id.partition("-")[2]


def _row(partition: str, notice: Notice, number: int) -> Row:
    return {"PartitionKey": partition, "RowKey": _id(notice.message_key, number), **_packed(notice)}


def _packed(notice: Notice) -> dict[str, Any]:
    return packed(to_plain(replace(notice, id="")))


def _mark(partition: str, notice: Notice, number: int) -> Row:
    key = _MARK + escaped(notice.message_key)
    return {"PartitionKey": partition, "RowKey": key, "notice_id": _id(notice.message_key, number)}


def _delete(partition: str, notice_id: str) -> Operation:
    return Operation("delete", {"PartitionKey": partition, "RowKey": notice_id})


def _counted(count: int, last: int) -> list[Operation]:
    return [Operation("merge", {"RowKey": _COUNT, "count": count, "last": last})]


def _placed(operation: Operation, partition: str, etag: str) -> Operation:
    """The count's own write under the ETag with which it was read; its first one is an insert."""
    if operation.row["RowKey"] != _COUNT:
        return operation
    row = {"PartitionKey": partition, **operation.row}
    return saving(row, etag)
