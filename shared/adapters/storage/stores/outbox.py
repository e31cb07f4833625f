"""The tables Outbox, every mail that was asked for, and Outgoing, each mailbox's list of those on their way.

A row of Outgoing is written before the mail's own and goes after the mail has ended: one that is left behind by a
crash leads to nothing, and goes with the next look.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, joined, packed, part_names, unescaped, unpacked
from shared.adapters.storage.table import Operation, Row, Table, etag_of, in_partition, quoted, where
from shared.domain import names
from shared.domain.errors import Conflict
from shared.domain.filing.entries import ordered
from shared.domain.sending.outbox import OutboxMail
from shared.domain.sending.states import State
from shared.ports.stores.sending import OutboxFilter

# Whoever wrote a mail's place in the list has written the mail by then, or was killed.
WRITTEN_BY: Final = timedelta(minutes=10)
_CODE: Final = "code:"
_KEY: Final = "key:"
# Behind the ids of all mails, which begin with a time, and before the pointers to them.
_BEHIND_MAILS: Final = _CODE
_LISTED: Final = ("PartitionKey", "RowKey", "asked_at", "id")
_COLUMNS: Final = ("RowKey", *part_names())
# Azure has no empty times in filters; its first one stands for "due at once".
_AT_ONCE: Final = datetime(1601, 1, 1, tzinfo=UTC)


class AzureOutbox:
    """Implements `ports.Outbox`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._mails = Table(connection, names.OUTBOX)
        self._outgoing = Table(connection, names.OUTGOING)

    def add(self, mail: OutboxMail) -> OutboxMail:
        """Two requests; three more where the key is taken."""
        self._outgoing.upsert(_outgoing(mail))
        creates = [Operation("create", _row(mail)), Operation("create", _under_code(mail))]
        if mail.key_hash:
            creates.append(Operation("create", _pointer(mail)))
        try:
            return replace(mail, etag=self._mails.transact(creates)[0])
        except Conflict:
            standing = self.of_key(mail.tenant_id, mail.key_hash)
            if standing is None:
                raise
            # A create whose answer was lost meets itself.
            if standing.id != mail.id:
                self._forget(mail)
            return standing

    def get(self, tenant_id: str, mail_id: str) -> OutboxMail | None:
        """One request."""
        row = self._mails.get(escaped(tenant_id), escaped(mail_id), _COLUMNS)
        return _mail(row) if row else None

    def of_key(self, tenant_id: str, key_hash: str) -> OutboxMail | None:
        """Two requests; one for an unknown key."""
        pointer = self._mails.get(escaped(tenant_id), _KEY + escaped(key_hash), ("row",))
        return self.get(tenant_id, unescaped(str(pointer["row"]))) if pointer else None

    def of_code(self, tenant_id: str, number: int, *, limit: int) -> list[OutboxMail]:
        """One range query, and a request for each mail, side by side."""
        prefix = _prefix(number)
        condition = in_partition(escaped(tenant_id), first=prefix, last=prefix + "~")
        rows = islice(self._mails.rows(condition, select=("RowKey",), page=limit), limit)
        ids = [unescaped(str(row["RowKey"]).removeprefix(prefix)) for row in rows]
        found = self._connection.side_by_side(lambda mail_id: self.get(tenant_id, mail_id), ids)
        return [mail for mail in found if mail is not None]

    def save(self, mail: OutboxMail) -> OutboxMail:
        """One request; a second one where it has ended, waits for another time, or goes on after its end."""
        # A mail that is gone on with at once stands in the list under a time that has come already.
        if mail.state is State.QUEUED or (mail.not_before and not mail.has_ended):
            self._outgoing.upsert(_outgoing(mail))
        saved = replace(mail, etag=self._mails.write(_row(mail), mail.etag))
        if mail.has_ended:
            self._forget(mail)
        return saved

    def page(
        self, tenant_id: str, wanted: OutboxFilter, *, limit: int, after: str
    ) -> tuple[list[OutboxMail], str]:
        """One range query; the filter is on Azure's side."""
        condition = in_partition(escaped(tenant_id), beyond=after, last=_BEHIND_MAILS) + _filter(wanted)
        found: list[OutboxMail] = []
        last = ""
        for row in self._mails.rows(condition, select=_COLUMNS, page=limit + 1):
            if len(found) == limit:
                return found, last
            found.append(_mail(row))
            last = str(row["RowKey"])
        return found, ""

    def due(self, tenant_id: str, mailbox_id: str, now: datetime, *, limit: int) -> list[OutboxMail]:
        """One range query, and a request for each mail, side by side."""
        partition = _partition(tenant_id, mailbox_id)
        condition = f"{in_partition(partition)} and due le {_moment(now)}"
        rows = list(islice(self._outgoing.rows(condition, select=_LISTED, page=limit), limit))
        found = self._connection.side_by_side(lambda row: self._standing(tenant_id, row, now), rows)
        return [mail for mail in found if mail is not None and mail.is_due(now)]

    def mailboxes_due(self, now: datetime) -> Iterator[tuple[str, str]]:
        """A request for each mailbox that has any, and one more."""
        after = ""
        while True:
            condition = f"PartitionKey gt {quoted(after)} and due le {_moment(now)}"
            row = next(self._outgoing.rows(condition, select=("PartitionKey",), page=1), None)
            if row is None:
                return
            after = str(row["PartitionKey"])
            tenant_id, mailbox_id = after.split("|", 1)
            yield unescaped(tenant_id), unescaped(mailbox_id)

    def _standing(self, tenant_id: str, row: Row, now: datetime) -> OutboxMail | None:
        """The mail behind a row of the list; a row that leads to none, or to one that has ended, goes."""
        mail = self.get(tenant_id, str(row["id"]))
        if mail is not None and not mail.has_ended:
            return mail
        # The mail itself is written behind its place in the list.
        if mail is not None or row["asked_at"] < now - WRITTEN_BY:
            self._outgoing.delete(str(row["PartitionKey"]), str(row["RowKey"]))
        return None

    def _forget(self, mail: OutboxMail) -> None:
        row = _outgoing(mail)
        self._outgoing.delete(row["PartitionKey"], row["RowKey"])


