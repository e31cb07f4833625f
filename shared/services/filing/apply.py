"""Writes what a decision changes beside the mail's own row, effect by effect, in the order in which they were decided.

It knows no rule: which effects are to be written, and in which order, `domain/filing/effects.py` says.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Final

from shared.domain.errors import Conflict
from shared.domain.events.events import Announce
from shared.domain.filing import effects
from shared.domain.filing.effects import Effect
from shared.domain.filing.entries import KINDS
from shared.domain.filing.opening import ORIGIN
from shared.domain.notices.notices import Notify, TakeNotice
from shared.domain.privacy.audit import row_of
from shared.ports.stores.filing import EntryFilter, Inbox, MessageStore, Timeline
from shared.ports.stores.notices import Notices
from shared.ports.stores.privacy import Audit
from shared.ports.stores.records import RecordIndex, Records
from shared.services.events.announcing import AnnounceChanges
from shared.services.filing.dependents import QueueDependents
from shared.services.filing.opening import WriteOpened
from shared.services.filing.threads import UndoThread
from shared.services.intake.acknowledging import AcknowledgeCase
from shared.services.matching.bounces import NoteBounces
from shared.services.matching.current_records import current_records

_EVERY_ENTRY: Final = EntryFilter(frozenset(KINDS))


@dataclass(frozen=True, slots=True)
class Apply:
    """Write effects in the order given.

    First, neighbours of one kind are put together. Next, each such group goes to the method for its kind, which
    writes it, side by side where the store can. Last comes the group behind it: never before this one stands. An
    error ends it there; applied again, all effects are written anew, and each may be written any number of times.

    A further kind of effect needs a method here, and a line in `_writers`.
    """

    messages: MessageStore
    timeline: Timeline
    inbox: Inbox
    records: Records
    index: RecordIndex
    audit: Audit
    notices: Notices
    open_record: WriteOpened
    note_bounces: NoteBounces
    undo_thread: UndoThread
    acknowledge: AcknowledgeCase
    announce: AnnounceChanges
    tell_dependents: QueueDependents

    def __call__(self, tenant_id: str, wanted: Iterable[Effect]) -> None:
        writers = self._writers
        for kind, group in groupby(wanted, key=type):
            writers[kind](tenant_id, list(group))

    @property
    def _writers(self) -> Mapping[type, Callable[[str, list[Any]], None]]:
        return {
            effects.OpenRecord: self._open_records,
            effects.ReopenRecord: self._reopen_records,
            effects.OpenWanted: self._open_wanted,
            effects.PutEntry: self._put_entries,
            effects.RemoveEntry: self._remove_entries,
            effects.PutInboxRow: self._put_inbox_rows,
            effects.RemoveInboxRow: self._remove_inbox_rows,
            effects.NoteBounce: self._note_bounces,
            effects.Unlearn: self._unlearn,
            effects.CloseRecord: self._close_records,
            effects.PutBackThread: self._put_back_threads,
            effects.Learn: self._learn,
            Notify: self._notify,
            TakeNotice: self._take_notices,
            effects.Acknowledge: self._acknowledge,
            Announce: self._announce,
            effects.PutConversation: self._put_conversations,
            effects.PutThread: self._put_threads,
            effects.TellDependents: self._tell_dependents,
            effects.Audit: self._audit,
        }

    def _open_records(self, tenant_id: str, group: list[effects.OpenRecord]) -> None:
        for effect in group:
            self.open_record(tenant_id, effect.ref, effect.message, effect.document)

    def _reopen_records(self, tenant_id: str, group: list[effects.ReopenRecord]) -> None:
        for effect in group:
            standing = current_records(self.records, tenant_id, [effect.ref]).get(effect.ref)
            opened = standing.reopened(effect.message_key) if standing else None
            if standing is None or opened is None:
                continue
            # Under its ETag: what the CRM writes at the same time is read again with the next try.
            if self.records.write(tenant_id, [opened], {standing.ref: standing}):
                raise Conflict(f"{standing.ref} changed while it was opened again")

    def _open_wanted(self, tenant_id: str, group: list[effects.OpenWanted]) -> None:
        for effect in group:
            # One that is there and open may have been changed by people since, and stays.
            standing = self.records.get(tenant_id, effect.record.ref)
            if standing is None or not standing.card.is_open:
                self.records.put_many(tenant_id, [effect.record])

    def _put_entries(self, tenant_id: str, group: list[effects.PutEntry]) -> None:
        self.timeline.put(tenant_id, [effect.entry for effect in group])

    def _remove_entries(self, tenant_id: str, group: list[effects.RemoveEntry]) -> None:
        for (entry_id, answered), same in groupby(
            group, key=lambda effect: (effect.entry_id, effect.answered)
        ):
            self.timeline.remove(tenant_id, [effect.ref for effect in same], entry_id, answered)

    def _put_inbox_rows(self, tenant_id: str, group: list[effects.PutInboxRow]) -> None:
        self.inbox.put(tenant_id, [effect.item for effect in group])

    def _remove_inbox_rows(self, tenant_id: str, group: list[effects.RemoveInboxRow]) -> None:
        for item_id, same in groupby(group, key=lambda effect: effect.item_id):
            self.inbox.remove(tenant_id, [effect.agent for effect in same], item_id)

    def _note_bounces(self, tenant_id: str, group: list[effects.NoteBounce]) -> None:
        for effect in group:
            self.note_bounces(tenant_id, effect.message_key, effect.bounces, effect.reported)

    def _learn(self, tenant_id: str, group: list[effects.Learn]) -> None:
        for effect in group:
            self.index.teach(tenant_id, effect.address, effect.refs)

    def _acknowledge(self, tenant_id: str, group: list[effects.Acknowledge]) -> None:
        for effect in group:
            self.acknowledge(tenant_id, effect)

    def _unlearn(self, tenant_id: str, group: list[effects.Unlearn]) -> None:
        for effect in group:
            self.index.unteach(tenant_id, effect.address, effect.refs)

    def _close_records(self, tenant_id: str, group: list[effects.CloseRecord]) -> None:
        for effect in group:
            record = self.records.get(tenant_id, effect.ref)
            # Only a record of ours goes: the CRM may have taken it over since.
            if record is None or record.origin != ORIGIN:
                continue
            # One more row than those that leave is enough to see that something else is there.
            most = len(effect.leaving) + 1
            found, _ = self.timeline.page(tenant_id, effect.ref, _EVERY_ENTRY, limit=most, after="")
            if any(entry.message_key not in effect.leaving for entry in found):
                self.records.put_many(tenant_id, [replace(record, status="closed")])
            else:
                self.records.delete(tenant_id, effect.ref)

    def _put_back_threads(self, tenant_id: str, group: list[effects.PutBackThread]) -> None:
        for effect in group:
            self.undo_thread(tenant_id, effect.lead_key, effect.undone)

    def _notify(self, tenant_id: str, group: list[Notify]) -> None:
        for effect in group:
            write = self.notices.add if effect.is_new else self.notices.refresh
            write(tenant_id, effect.notice)

    def _take_notices(self, tenant_id: str, group: list[TakeNotice]) -> None:
        for effect in group:
            self.notices.take_away(tenant_id, effect.agent, effect.message_key, for_good=effect.for_good)

    def _announce(self, tenant_id: str, group: list[Announce]) -> None:
        self.announce(tenant_id, [effect.change for effect in group])

    def _put_conversations(self, tenant_id: str, group: list[effects.PutConversation]) -> None:
        for effect in group:
            self.messages.note_conversation(tenant_id, effect.message)

    def _put_threads(self, tenant_id: str, group: list[effects.PutThread]) -> None:
        for effect in group:
            self.messages.note_thread(tenant_id, effect.message)

    def _tell_dependents(self, tenant_id: str, group: list[effects.TellDependents]) -> None:
        for effect in group:
            self.tell_dependents(tenant_id, effect)

    def _audit(self, tenant_id: str, group: list[effects.Audit]) -> None:
        changes = [effect.change for effect in group]
        for change in changes:
            self.audit.append(tenant_id, row_of(change))
        # Behind the audits: as long as a note stands, the sweep has the change carried out and audited.
        self.inbox.forget_changes(tenant_id, changes)
