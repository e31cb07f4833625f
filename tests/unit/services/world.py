"""An organisation in memory: every use case of the mail's way over fakes, and its queues worked off by hand."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Any

from shared.bootstrap.dispatch import carry_out
from shared.domain.capture.pending import PendingRow
from shared.domain.capture.worklist import is_wake_up
from shared.domain.commands.commands import IngestMessages, SyncMailbox
from shared.domain.commands.envelope import Command
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import TransientError
from shared.domain.filing.entries import Entry
from shared.domain.mail.items import ItemRef
from shared.domain.records.records import RecordRef
from shared.services.capture.scopes import Scope, hasher_of
from shared.services.capture.screening import Screen
from shared.services.capture.waking import STALE
from shared.services.filing.ingest import Ingest
from shared.services.records.record_writing import WriteRecords
from tests.builders import (
    AGENT,
    HASH_KEY,
    TENANT,
    a_fetched_message,
    a_folder_state,
    a_mailbox,
    an_organisation,
    rewrite,
)
from tests.composed import Composed
from tests.fakes.mail import STANDARD
from tests.fakes.work import FakeLease

MOST_ROUNDS = 200


@dataclass
class World(Composed):
    """One tenant with a mailbox of the agent; `deliver` puts mail there, `work` empties the queues."""

    boxes: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.storage.organisations.put(an_organisation())
        self.mailbox = self.connect(AGENT)
        self.storage.faults.clear()

    def connect(self, address: str, **settings: Any) -> Mailbox:
        """Capture a mailbox whose folders are known."""
        self.mail.add_mailbox(address)
        number = next(self.boxes)
        fields = {"mailbox_id": f"{number:032x}", "address": address, "user_id": "", **settings}
        mailbox = self.storage.mailboxes.save(a_mailbox(**fields))
        for name in STANDARD:
            captured = name in ("inbox", "sentitems", "archive")
            state = a_folder_state(folder_id=f"{name}-folder", kind=name, captured=captured, role=name)
            self.storage.folder_states.put(mailbox, state)
        return mailbox

    def rewrite(self, mailbox: Mailbox | None = None, **changes: Any) -> None:
        """Change settings or state of a mailbox, as a test's set-up does."""
        rewrite(self.use_cases.ports.mailboxes, mailbox or self.mailbox, **changes)

    def configure(self, **settings: Any) -> None:
        """Change the organisation's settings."""
        organisations = self.use_cases.ports.organisations
        stored = organisations.get(TENANT)
        organisations.put(an_organisation(**settings, etag=stored.etag if stored else ""))

    def records(self, *records: Any) -> None:
        self.use_cases.ports.records.put_many(TENANT, records)
        self.storage.faults.clear()

    def deliver(self, address: str = AGENT, folder: str = "inbox", **mail: Any) -> ItemRef:
        """A mail that arrives just before now; returns its item."""
        contents, mime = mail.pop("contents", None), mail.pop("mime", b"")
        message = a_fetched_message(**mail)
        return self.mail.deliver(address, message, folder=f"{folder}-folder", contents=contents, mime=mime)

    def notify(self, *items: ItemRef, mailbox: Mailbox | None = None, **more: Any) -> None:
        """Ingest these messages, as after a notification."""
        box = mailbox or self.mailbox
        self.run(
            IngestMessages(
                tenant_id=TENANT, mailbox_id=box.mailbox_id, first_at=self.now, items=items, **more
            )
        )

    def walk(self, mailbox: Mailbox | None = None) -> None:
        """Walk, as far as a walk goes before history is left to others."""
        self.run(SyncMailbox.of(mailbox or self.mailbox, self.now))

    def work(self) -> None:
        """Carry out what stands in the queues and worklists until they are empty.

        What fails for now is tried again; a wake-up that comes later comes at its time; what a killed holder has left
        is found by the tick.
        """
        for _ in range(MOST_ROUNDS):
            if not self.storage.queue.sent and not self._wake_stale():
                return
            command = self._next()
            try:
                self.run(command)
            except TransientError:
                self.storage.queue.send(command.again())
        raise AssertionError(f"the queues do not empty: {self.storage.queue.sent}")

    def _next(self) -> Command:
        """The first command that waits for nothing, else the first wake-up that comes, at its time."""
        sent = self.storage.queue.sent
        entry = next((entry for entry in sent if not _is_delayed(*entry)), None)
        if entry is None:
            entry = min(sent, key=lambda entry: entry[0].first_at + timedelta(seconds=entry[1]))
            self.now = max(self.now, entry[0].first_at + timedelta(seconds=entry[1]))
        sent.remove(entry)
        return entry[0]

    def _wake_stale(self) -> bool:
        """Whether the tick has found rows for which nobody would have come."""
        if self.storage.pending.count:
            self.now += 2 * STALE
            self.wake_stale()
        return bool(self.storage.queue.sent)

    def run(self, command: Command) -> None:
        carry_out(self.use_cases, command)

    def hold(self, mailbox: Mailbox | None = None) -> FakeLease:
        """Hold a mailbox, as another worker would."""
        lease = self.storage.leases.take(TENANT, (mailbox or self.mailbox).mailbox_id)
        assert lease is not None
        return lease

    def worklist(self, mailbox: Mailbox | None = None) -> list[PendingRow]:
        """What waits for a mailbox's turn."""
        return self.storage.pending.of(TENANT, (mailbox or self.mailbox).mailbox_id)

    def waiting(self) -> list[ItemRef]:
        """The mails that wait, in order."""
        return [row.item for row in self.worklist() if row.item is not None]

    def only_one_group_a_turn(self) -> None:
        """From now on, each turn runs its own command, or one group, and leaves the rest to a wake-up."""
        take_turn = self.use_cases.take_turn
        vars(self.use_cases)["take_turn"] = replace(take_turn, length=timedelta(0))

    def timeline(self, ref: str = "contact/C-1") -> list[Entry]:
        return self.storage.timeline.of(TENANT, RecordRef.parse(ref))

    def outcome(self, item: ItemRef, mailbox: Mailbox | None = None) -> tuple[str, str]:
        """What the ledger says of a copy: outcome and reason."""
        row = self.storage.sightings.all(mailbox or self.mailbox)[item]
        return row.outcome, row.reason

    def rows(self) -> dict[str, Any]:
        """All that is stored of mail, ETags aside: for comparing runs."""
        storage = self.storage
        return {
            "timeline": {key: dict(rows) for key, rows in storage.timeline.rows.items()},
            "inbox": {key: dict(rows) for key, rows in storage.inbox.rows.items() if rows},
            "sightings": {key: dict(rows) for key, rows in storage.sightings.rows.items()},
            "attachments": dict(storage.attachments.rows),
            "messages": {
                key: (
                    replace(row.message, etag="") if row.message else None,
                    row.document,
                    dict(row.copies),
                    dict(row.dependents),
                )
                for key, row in storage.messages.rows.items()
            },
        }

    def scope(self, mailbox: Mailbox) -> Scope:
        """What a command of a mailbox is carried out in."""
        return Scope(self.storage.organisations.rows[TENANT], mailbox, hasher_of(HASH_KEY, TENANT))

    @property
    def ingest(self) -> Ingest:
        return self.use_cases.part(Ingest)

    @property
    def screen(self) -> Screen:
        return self.use_cases.part(Screen)

    @property
    def write_records(self) -> WriteRecords:
        return self.use_cases.part(WriteRecords)


def _is_delayed(command: Command, delay: float) -> bool:
    return is_wake_up(command) and delay > 0
