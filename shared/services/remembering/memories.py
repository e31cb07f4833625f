"""What one process remembers of storage, for how long, and what a write makes it forget.

Nothing else is remembered but mail that was filed lately (`filed_lately`): a record's own row and a colleague's address
are read for each group of mails whose decisions rest on them. Decision 0019 says why.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.domain.mail.addresses import mailbox_key, mailbox_keys
from shared.services.remembering.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shared.domain.capture.folders import FolderState
    from shared.domain.connections.mailboxes import Mailbox
    from shared.domain.connections.organisations import Organisation
    from shared.domain.matching.candidates import KnownAddress
    from shared.domain.records.records import Card, Record, RecordRef
    from shared.ports.work import Clock

# A pause and a never-log entry act after this time at the latest, docs/operations.md says so.
ROWS_LAST: Final = timedelta(seconds=5)
# Far below the quarter of an hour after which erasures and merges look a second time for what was filed meanwhile.
PEOPLE_LAST: Final = timedelta(seconds=30)
# Of a write all are looked through: as many as a busy process meets in half a minute, and no more.
MOST_PEOPLE: Final = 2_000
MOST_ROWS: Final = 1_000


class Memories:
    """The memories of one process. Keys begin with the tenant; an address is known by its mailbox's key."""

    def __init__(self, clock: Clock) -> None:
        # Only what is served: one that is resumed has commands waiting that a remembered pause would drop.
        self.organisations: Memory[str, Organisation] = Memory(
            ROWS_LAST, MOST_ROWS, clock, lambda organisation: organisation.is_served
        )
        self.folders: Memory[tuple[str, str, str], FolderState] = Memory(
            ROWS_LAST, MOST_ROWS, clock, lambda _: True
        )
        self.addresses: Memory[tuple[str, str], KnownAddress] = Memory(
            PEOPLE_LAST, MOST_PEOPLE, clock, lambda known: not known.is_staff
        )
        self.domains: Memory[tuple[str, str], frozenset[Card]] = Memory(
            PEOPLE_LAST, MOST_PEOPLE, clock, lambda _: True
        )

    def forget_organisation(self, organisation: Organisation) -> None:
        self.organisations.forget(lambda tenant_id, _: tenant_id == organisation.tenant_id)

    def forget_folders(self, mailbox: Mailbox, _state: FolderState | None = None) -> None:
        place = (mailbox.tenant_id, mailbox.mailbox_id)
        self.folders.forget(lambda key, _: key[:2] == place)

    def forget_address(self, tenant_id: str, address: str, _refs: Iterable[RecordRef]) -> None:
        self.addresses.forget(lambda key, _: key == (tenant_id, mailbox_key(address)))

    def forget_staff(self, tenant_id: str, _mailbox_id: str, addresses: Iterable[str]) -> None:
        gone = {(tenant_id, key) for key in mailbox_keys(addresses)}
        self.addresses.forget(lambda key, _: key in gone)

    def forget_records(
        self, tenant_id: str, records: Sequence[Record], _standing: Mapping[RecordRef, Record] | None = None
    ) -> None:
        """Where they were found, and where they are found now."""
        keys = frozenset[str]().union(*(record.index_keys for record in records))
        self._forget_people(tenant_id, {record.ref for record in records}, keys)

    def forget_record(self, tenant_id: str, ref: RecordRef) -> None:
        self._forget_people(tenant_id, {ref}, frozenset())

    def _forget_people(self, tenant_id: str, refs: set[RecordRef], keys: frozenset[str]) -> None:
        def carries(cards: Iterable[Card]) -> bool:
            return any(card.ref in refs for card in cards)

        self.addresses.forget(
            lambda key, known: key[0] == tenant_id and (f"address:{key[1]}" in keys or carries(known.cards))
        )
        self.domains.forget(
            lambda key, cards: key[0] == tenant_id and (f"domain:{key[1]}" in keys or carries(cards))
        )
