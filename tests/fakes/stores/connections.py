"""Organisations, connections, mailboxes and subscriptions in memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from shared.adapters.secrets.sealing import Sealer
from shared.domain.connections.accounts import MailAccount
from shared.domain.connections.connections import MailConnection
from shared.domain.connections.habits import Habit, Learnt
from shared.domain.connections.mailbox_state import Transition
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.organisations import Organisation
from shared.domain.connections.subscriptions import Subscription
from shared.domain.errors import Conflict
from shared.ports.stores.connections import Change
from tests.fakes.etags import Etags, check_etag
from tests.fakes.faults import Faults

# So often a row that others keep changing is read again.
ATTEMPTS: Final = 5


class FakeOrganisations:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[str, Organisation] = {}
        self._etag = Etags()

    def get(self, tenant_id: str) -> Organisation | None:
        self.faults.read("Organisations.get")
        return self.rows.get(tenant_id)

    def put(self, organisation: Organisation) -> Organisation:
        with self.faults.write("Organisations.put"):
            stored = self.rows.get(organisation.tenant_id)
            check_etag(stored.etag if stored else None, organisation.etag)
            self.rows[organisation.tenant_id] = replace(organisation, etag=self._etag())
            return self.rows[organisation.tenant_id]

    def change(self, organisation: Organisation) -> None:
        """Put it whatever stands there, as a test's set-up does."""
        stored = self.rows.get(organisation.tenant_id)
        self.put(replace(organisation, etag=stored.etag if stored else ""))

    def all(self) -> Iterator[Organisation]:
        self.faults.read("Organisations.all")
        yield from list(self.rows.values())


class FakeMailboxes:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], Mailbox] = {}
        self._etag = Etags()

    def get(self, tenant_id: str, address: str) -> Mailbox | None:
        self.faults.read("Mailboxes.get")
        return next((one for one in self._of(tenant_id) if one.address == address), None)

    def by_id(self, tenant_id: str, mailbox_id: str) -> Mailbox | None:
        self.faults.read("Mailboxes.by_id")
        return self.rows.get((tenant_id, mailbox_id))

    def save(self, mailbox: Mailbox) -> Mailbox:
        with self.faults.write("Mailboxes.save"):
            key = (mailbox.tenant_id, mailbox.mailbox_id)
            stored = self.rows.get(key)
            check_etag(stored.etag if stored else None, mailbox.etag)
            others = (row for row in self._of(mailbox.tenant_id) if row.mailbox_id != mailbox.mailbox_id)
            if any(row.address == mailbox.address for row in others):
                raise Conflict("another mailbox has this address")
            self.rows[key] = replace(mailbox, etag=self._etag())
            return self.rows[key]

    def change(self, mailbox: Mailbox, transition: Transition) -> Change | None:
        with self.faults.write("Mailboxes.change"):
            key = (mailbox.tenant_id, mailbox.mailbox_id)
            for _ in range(ATTEMPTS):
                before = self.rows.get(key)
                if before is None:
                    return None
                after = before.after(transition)
                if self.rows.get(key) != before:
                    continue
                if after != before:
                    self.rows[key] = replace(after, etag=self._etag())
                return Change(before, self.rows[key])
            raise Conflict("others keep changing the mailbox")

    def delete(self, tenant_id: str, address: str) -> None:
        with self.faults.write("Mailboxes.delete"):
            for one in self._of(tenant_id):
                if one.address == address:
                    del self.rows[tenant_id, one.mailbox_id]

    def of(self, tenant_id: str) -> Iterator[Mailbox]:
        self.faults.read("Mailboxes.of")
        yield from sorted(self._of(tenant_id), key=lambda one: one.address)

    def due(self, now: datetime) -> Iterator[Mailbox]:
        self.faults.read("Mailboxes.due")
        yield from [one for one in self.rows.values() if one.is_due(now)]

    def _of(self, tenant_id: str) -> list[Mailbox]:
        return [one for one in self.rows.values() if one.tenant_id == tenant_id]


