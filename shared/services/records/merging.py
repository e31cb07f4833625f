"""One record takes the place of another: two contacts that are one person, or the CRM's own id for one of ours.

The call writes both records, so that new mail finds the survivor at once; a command moves what was filed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from shared import telemetry
from shared.domain.commands.commands import MergeRecords
from shared.domain.errors import Conflict, InvalidInput, Unknown
from shared.domain.events.events import What
from shared.domain.filing.announcing import moved_changes
from shared.domain.filing.effects import PutEntry, RemoveEntry
from shared.domain.filing.entries import KINDS, Entry
from shared.domain.matching.decisions import Link
from shared.domain.records import merging
from shared.domain.records.record_rules import refusal
from shared.domain.records.records import Record, RecordRef
from shared.ports.stores.filing import EntryFilter, MessageStore, Timeline
from shared.ports.stores.records import RecordIndex, Records
from shared.ports.work import Clock, CommandQueue
from shared.services.filing.apply import Apply
from shared.services.filing.change_message import ChangeMessage
from shared.services.matching.current_records import current_records
from shared.services.records.record_writing import LookUpInsiders, WriteRecords

# Mail that was matched before the merge may be filed after it; in seconds.
SECOND_DELAY: Final = 15 * 60.0
# Rows of a timeline that are moved before the command gives way.
PAGE: Final = 100
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class ReplaceRecord:
    """Write the survivor, then leave a pointer where the other stood, then ask for its mail to be moved.

    Cut short anywhere, the call is repeated: until the pointer stands, both are found.
    """

    records: Records
    look_up: LookUpInsiders
    write: WriteRecords
    queue: CommandQueue
    clock: Clock

    def __call__(self, tenant_id: str, merged: Record, survivor: Record) -> Record:
        """The survivor as it now stands. Raises InvalidInput where it may not be written as it would be."""
        insiders = self.look_up(tenant_id, [survivor])
        refused = refusal(survivor, insiders)
        if refused:
            raise InvalidInput(refused)
        outcome = self.write(tenant_id, [survivor], insiders.own_domains)
        if outcome.refused:
            raise InvalidInput(outcome.refused[survivor.ref])
        if self.records.write(tenant_id, [merging.stub(merged, survivor.ref)], {merged.ref: merged}):
            raise Conflict(f"{merged.ref} changed while it was merged")
        self.ask(tenant_id, merged.ref, survivor.ref)
        return outcome.written[survivor.ref]

    def ask(self, tenant_id: str, merged: RecordRef, into: RecordRef) -> None:
        """Have what was filed moved."""
        self.queue.send(
            MergeRecords(tenant_id=tenant_id, first_at=self.clock(), merged=str(merged), into=str(into))
        )


@dataclass(frozen=True, slots=True)
class MergeContacts:
    """Merge one contact into another. Safe to run twice."""

    records: Records
    replace: ReplaceRecord

    def __call__(self, tenant_id: str, merged: RecordRef, into: RecordRef) -> Record:
        """The survivor. Raises Unknown and InvalidInput."""
        if merged.kind != "contact":
            raise InvalidInput("Only contacts are merged.")
        found = self.records.get_many(tenant_id, [merged, into])
        for ref in (merged, into):
            if ref not in found:
                raise Unknown(f"There is no record {ref}.")
        going, survivor = found[merged], found[into]
        merging.check_merge(going, into)
        if survivor.merged_into:
            raise InvalidInput(f"{into} was merged into {survivor.survivor}; name that one.")
        # Merged by an earlier call, whose command may have been lost: its mail is asked for again.
        if going.merged_into:
            self.replace.ask(tenant_id, merged, into)
            return survivor
        return self.replace(tenant_id, going, merging.united(survivor, going))


@dataclass(frozen=True, slots=True)
class RenameRecord:
    """Give a record that Postledger opened the CRM's own id. Safe to run twice."""

    records: Records
    replace: ReplaceRecord

    def __call__(self, tenant_id: str, ref: RecordRef, new_id: str) -> Record:
        """The record under its new id. Raises Unknown and InvalidInput."""
        new = RecordRef(ref.kind, new_id)
        found = self.records.get_many(tenant_id, [ref, new])
        if ref not in found:
            raise Unknown(f"There is no record {ref}.")
        record, existing = found[ref], found.get(new)
        merging.check_rename(record, new)
        if record.merged_into and existing is not None:
            self.replace.ask(tenant_id, ref, new)
            return existing
        return self.replace(tenant_id, record, merging.renamed(record, new, existing))