def _partition(tenant_id: str, mailbox_id: str) -> str:
    return joined(tenant_id, escaped(mailbox_id))


def _row(mail: OutboxMail) -> dict[str, Any]:
    return {
        "PartitionKey": escaped(mail.tenant_id),
        "RowKey": escaped(mail.id),
        "state": mail.state.value,
        "agent": mail.agent,
        **packed(to_plain(mail)),
    }


def _pointer(mail: OutboxMail) -> dict[str, Any]:
    key = _KEY + escaped(mail.key_hash)
    return {"PartitionKey": escaped(mail.tenant_id), "RowKey": key, "row": escaped(mail.id)}


def _prefix(number: int) -> str:
    return f"{_CODE}{number:08x}:"


def _under_code(mail: OutboxMail) -> dict[str, Any]:
    """Newest first, as the mails themselves: an answer goes to who wrote last."""
    key = _prefix(mail.code.number) + escaped(mail.id)
    return {"PartitionKey": escaped(mail.tenant_id), "RowKey": key}


def _outgoing(mail: OutboxMail) -> dict[str, Any]:
    due = max(filter(None, (mail.send_at, mail.not_before)), default=_AT_ONCE)
    return {
        "PartitionKey": _partition(mail.tenant_id, mail.mailbox_id),
        "RowKey": f"{ordered(mail.created_at)}-{escaped(mail.id)}",
        "id": mail.id,
        "asked_at": mail.created_at.astimezone(UTC),
        "due": due.astimezone(UTC),
    }


def _mail(row: Row) -> OutboxMail:
    return from_plain(OutboxMail, unpacked(row), etag=etag_of(row))


def _filter(wanted: OutboxFilter) -> str:
    columns = {"state": wanted.state.value if wanted.state else "", "agent": wanted.agent}
    return "".join(f" and {where(**{name: value})}" for name, value in columns.items() if value)


def _moment(moment: datetime) -> str:
    return f"datetime'{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}'"
