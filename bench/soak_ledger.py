"""What a run has written: timelines through the API, the rest straight from storage, past the faulty proxy."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableServiceClient
from azure.storage.queue import QueueServiceClient

from bench.soak_doors import pages_of
from bench.soak_letters import CASE
from bench.soak_script import Place
from bench.soak_verify import Seen, token_of
from bench.soak_world import COMPANIES
from dev.storage_proxy.asking import delayed
from dev.tenant import Api, Tenant
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import hashed
from shared.adapters.storage.settings import StorageSettings
from shared.adapters.storage.stores.folder_states import AzureFolderStates
from shared.adapters.storage.stores.mailboxes import AzureMailboxes
from shared.adapters.storage.stores.message_rows import is_awaited, to_message
from shared.adapters.storage.stores.sightings import AzureSightings
from shared.domain import names
from shared.domain.capture.folders import Role
from shared.domain.commands.commands import JoinLateContacts, ReconcileMailbox, RematchMessages

# Commands that wait for minutes on purpose, to look once more when others have ended; and the comparisons of last
# night, which the first tick makes up for and spreads over an hour.
PATIENT = (JoinLateContacts, RematchMessages, ReconcileMailbox)
PAGE = 200


class Ledger:
    """Reads storage and timelines of all organisations."""

    def __init__(self, ready: Mapping[str, Any], tenants: Sequence[Tenant]) -> None:
        account = ready["storage_connection_string"]
        self.tenants = {one.domain: one for one in tenants}
        connection = Connection(StorageSettings(connection_string=account))
        self.mailboxes, self.folders = AzureMailboxes(connection), AzureFolderStates(connection)
        self.sightings = AzureSightings(connection)
        self._tables = TableServiceClient.from_connection_string(account)
        self._queues = QueueServiceClient.from_connection_string(account)
        self._stats = ready["storage_stats_url"]

    def queued(self) -> dict[str, int]:
        """Commands by queue, running and in poison included, and rows of worklists; without what is empty."""
        patient = Counter({kind.queue: 0 for kind in PATIENT})
        for kind in PATIENT:
            patient[kind.queue] += delayed(self._stats, [kind])
        queues = (*names.QUEUES, *map(names.poison, names.QUEUES))
        rows = sum(1 for _ in self._rows(names.PENDING, select=["RowKey"]))
        return dict(Counter({names.PENDING: rows, **{name: self._length(name) for name in queues}}) - patient)

    def poison(self) -> list[str]:
        """The commands in poison, as text."""
        found = []
        for queue in names.QUEUES:
            client = self._queues.get_queue_client(queue + names.POISON_SUFFIX)
            try:
                found += [f"{queue}: {one.content}" for one in client.peek_messages(32)]
            except ResourceNotFoundError:
                continue
        return found

    def pending(self) -> int:
        """Messages that were begun and not finished."""
        return sum(1 for row in self._rows(names.MESSAGES) if row.get("state") == "pending")

    def exceptions(self) -> Counter[str]:
        """Recorded failures by code; the rows that lead from a failure's id to it have none."""
        return Counter(str(row["code"]) for row in self._rows(names.EXCEPTIONS) if "code" in row)

    def standing(self) -> Counter[str]:
        """Row counts and states: the same twice means that nothing changed meanwhile."""
        tables = (names.MESSAGES, names.TIMELINE, names.SIGHTINGS, names.EXCEPTIONS)
        states = Counter(f"message {row.get('state')}" for row in self._rows(names.MESSAGES))
        return states + Counter({name: sum(1 for _ in self._rows(name, ["RowKey"])) for name in tables})

    def seen(self, bodies: Mapping[str, int]) -> Seen:
        """Every timeline to its end, and every message row."""
        entries: dict[Place, list[tuple[str, str]]] = {}
        for company in COMPANIES:
            tenant = self.tenants[company.domain]
            # An entry that rests on a Bcc alone shows itself to the agent who sent the mail, and to nobody else.
            readers = [tenant.admin, *(tenant.api_of(agent) for agent in company.agents)]
            for record in company.places:
                rows: dict[str, tuple[str, str]] = {}
                for reader in readers:
                    rows |= self._timeline(reader, record)
                entries[company.domain, record] = list(rows.values())
            entries[company.domain, CASE] = self._on_cases(tenant)
        return Seen(entries, list(self._messages()), bodies)

    def _on_cases(self, tenant: Tenant) -> list[tuple[str, str]]:
        """Every entry on a case that was opened here."""
        query = {"kind": "case", "origin": "postledger"}
        cases = pages_of(tenant.admin, "records", "records", query)
        return [
            entry for case in cases for entry in self._timeline(tenant.admin, f"{CASE}/{case['id']}").values()
        ]

    def message_rows(self) -> dict[str, list[dict[str, Any]]]:
        """What each message's row says of its way, by the token in its subject."""
        found: dict[str, list[dict[str, Any]]] = {}
        for row in self._rows(names.MESSAGES):
            if "state" in row and not is_awaited(row):
                message = to_message(row)
                shown = {"key": message.key, "state": message.state, "at": message.at}
                links = {"links": [str(link.ref) for link in message.decision.links]}
                found.setdefault(token_of(message.fingerprint.subject), []).append({**shown, **links})
        return found

    def poll_now(self, address: str = "") -> None:
        """Make this mailbox due, or every one, and run the poll timer."""
        for tenant in self.tenants.values():
            for mailbox in self.mailboxes.of(tenant.tenant_id):
                if address in ("", mailbox.address):
                    self.mailboxes.change(mailbox, lambda state: replace(state, next_poll_at=None))
        next(iter(self.tenants.values())).poll()

    def mailbox_and_inbox(self, address: str) -> tuple[str, str]:
        """A mailbox's id, and the key of the row that has its inbox's cursor."""
        mailbox = self.mailboxes.get(self.tenants[address.rpartition("@")[2]].tenant_id, address)
        if mailbox is None:
            raise LookupError(address)
        inbox = next(state for state in self.folders.all(mailbox) if state.role is Role.INBOX)
        return mailbox.mailbox_id, hashed(inbox.folder_id)

    def _timeline(self, reader: Api, record: str) -> dict[str, tuple[str, str]]:
        """Subject and kind of each entry that a reader sees, by its id."""
        query: dict[str, Any] = {"limit": PAGE}
        rows: dict[str, tuple[str, str]] = {}
        while True:
            page = reader.call("GET", f"timelines/{record}", params=query)
            rows |= {str(row["id"]): (str(row["subject"]), str(row["kind"])) for row in page["entries"]}
            if not page["cursor"]:
                return rows
            query["cursor"] = page["cursor"]

    def _messages(self) -> Iterator[tuple[str, str]]:
        domains = {one.tenant_id: one.domain for one in self.tenants.values()}
        for row in self._rows(names.MESSAGES):
            if "state" in row and not is_awaited(row):
                domain = domains[str(row["PartitionKey"]).partition("|")[0]]
                yield domain, to_message(row).fingerprint.subject

    def _rows(self, table: str, select: list[str] | None = None) -> Iterator[Any]:
        return iter(self._tables.get_table_client(table).list_entities(select=select))

    def _length(self, queue: str) -> int:
        try:
            found = self._queues.get_queue_client(queue).get_queue_properties()
        except ResourceNotFoundError:
            return 0
        return found.approximate_message_count or 0
