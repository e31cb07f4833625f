"""The table Exceptions: commands and messages that could not be processed, newest first.

A second row per failure, `id:` and its id, names the key of the first row.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, packed, part_names, unpacked
from shared.adapters.storage.table import NEVER, Operation, Row, Table, in_partition, moment_in, where
from shared.domain import names
from shared.domain.errors import Conflict
from shared.domain.filing.entries import inverted
from shared.ports.stores.exceptions import Failure, FailureFilter

_POINTER: Final = "id:"
_COLUMNS: Final = ("RowKey", "replayed_at", *part_names())


class AzureExceptions:
    """Implements `ports.Exceptions`."""

    def __init__(self, connection: Connection) -> None:
        self._table = Table(connection, names.EXCEPTIONS)

    def record(self, failure: Failure) -> None:
        """One request."""
        partition, key = escaped(failure.tenant_id), _key(failure)
        pointer = {"PartitionKey": partition, "RowKey": _POINTER + escaped(failure.id), "row": key}
        row = {
            "PartitionKey": partition,
            "RowKey": key,
            "mailbox_id": failure.mailbox_id,
            "code": failure.code,
            "queue": failure.queue,
            "item": failure.item.key if failure.item else "",
            "replayed": False,
            "replayed_at": NEVER,
            **packed(to_plain(replace(failure, replayed_at=None))),
        }
        # A run that was interrupted has recorded the failure before.
        with suppress(Conflict):
            self._table.transact([Operation("create", pointer), Operation("upsert", row)])

    def get(self, tenant_id: str, failure_id: str) -> Failure | None:
        """Two requests; one for an unknown id."""
        partition = escaped(tenant_id)
        pointer = self._table.get(partition, _POINTER + escaped(failure_id), ("row",))
        row = self._table.get(partition, str(pointer["row"]), _COLUMNS) if pointer else None
        return _failure(row) if row else None

    def page(
        self, tenant_id: str, wanted: FailureFilter, *, limit: int, after: str
    ) -> tuple[list[Failure], str]:
        """One range query; the filter is on Azure's side."""
        # Rows of failures begin with digits, which sort before the pointers' "id:".
        first = inverted(wanted.until) + "." if wanted.until else ""
        # "." sorts right behind the "-" in a key.
        last = inverted(wanted.since) + "." if wanted.since else _POINTER
        condition = in_partition(escaped(tenant_id), first=first, beyond=after, last=last) + _filter(wanted)
        found: list[Failure] = []
        last = ""
        for row in self._table.rows(condition, select=_COLUMNS, page=limit + 1):
            if len(found) == limit:
                return found, last
            found.append(_failure(row))
            last = str(row["RowKey"])
        return found, ""

    def note_replayed(self, failure: Failure, at: datetime) -> None:
        """One request."""
        keys = {"PartitionKey": escaped(failure.tenant_id), "RowKey": _key(failure)}
        self._table.merge({**keys, "replayed": True, "replayed_at": at})


def _key(failure: Failure) -> str:
    return f"{inverted(failure.at)}-{escaped(failure.id)}"


def _filter(wanted: FailureFilter) -> str:
    columns = {
        "code": wanted.code,
        "queue": wanted.queue,
        "item": wanted.item.key if wanted.item else "",
        "mailbox_id": wanted.mailbox_id,
    }
    parts = [where(**{name: value}) for name, value in columns.items() if value]
    parts += ["replayed eq false"] if wanted.unreplayed else []
    return "".join(f" and {part}" for part in parts)


def _failure(row: Row) -> Failure:
    return from_plain(Failure, unpacked(row), replayed_at=moment_in(row, "replayed_at"))
