"""Decides anew on stored mail under today's records and policies: told first, done by a command, page by page."""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import Final

from shared import telemetry
from shared.domain.commands.commands import RematchMessages
from shared.domain.connections.organisations import Organisation
from shared.domain.errors import Unknown
from shared.domain.filing.copies import Copy
from shared.domain.filing.entries import decode_cursor, encode_cursor
from shared.domain.filing.filing import DONE, StoredMessage
from shared.domain.mail.documents import head_of
from shared.domain.mail.identity import variant_keys
from shared.domain.mail.messages import Document
from shared.domain.matching.decisions import Decision, MatchPolicy
from shared.domain.matching.matching import match, merge
from shared.domain.matching.rematching import Difference, concerns, difference, is_open_to_rules
from shared.domain.records.records import Record, RecordRef
from shared.ports.stores.connections import Mailboxes, Organisations
from shared.ports.stores.filing import MessageStore
from shared.ports.stores.records import Records
from shared.ports.work import Clock, CommandQueue
from shared.services.capture.scopes import Scope, hasher_of
from shared.services.filing.bring_in_line import BringInLine
from shared.services.filing.change_message import ChangeMessage
from shared.services.matching.candidates import GatherCandidates

# A command looks at so many messages, then puts itself back.
PAGE: Final = 100
# What a mail lends its thread follows in the next turn; a longer chain of answers is rare.
MOST_TURNS: Final = 5
# A worker may have looked at the parent before it lost records, and write what it saw behind this run. None that is
# under way now is left after the longest time that the host gives one (functionTimeout in host.json).
LAST_WORKER: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class DifferencePage:
    """What would change, of `seen` messages that were looked at. Cursor None: that was all."""

    differences: tuple[Difference, ...]
    seen: int
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Reconsider:
    """What the rules of today make of a stored mail, through every mailbox that holds a copy. Reads only."""

    mailboxes: Mailboxes
    messages: MessageStore
    gather: GatherCandidates
    hash_key: bytes

    def __call__(self, organisation: Organisation, stored: StoredMessage) -> Difference | None:
        """None where nothing would change, or no rule may decide on it."""
        tenant_id = organisation.tenant_id
        document = self.messages.document(tenant_id, stored.key) if is_open_to_rules(stored) else None
        if document is None:
            return None
        fresh: Decision | None = None
        for scope, copy in self._looks(organisation, stored):
            decision = self._decision(scope, stored, document, copy)
            fresh = merge(fresh, decision) if fresh else decision
        return difference(stored, fresh) if fresh else None

    def _looks(self, organisation: Organisation, stored: StoredMessage) -> Iterator[tuple[Scope, Copy]]:
        for copy in self.messages.copies(organisation.tenant_id, stored.key):
            mailbox = self.mailboxes.by_id(organisation.tenant_id, copy.mailbox_id)
            if mailbox is not None:
                hasher = hasher_of(self.hash_key, organisation.tenant_id)
                yield Scope(organisation, mailbox, hasher, afresh=True), copy

    def _decision(self, scope: Scope, stored: StoredMessage, document: Document, copy: Copy) -> Decision:
        head = head_of(document, copy.item, copy.folder_id, stored.at, copy.bcc)
        [known] = self.gather(scope, [head])
        found = self.gather.for_matching(scope, head, known, document.text, stored=stored)
        return match(head, found, MatchPolicy.of(scope.organisation, scope.mailbox))


@dataclass(frozen=True, slots=True)
class Rematch:
    """Tell what deciding anew would change, or ask for it to be done. `ref` None: for all stored mail."""

    organisations: Organisations
    records: Records
    messages: MessageStore
    reconsider: Reconsider
    queue: CommandQueue
    clock: Clock

    def differences(
        self, tenant_id: str, ref: RecordRef | None, *, limit: int, cursor: str
    ) -> DifferencePage:
        """Look at `limit` messages and change nothing. Raises Unknown."""
        organisation = self._organisation(tenant_id)
        record = self._record(tenant_id, ref)
        after = decode_cursor(cursor) if cursor else ""
        page, following = self.messages.scan(tenant_id, limit=limit, after=after)
        found = (self.reconsider(organisation, stored) for stored in _about(record, page))
        differences = tuple(change for change in found if change is not None)
        return DifferencePage(differences, len(page), encode_cursor(following) if following else None)

    def start(self, tenant_id: str, ref: RecordRef | None) -> str:
        """The id of the run that was asked for. Raises Unknown."""
        self._organisation(tenant_id)
        self._record(tenant_id, ref)
        run = uuid.uuid4().hex
        record = str(ref) if ref else ""
        command = RematchMessages(tenant_id=tenant_id, first_at=self.clock(), run=run, record=record)
        self.queue.send(command)
        return run

    def _organisation(self, tenant_id: str) -> Organisation:
        organisation = self.organisations.get(tenant_id)
        if organisation is None:
            raise Unknown("There is no such organisation.")
        return organisation

    def _record(self, tenant_id: str, ref: RecordRef | None) -> Record | None:
        record = self.records.get(tenant_id, ref) if ref else None
        if ref is not None and record is None:
            raise Unknown(f"There is no record {ref}.")
        return record