@dataclass(frozen=True, slots=True)
class MoveFiled:
    """Move a merged record's timeline, and all that leads to it, a page at a time. Safe to run twice.

    A page is what still stands there, so that a run which was cut short goes on by itself.
    """

    records: Records
    index: RecordIndex
    messages: MessageStore
    change: ChangeMessage
    apply: Apply
    timeline: Timeline
    queue: CommandQueue
    clock: Clock

    def __call__(self, command: MergeRecords) -> None:
        old, into = RecordRef.parse(command.merged), RecordRef.parse(command.into)
        # The CRM may use an id again: what is filed there since is the new record's.
        if self._stands_again(command.tenant_id, old):
            telemetry.event("merge_dropped", merged=str(old))
            return
        found = current_records(self.records, command.tenant_id, [into])
        new = found[into].ref if into in found else into
        if command.pages == 0:
            self._move_taught(command.tenant_id, old, new)
            self._move_lists(command.tenant_id, old, new)
        wanted = EntryFilter(frozenset(KINDS))
        page, more = self.timeline.page(command.tenant_id, old, wanted, limit=PAGE, after="")
        self._move_entries(command.tenant_id, page, new)
        telemetry.event("merge_moved", merged=str(old), into=str(new), entries=len(page))
        if more:
            self.queue.send(replace(command, pages=command.pages + 1, attempt=0))
        elif not command.second:
            again = replace(command, second=True, pages=0, attempt=0, first_at=self.clock())
            self.queue.send(again, delay=SECOND_DELAY)

    def _stands_again(self, tenant_id: str, old: RecordRef) -> bool:
        """Whether another record has got the id since."""
        record = self.records.get(tenant_id, old)
        return record is not None and not record.merged_into

    def _move_taught(self, tenant_id: str, old: RecordRef, new: RecordRef) -> None:
        for address in sorted(self.index.taught_to(tenant_id, old)):
            # Taught before untaught: mail that comes in between finds one of them at least.
            self.index.teach(tenant_id, address, [new])
            self.index.unteach(tenant_id, address, [old])

    def _move_lists(self, tenant_id: str, old: RecordRef, new: RecordRef) -> None:
        """Opportunities and projects list the survivor in the other's place. Raises Conflict."""
        if old.kind != "contact":
            return
        left: Sequence[RecordRef] = sorted(self.index.listing_contact(tenant_id, [old.id])[old.id])
        for _ in range(_TRIES):
            if not left:
                return
            standing = self.records.get_many(tenant_id, left)
            changed = [
                replace(record, contacts=_renamed(record.contacts, old, new)) for record in standing.values()
            ]
            left = list(self.records.write(tenant_id, changed, standing))
        raise Conflict("opportunities and projects change faster than they can be moved")

    def _move_entries(self, tenant_id: str, page: Sequence[Entry], new: RecordRef) -> None:
        """Rows stand in both places until the message's links lead to the new one.

        The rows that are left say how far it has come: a message that was done stays so.
        """
        moved = [entry for entry in (self._moved(tenant_id, entry, new) for entry in page) if entry]
        self.apply(tenant_id, [PutEntry(entry) for entry in moved])
        # A person may have taken a mail away before its row came to stand there, and nobody else knows of that row.
        gone = self._no_longer_on(tenant_id, page, new)
        self.apply(tenant_id, [RemoveEntry(new, entry.id, entry.answered) for entry in gone])
        # Ahead of the old rows, which alone say what is still to be moved; the old record is not read any more.
        self._announce(tenant_id, page, moved, [replace(entry, link=_on(entry.link, new)) for entry in gone])
        self.apply(tenant_id, [RemoveEntry(entry.link.ref, entry.id, entry.answered) for entry in page])

    def _announce(
        self, tenant_id: str, page: Sequence[Entry], moved: Sequence[Entry], gone: Sequence[Entry]
    ) -> None:
        blind = {entry.message_key for entry in (*page, *moved) if entry.link.evidence.is_blind}
        copies = {key: self.messages.copies(tenant_id, key) for key in sorted(blind)}
        told = moved_changes(What.ENTRY_ADDED, moved, copies)
        untold = moved_changes(What.ENTRY_REMOVED, (*gone, *page), copies)
        self.apply(tenant_id, [*told, *untold])

    def _no_longer_on(self, tenant_id: str, page: Sequence[Entry], new: RecordRef) -> list[Entry]:
        standing = self.messages.get_many(tenant_id, [entry.message_key for entry in page]) if page else {}
        return [
            entry
            for entry in page
            if entry.message_key in standing and new not in standing[entry.message_key].refs
        ]

    def _moved(self, tenant_id: str, entry: Entry, new: RecordRef) -> Entry | None:
        """None where the message is no longer on the record: nobody has taken its row away yet."""
        relink = partial(merging.relinked, old=entry.link.ref, new=new)
        stored = self.change(tenant_id, entry.message_key, relink)
        # No mail behind the row: it moves as it stands, and nothing is lost to readers.
        if stored is None:
            return replace(entry, link=_on(entry.link, new))
        links = (link for link in stored.decision.links if link.ref == new)
        return next((replace(entry, link=link) for link in links), None)


def _on(link: Link, ref: RecordRef) -> Link:
    return replace(link, ref=ref)


def _renamed(contacts: Sequence[str], old: RecordRef, new: RecordRef) -> tuple[str, ...]:
    return tuple(dict.fromkeys(new.id if contact == old.id else contact for contact in contacts))