class FakeSubscriptions:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], Subscription] = {}
        self._etag = Etags()

    def get(self, tenant_id: str, mailbox_id: str) -> Subscription | None:
        self.faults.read("Subscriptions.get")
        return self.rows.get((tenant_id, mailbox_id))

    def put(self, tenant_id: str, subscription: Subscription) -> Subscription:
        with self.faults.write("Subscriptions.put"):
            key = (tenant_id, subscription.mailbox_id)
            stored = self.rows.get(key)
            check_etag(stored.etag if stored else None, subscription.etag)
            self.rows[key] = replace(subscription, etag=self._etag())
            return self.rows[key]

    def delete(self, tenant_id: str, mailbox_id: str) -> None:
        with self.faults.write("Subscriptions.delete"):
            self.rows.pop((tenant_id, mailbox_id), None)

    def of(self, tenant_id: str) -> Iterator[Subscription]:
        self.faults.read("Subscriptions.of")
        yield from [row for (tenant, _), row in self.rows.items() if tenant == tenant_id]

    def ending(self, before: datetime) -> Iterator[tuple[str, Subscription]]:
        self.faults.read("Subscriptions.ending")
        for (tenant_id, _), row in list(self.rows.items()):
            if row.expires_at is None or row.expires_at < before:
                yield tenant_id, row


class FakeHabits:
    """What tenants showed, by tenant and habit."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, Habit], Learnt] = {}

    def of(self, tenant_id: str) -> Mapping[Habit, Learnt]:
        self.faults.read("Habits.of")
        return {habit: learnt for (tenant, habit), learnt in self.rows.items() if tenant == tenant_id}

    def put(self, tenant_id: str, learnt: Sequence[Learnt]) -> None:
        with self.faults.write("Habits.put"):
            self.rows |= {(tenant_id, found.habit): found for found in learnt}


class FakeConnections:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], MailConnection] = {}
        self._etag = Etags()

    def get(self, tenant_id: str, connection_id: str) -> MailConnection | None:
        self.faults.read("Connections.get")
        return self.rows.get((tenant_id, connection_id))

    def put(self, connection: MailConnection) -> MailConnection:
        with self.faults.write("Connections.put"):
            key = (connection.tenant_id, connection.connection_id)
            stored = self.rows.get(key)
            check_etag(stored.etag if stored else None, connection.etag)
            self.rows[key] = replace(connection, etag=self._etag())
            return self.rows[key]

    def delete(self, tenant_id: str, connection_id: str) -> None:
        with self.faults.write("Connections.delete"):
            self.rows.pop((tenant_id, connection_id), None)

    def of(self, tenant_id: str) -> list[MailConnection]:
        self.faults.read("Connections.of")
        found = (one for one in self.rows.values() if one.tenant_id == tenant_id)
        return sorted(found, key=lambda one: one.connection_id)

    def all(self) -> Iterator[MailConnection]:
        self.faults.read("Connections.all")
        yield from list(self.rows.values())


class FakeCredentials:
    """Sealed as in the table: sealing needs nothing from outside."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], MailAccount] = {}
        self.seal = Sealer([bytes(32)])
        self._etag = Etags()

    def get(self, tenant_id: str, mailbox_id: str) -> MailAccount | None:
        self.faults.read("Credentials.get")
        return self.rows.get((tenant_id, mailbox_id))

    def put(self, account: MailAccount, password: str) -> MailAccount:
        with self.faults.write("Credentials.put"):
            key = account.tenant_id, account.mailbox_id
            sealed = self.seal.seal(password, "|".join(key))
            self.rows[key] = replace(account, sealed=sealed, etag=self._etag())
            return self.rows[key]

    def password(self, account: MailAccount) -> str:
        return self.seal.open(account.sealed, f"{account.tenant_id}|{account.mailbox_id}")

    def note(self, account: MailAccount) -> None:
        with self.faults.write("Credentials.note"):
            key = account.tenant_id, account.mailbox_id
            if key in self.rows and self.rows[key].etag == account.etag:
                self.rows[key] = replace(account, etag=self._etag())

    def delete(self, tenant_id: str, mailbox_id: str) -> None:
        with self.faults.write("Credentials.delete"):
            self.rows.pop((tenant_id, mailbox_id), None)
