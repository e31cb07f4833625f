"""The table Credentials: the accounts of mailboxes that are reached by IMAP. Passwords are sealed on the way in."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, packed, part_names, unpacked
from shared.adapters.storage.table import Operation, Table, etag_of
from shared.domain import names
from shared.domain.connections.accounts import MailAccount
from shared.domain.errors import Conflict, NotFound
from shared.ports.credentials import Seal


class AzureCredentials:
    """Implements `ports.Credentials`: one request each."""

    def __init__(self, connection: Connection, seal: Seal) -> None:
        self._table = Table(connection, names.CREDENTIALS)
        self._seal = seal

    def get(self, tenant_id: str, mailbox_id: str) -> MailAccount | None:
        row = self._table.get(escaped(tenant_id), escaped(mailbox_id), part_names())
        return from_plain(MailAccount, unpacked(row), etag=etag_of(row)) if row else None

    def put(self, account: MailAccount, password: str) -> MailAccount:
        sealed = replace(account, sealed=self._seal.seal(password, _about(account)))
        return replace(sealed, etag=self._table.submit(Operation("upsert", _row(sealed))))

    def password(self, account: MailAccount) -> str:
        password = self._seal.open(account.sealed, _about(account))
        if not self._seal.is_current(account.sealed):
            self.note(replace(account, sealed=self._seal.seal(password, _about(account))))
        return password

    def note(self, account: MailAccount) -> None:
        # Another row stands there by now, or none.
        with suppress(Conflict, NotFound):
            self._table.write(_row(account), account.etag)

    def delete(self, tenant_id: str, mailbox_id: str) -> None:
        self._table.delete(escaped(tenant_id), escaped(mailbox_id))


def _about(account: MailAccount) -> str:
    return f"{account.tenant_id}|{account.mailbox_id}"


def _row(account: MailAccount) -> dict[str, Any]:
    keys = {"PartitionKey": escaped(account.tenant_id), "RowKey": escaped(account.mailbox_id)}
    return {**keys, **packed(to_plain(account))}
