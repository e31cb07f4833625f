"""The table Mailboxes: a mailbox under its id, and its address beside it as a way there.

Settings are packed; what workers note (state, times, ids) are columns of their own, which win when read.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from shared.adapters.storage.codec import from_plain, hint_of, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import CONTENT, escaped, packed, part_names, unpacked
from shared.adapters.storage.table import KEYS, Operation, Row, Table, etag_of, quoted, where
from shared.domain import names
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import Conflict, NotFound

ATTEMPTS: Final = 5
_ADDRESS: Final = "address:"
_BEHIND_ADDRESSES: Final = "address;"
_COLUMNS: Final = (
    "enabled",
    "next_poll_at",
    "state",
    "last_error",
    "last_sync_at",
    "user_id",
    "agent_id",
    "aliases",
    "connected_at",
    "blocked_until",
    "lost_at",
    "paused_at",
    "reconciled",
    "untested",
    "address_offered",
)
# A column cannot hold "no time", and a filter cannot ask for an absent one.
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ABOUT_THE_ROW: Final = frozenset((*KEYS, "mailbox_id", *part_names(CONTENT)))


class AzureMailboxes:
    """Implements `ports.Mailboxes`. Requests: `by_id`, `note` one; `get` two; `put`, `delete` two or three.

    `change` makes one while nobody has changed the row since it was read, else two more for each try.
    """

    def __init__(self, connection: Connection) -> None:
        self._table = Table(connection, names.MAILBOXES)

    def get(self, tenant_id: str, address: str) -> Mailbox | None:
        pointer = self._table.get(tenant_id, _address_key(address), ("mailbox_id",))
        return self.by_id(tenant_id, str(pointer["mailbox_id"])) if pointer else None

    def by_id(self, tenant_id: str, mailbox_id: str) -> Mailbox | None:
        row = self._table.get(tenant_id, escaped(mailbox_id))
        return _mailbox(row) if row else None

    def put(self, mailbox: Mailbox) -> Mailbox:
        """Its address moves along with it; one that another mailbox has is a Conflict."""
        stored = self.by_id(mailbox.tenant_id, mailbox.mailbox_id) if mailbox.etag else None
        if mailbox.etag and stored is None:
            raise Conflict("the mailbox was deleted meanwhile")
        operations = [Operation("replace" if mailbox.etag else "create", _row(mailbox), mailbox.etag)]
        if stored is None or stored.address != mailbox.address:
            operations.append(Operation("create", _pointer(mailbox)))
        if stored and stored.address != mailbox.address:
            operations.append(Operation("delete", _pointer(stored)))
        etags = self._table.transact(operations)
        return replace(mailbox, etag=etags[0])

    def note(self, mailbox: Mailbox, **changes: object) -> None:
        """Nothing happens to a mailbox that is gone."""
        keys = {"PartitionKey": mailbox.tenant_id, "RowKey": escaped(mailbox.mailbox_id)}
        columns = {name: _to_column(name, value) for name, value in changes.items()}
        try:
            self._table.merge({**keys, **columns})
        except NotFound:
            return

    def change(self, mailbox: Mailbox, transition: Callable[[Mailbox], Mailbox]) -> Mailbox | None:
        current: Mailbox | None = mailbox
        for _ in range(ATTEMPTS):
            if current is None:
                return None
            changed = transition(current)
            if changed == current:
                return current
            try:
                return replace(changed, etag=self._table.merge(_row(changed), current.etag))
            except NotFound:
                return None
            except Conflict:
                current = self.by_id(mailbox.tenant_id, mailbox.mailbox_id)
        raise Conflict("others keep changing the mailbox")

    def delete(self, tenant_id: str, address: str) -> None:
        pointer = self._table.get(tenant_id, _address_key(address), ("mailbox_id",))
        if pointer is None:
            return
        keys = {"PartitionKey": tenant_id, "RowKey": escaped(str(pointer["mailbox_id"]))}
        way = {"PartitionKey": tenant_id, "RowKey": _address_key(address)}
        try:
            self._table.transact([Operation("delete", keys), Operation("delete", way)])
        except NotFound:  # somebody else deleted it between the two requests
            return

    def of(self, tenant_id: str) -> Iterator[Mailbox]:
        beside = f"(RowKey lt {quoted(_ADDRESS)} or RowKey ge {quoted(_BEHIND_ADDRESSES)})"
        rows = self._table.rows(f"{where(PartitionKey=tenant_id)} and {beside}")
        yield from sorted((_mailbox(row) for row in rows), key=lambda one: one.address)

    def due(self, now: datetime) -> Iterator[Mailbox]:
        """Asks the whole table, with the filter on Azure's side."""
        moment = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        rows = self._table.rows(f"enabled eq true and next_poll_at le datetime'{moment}'")
        return (_mailbox(row) for row in rows)


def _address_key(address: str) -> str:
    return _ADDRESS + escaped(address)


def _pointer(mailbox: Mailbox) -> Row:
    return {
        "PartitionKey": mailbox.tenant_id,
        "RowKey": _address_key(mailbox.address),
        "mailbox_id": mailbox.mailbox_id,
    }


def _row(mailbox: Mailbox) -> Row:
    return {
        "PartitionKey": mailbox.tenant_id,
        "RowKey": escaped(mailbox.mailbox_id),
        **{name: _to_column(name, getattr(mailbox, name)) for name in _COLUMNS},
        **packed(to_plain(mailbox)),
    }


def _mailbox(row: Row) -> Mailbox:
    columns = {name: _from_column(name, row[name]) for name in row if name not in _ABOUT_THE_ROW}
    return from_plain(Mailbox, unpacked(row), **columns, etag=etag_of(row))


def _to_column(name: str, value: object) -> Any:
    hint = hint_of(Mailbox, name)
    if isinstance(value, tuple):
        return json.dumps(value)
    if value is None:
        return _NEVER if hint == datetime | None else ""
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _from_column(name: str, value: Any) -> Any:
    hint = hint_of(Mailbox, name)
    if hint == tuple[str, ...]:
        return tuple(json.loads(value))
    if hint == datetime | None:
        moment = datetime.fromtimestamp(value.timestamp(), tz=UTC)
        return None if moment == _NEVER else moment
    return None if value == "" and hint == str | None else value