@dataclass(frozen=True, slots=True)
class RunRematch:
    """One page of a run, then the next command; again from the start where something changed. Safe to run twice."""

    organisations: Organisations
    records: Records
    messages: MessageStore
    reconsider: Reconsider
    change: ChangeMessage
    bring_in_line: BringInLine
    queue: CommandQueue
    clock: Clock

    def __call__(self, command: RematchMessages) -> None:
        organisation = self.organisations.get(command.tenant_id)
        if organisation is None or not organisation.enabled:
            telemetry.event("rematch_dropped", run=command.run)
        elif command.keys:
            self._decide_on(organisation, command)
        else:
            self._decide_on_page(organisation, command)

    def _decide_on_page(self, organisation: Organisation, command: RematchMessages) -> None:
        record = self._record(command)
        if record is None and command.record:
            telemetry.event("rematch_dropped", run=command.run)
            return
        page, after = self.messages.scan(command.tenant_id, limit=PAGE, after=command.after)
        looked_at = _about(record, page)
        # A turn's changes have an id of their own, or a second turn would take them for made.
        change_id = f"{command.run}.{command.turn}"
        changed = sum(self._revise(organisation, stored, change_id) for stored in looked_at)
        self._go_on(command, after, command.changed + changed)

    def _record(self, command: RematchMessages) -> Record | None:
        if not command.record:
            return None
        return self.records.get(command.tenant_id, RecordRef.parse(command.record))

    def _go_on(self, command: RematchMessages, after: str, changed: int) -> None:
        following = replace(command, attempt=0, first_at=self.clock(), after=after, changed=changed)
        if after:
            self.queue.send(following)
        elif changed and command.turn + 1 < MOST_TURNS:
            self.queue.send(replace(following, turn=command.turn + 1, changed=0))
        else:
            telemetry.event("rematch_done", run=command.run, turns=command.turn + 1)

    def _decide_on(self, organisation: Organisation, command: RematchMessages) -> None:
        """These messages, and the others that carry their Message-IDs; once more when no earlier look is left."""
        found = dict(self.messages.get_many(command.tenant_id, command.keys))
        # A mail leaves word under its Message-ID's key, whichever of several mails with that id it is.
        variants = (variant_keys(key, stored.variants) for key, stored in found.items())
        others = list(chain.from_iterable(variants))
        found |= self.messages.get_many(command.tenant_id, others) if others else {}
        change_id = f"{command.run}.{command.turn}"
        changed = sum(self._revise_dependent(organisation, stored, change_id) for stored in found.values())
        if not command.turn:
            again = replace(command, attempt=0, first_at=self.clock(), turn=1)
            self.queue.send(again, delay=LAST_WORKER.total_seconds())
        telemetry.event("dependents_decided", run=command.run, messages=len(found), changed=changed)

    def _revise_dependent(self, organisation: Organisation, stored: StoredMessage, change_id: str) -> bool:
        """Whether it was changed. One that is being written is told on its row, and finished by whoever writes it.

        That worker sees at its end that other rows are to stand, or fails and decides under the parent of then.
        """
        if stored.state == DONE or change_id in stored.change_ids:
            return self._revise(organisation, stored, change_id)
        found = self.reconsider(organisation, stored)
        if found is None:
            return False
        revise = partial(StoredMessage.redecided, seen=stored, decision=found.after)
        # Without the change's id: by that a run knows what it has to finish itself.
        changed = self.change(organisation.tenant_id, stored.key, revise, known=stored)
        return changed is not None and changed.decision == found.after

    def _revise(self, organisation: Organisation, stored: StoredMessage, change_id: str) -> bool:
        """Whether it was changed, now or by a try of this page that was cut short."""
        if change_id not in stored.change_ids:
            found = self.reconsider(organisation, stored)
            revised = self._save(organisation.tenant_id, found, stored, change_id) if found else None
            if revised is None:
                return False
            stored = revised
        document = self.messages.document(organisation.tenant_id, stored.key)
        if document is not None:
            self.bring_in_line(organisation.tenant_id, stored, document)
        return True

    def _save(
        self, tenant_id: str, found: Difference, stored: StoredMessage, change_id: str
    ) -> StoredMessage | None:
        """None for a mail that another worker is writing, or has decided on since: it is left to it."""
        revise = partial(StoredMessage.revised, seen=stored, decision=found.after)
        changed = self.change(tenant_id, stored.key, revise, known=stored, change_id=change_id)
        return changed if changed and change_id in changed.change_ids else None


def _about(record: Record | None, page: Iterable[StoredMessage]) -> list[StoredMessage]:
    """The mails that a record's timeline may gain or lose; all of them where no record is asked for."""
    return [stored for stored in page if record is None or concerns(stored, record)]
