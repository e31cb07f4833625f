"""The table Mailboxes: a mailbox under its id, and its address beside it as a way there.

Settings are packed into the row, its state stands in columns of their own: a transition merges those only. Both
are written under the row's one ETag, so that neither is written over what the other's writer has not seen.
"""

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any, Final

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, packed, unpacked
from shared.adapters.storage.table import NEVER, Operation, Row, Table, etag_of, quoted, saving, where
from shared.domain import names
from shared.domain.connections.mailbox_state import REMOVING, MailboxState, Transition
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import Conflict, NotFound
from shared.ports.stores.connections import Change

ATTEMPTS: Final = 5
_ADDRESS: Final = "address:"
_BEHIND_ADDRESSES: Final = "address;"
_STATE_COLUMNS: Final = {field.name: field.name for field in fields(MailboxState)} | {"name": "state"}


class AzureMailboxes:
    """Implements `ports.Mailboxes`. Requests: `by_id` one; `get` two; `save`, `delete` two or three.

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

    def save(self, mailbox: Mailbox) -> Mailbox:
        """Its address moves along with it; one that another mailbox has is a Conflict."""
        stored = self.by_id(mailbox.tenant_id, mailbox.mailbox_id) if mailbox.etag else None
        if mailbox.etag and stored is None:
            raise Conflict("the mailbox was deleted meanwhile")
        operations = [saving(_row(mailbox), mailbox.etag)]
        if stored is None or stored.address != mailbox.address:
            operations.append(Operation("create", _pointer(mailbox)))
        if stored and stored.address != mailbox.address:
            operations.append(Operation("delete", _pointer(stored)))
        etags = self._table.transact(operations)
        return replace(mailbox, etag=etags[0])

    def change(self, mailbox: Mailbox, transition: Transition) -> Change | None:
        before: Mailbox | None = mailbox
        for _ in range(ATTEMPTS):
            if before is None:
                return None
            try:
                return Change(before, self._advanced(before, transition))
            except NotFound:
                return None
            except Conflict:
                before = self.by_id(mailbox.tenant_id, mailbox.mailbox_id)
        raise Conflict("others keep changing the mailbox")

    def _advanced(self, before: Mailbox, transition: Transition) -> Mailbox:
        """A transition that changes nothing costs nothing."""
        after = before.after(transition)
        if after == before:
            return before
        keys = {"PartitionKey": before.tenant_id, "RowKey": escaped(before.mailbox_id)}
        etag = self._table.merge({**keys, **_state_columns(after.state)}, before.etag)
        return replace(after, etag=etag)

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
        yield from sorted((_mailbox(row) for row in rows), key=lambda mailbox: mailbox.address)

    def due(self, now: datetime) -> Iterator[Mailbox]:
        """Asks the whole table, with the filter on Azure's side."""
        moment = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        served = f"enabled eq true and state ne {quoted(REMOVING)}"
        rows = self._table.rows(f"{served} and next_poll_at le datetime'{moment}'")
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
    settings = {name: value for name, value in to_plain(mailbox).items() if name != "state"}
    return {
        "PartitionKey": mailbox.tenant_id,
        "RowKey": escaped(mailbox.mailbox_id),
        "enabled": mailbox.enabled,
        **_state_columns(mailbox.state),
        **packed(settings),
    }


def _mailbox(row: Row) -> Mailbox:
    return from_plain(Mailbox, unpacked(row), state=_state(row), etag=etag_of(row))


def _state_columns(state: MailboxState) -> Row:
    return {column: _to_column(getattr(state, field)) for field, column in _STATE_COLUMNS.items()}


def _state(row: Row) -> MailboxState:
    # An older version may have written the row: what it did not know takes its default.
    known = {field: row[column] for field, column in _STATE_COLUMNS.items() if column in row}
    values = {field: _from_column(value) for field, value in known.items()}
    return MailboxState(**values)


def _to_column(value: str | bool | datetime | None) -> str | bool | datetime:
    if value is None:
        return NEVER
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _from_column(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    moment = datetime.fromtimestamp(value.timestamp(), tz=UTC)
    return None if moment == NEVER else moment
