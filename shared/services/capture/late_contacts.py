"""Contacts that came after their mail: announced when a record is put, joined with the ledger some minutes later.

Announced before the record is written, so that no crash loses it. Addresses are compared as keyed hashes.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Final

from shared import telemetry
from shared.domain.capture.late_contacts import (
    REASONS,
    Announced,
    Announcement,
    catches,
    hashes_of,
    new_keys,
    taken_together,
)
from shared.domain.commands.commands import IngestMessages, JoinLateContacts
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.organisations import Organisation
from shared.domain.mail.items import ItemRef
from shared.domain.records.records import Record, RecordRef
from shared.ports.stores.capture import LateContacts, Sightings
from shared.ports.stores.connections import Mailboxes, Organisations
from shared.ports.work import Clock, CommandQueue
from shared.services.capture.scopes import hasher_of

# A load of many requests makes one pass: this long after its first one, in seconds.
FIRST_DELAY: Final = 120.0
# The second pass finds mail that was on its way while the first one ran, and records written late.
SECOND_DELAY: Final = 15 * 60.0
# A pass that was asked for this long ago and has not begun is asked for again.
OVERDUE: Final = timedelta(hours=1)
# What one row takes, rather less.
MOST_HASHES: Final = 20_000
# So many are looked for together, and the rest in passes of their own: a load of any size takes little memory.
MOST_TOGETHER: Final = 20_000
# A pass gives way after this many ledger rows, between two mailboxes.
MOST_ROWS: Final = 50_000
# Beyond these a load is answered without a count.
COUNTED_MAILBOXES: Final = 50
COUNTED_ROWS: Final = 5_000


@dataclass(frozen=True, slots=True)
class AnnounceContacts:
    """Announce the addresses and domains under which records are about to stand for the first time."""

    late: LateContacts
    mailboxes: Mailboxes
    queue: CommandQueue
    clock: Clock
    hash_key: bytes

    def new_hashes(
        self, tenant_id: str, records: Sequence[Record], standing: Mapping[RecordRef, Record]
    ) -> frozenset[str]:
        """The keyed hashes of what is new; `standing` is what the records take the place of."""
        return hashes_of(new_keys(records, standing), hasher_of(self.hash_key, tenant_id))

    def __call__(self, tenant_id: str, hashes: frozenset[str]) -> bool:
        """Whether this was needed: without new people, or without mailboxes, there is nothing to look for.

        The row is written, then a pass asked for unless one is to come, then that is noted: killed anywhere,
        the load is repeated and nothing lost; at worst a pass is made twice.
        """
        if not hashes or next(_captured(self.mailboxes, tenant_id), None) is None:
            return False
        now = self.clock()
        for part in _parts(hashes):
            self.late.announce(tenant_id, Announcement(_new_id(now), now, part))
        asked_at = self.late.asked_at(tenant_id)
        if asked_at is None or now - asked_at > OVERDUE:
            self.queue.send(JoinLateContacts(tenant_id=tenant_id, first_at=now), delay=FIRST_DELAY)
            self.late.note_asked(tenant_id, now)
        return True


@dataclass(frozen=True, slots=True)
class CountLateMail:
    """How many mails of the last `late_contact_hours` newly known people have in the ledger."""

    organisations: Organisations
    mailboxes: Mailboxes
    sightings: Sightings
    clock: Clock

    def __call__(self, tenant_id: str, hashes: frozenset[str]) -> int | None:
        """Mails, not copies. None above 50 mailboxes or 5,000 undecided rows: too much for one answer.

        A request per mailbox, more where it has more than a thousand undecided rows.
        """
        organisation = self.organisations.get(tenant_id) if hashes else None
        if organisation is None:
            return 0
        mailboxes = list(islice(_captured(self.mailboxes, tenant_id), COUNTED_MAILBOXES + 1))
        if len(mailboxes) > COUNTED_MAILBOXES:
            return None
        since = _since(organisation, self.clock())
        read = (self.sightings.undecided_since(mailbox, since, REASONS) for mailbox in mailboxes)
        rows = list(islice(chain.from_iterable(read), COUNTED_ROWS + 1))
        if len(rows) > COUNTED_ROWS:
            return None
        return len({row.message_key for row in rows if catches(hashes, row)})


@dataclass(frozen=True, slots=True)
class JoinLate:
    """A pass over the ledger: mail of people who are known by now goes back to ingest, which decides anew.

    Safe to run twice. The first pass asks for the second; that one forgets the announcements.
    """

    late: LateContacts
    organisations: Organisations
    mailboxes: Mailboxes
    sightings: Sightings
    queue: CommandQueue
    clock: Clock

    def __call__(self, command: JoinLateContacts) -> None:
        tenant_id = command.tenant_id
        if not command.second and not command.after and command.behind is None:
            # Whoever announces from here on asks for a pass of its own; what was announced before is read now.
            self.late.note_asked(tenant_id, None)
        announced = taken_together(
            self.late.announced(tenant_id), behind=command.behind, until=command.until, most=MOST_TOGETHER
        )
        organisation = self.organisations.get(tenant_id)
        if announced is None or organisation is None:
            return
        if command.until is None:
            command = replace(command, until=announced.until, more=announced.more)
        if organisation.is_served and not self._join(organisation, command, announced):
            return
        if command.second:
            self.late.forget(tenant_id, announced.ids)
        else:
            self._follow(command, announced)

    def _follow(self, command: JoinLateContacts, announced: Announced) -> None:
        """Ask for the second pass, and for the first one over the announcements that did not fit into this."""
        again = replace(command, second=True, after="", attempt=0, first_at=self.clock())
        self.queue.send(again, delay=SECOND_DELAY)
        if command.more:
            self.queue.send(
                JoinLateContacts(tenant_id=command.tenant_id, first_at=self.clock(), behind=announced.until)
            )

    def _join(self, organisation: Organisation, command: JoinLateContacts, announced: Announced) -> bool:
        """Whether every mailbox was looked through; else the pass goes on in a command of its own."""
        hashes = announced.hashes
        since = _since(organisation, announced.first_at)
        rows = 0
        for mailbox in _by_id(self.mailboxes, organisation.tenant_id):
            if mailbox.mailbox_id <= command.after:
                continue
            if rows >= MOST_ROWS:
                self.queue.send(command)
                return False
            rows += self._look_through(mailbox, since, hashes)
            command = replace(command, after=mailbox.mailbox_id)
        return True

    def _look_through(self, mailbox: Mailbox, since: datetime, hashes: Set[str]) -> int:
        """How many rows were looked at; what they catch is queued."""
        rows = 0
        caught: list[ItemRef] = []
        for row in self.sightings.undecided_since(mailbox, since, REASONS):
            rows += 1
            if catches(hashes, row):
                caught.append(row.item)
        commands = IngestMessages.groups(
            caught,
            tenant_id=mailbox.tenant_id,
            mailbox_id=mailbox.mailbox_id,
            first_at=self.clock(),
            silent=True,
            # The mail passed the capture window when its row was written, be it by a backfill.
            unbounded=True,
        )
        for command in commands:
            self.queue.send(command)
        telemetry.event("late_mail_queued", mailbox=mailbox.mailbox_id, rows=rows, caught=len(caught))
        return rows


def _since(organisation: Organisation, at: datetime) -> datetime:
    return at - timedelta(hours=organisation.late_contact_hours)


def _captured(mailboxes: Mailboxes, tenant_id: str) -> Iterator[Mailbox]:
    return (mailbox for mailbox in mailboxes.of(tenant_id) if mailbox.is_served)


def _by_id(mailboxes: Mailboxes, tenant_id: str) -> list[Mailbox]:
    return sorted(_captured(mailboxes, tenant_id), key=lambda mailbox: mailbox.mailbox_id)


def _parts(hashes: Iterable[str]) -> Iterator[tuple[str, ...]]:
    rest = iter(sorted(hashes))
    while part := tuple(islice(rest, MOST_HASHES)):
        yield part


def _new_id(now: datetime) -> str:
    return f"{int(now.timestamp() * 1000):014d}-{uuid.uuid4().hex}"
