"""Erases a person: asked for by an admin, then done page by page. Safe to run twice, and from wherever it broke off.

First the address is suppressed, so that nothing new comes in. Then mail with it among its participants becomes
tombstones, as if a person had deleted it; everywhere else the address is replaced. A second turn, a quarter of an
hour later, catches what was being written during the first one.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from shared import telemetry
from shared.domain.commands.commands import MESSAGES, ErasePerson, FileMessage
from shared.domain.connections.organisations import in_domains
from shared.domain.errors import InvalidInput, Unknown
from shared.domain.filing.copies import Copy
from shared.domain.filing.filing import PENDING, StoredMessage
from shared.domain.filing.inbox import taken_away
from shared.domain.filing.opening import ORIGIN, UNNAMED
from shared.domain.filing.person_decisions import ERASE, OPENED, PersonDecision
from shared.domain.mail.addresses import domain_of, normalise
from shared.domain.mail.messages import Document
from shared.domain.privacy.erasure import DONE, MOST_NAMES, Eraser, Erasure, is_on, names_of, suppression
from shared.domain.records.records import KINDS
from shared.ports.stores.connections import Organisations
from shared.ports.stores.filing import MessageStore
from shared.ports.stores.privacy import Erasures, Holdings
from shared.ports.stores.records import RecordIndex, Records
from shared.ports.work import Clock, CommandQueue
from shared.services.capture.scopes import hasher_of
from shared.services.conflicts import persistently
from shared.services.filing.change_by_person import Attribution, ChangeByPerson
from shared.services.filing.change_message import ChangeMessage

PAGE: Final = 50
ROWS: Final = 1_000
TURNS: Final = 2
# Longer than any worker goes on with what it has read before. Seconds.
SETTLED: Final = 900.0
RECORDS: Final = "records:"


@dataclass(frozen=True, slots=True)
class AskErasure:
    """Suppress an address and have everything that names it taken away. Asked again, it is done again."""

    organisations: Organisations
    erasures: Erasures
    index: RecordIndex
    queue: CommandQueue
    clock: Clock
    hash_key: bytes

    def __call__(self, tenant_id: str, given: str, by: str) -> Erasure:
        """Raises InvalidInput for what is no address, and for one of the organisation's own; Unknown."""
        address = normalise(given)
        if address is None:
            raise InvalidInput("'address' must be a mail address, such as bo@fabrikam.example.")
        self._check_not_own(tenant_id, address)
        now = self.clock()
        hashed = suppression(hasher_of(self.hash_key, tenant_id), address)
        standing = self.erasures.get(tenant_id, hashed)
        names = standing.names if standing else ()
        asked = Erasure(hashed, now, by, address=address, names=names, touched_at=now)
        # The row first: a command without it is dropped, and the nightly sweep finds a row without a command.
        self.erasures.put(tenant_id, asked)
        persistently(lambda: self._suppress(tenant_id, hashed))
        self.queue.send(ErasePerson.first(tenant_id, asked))
        return asked

    def find(self, tenant_id: str, erasure_id: str) -> Erasure:
        """Raises Unknown."""
        found = self.erasures.get(tenant_id, erasure_id)
        if found is None:
            raise Unknown("Nothing was erased under this id.")
        return found

    def _suppress(self, tenant_id: str, hashed: str) -> None:
        organisation = self.organisations.get(tenant_id)
        if organisation is None:
            raise Unknown("There is no such organisation.")
        if hashed not in organisation.erased:
            self.organisations.put(replace(organisation, erased=organisation.erased | {hashed}))

    def _check_not_own(self, tenant_id: str, address: str) -> None:
        organisation = self.organisations.get(tenant_id)
        own = organisation is not None and in_domains(domain_of(address), organisation.own_domains)
        if own or self.index.addresses(tenant_id, [address])[address].is_staff:
            raise InvalidInput(
                "This address belongs to your own organisation: its mail is the other side's record, too. Remove the "
                "mailbox instead (DELETE mailboxes/{address}), set 'retention_days', or delete single mails."
            )


@dataclass(frozen=True, slots=True)
class EraseMessages:
    """A page of stored mail: what has the person on it goes, what quotes the address is rewritten."""

    erasures: Erasures
    messages: MessageStore
    records: Records
    change_message: ChangeMessage
    change_by_person: ChangeByPerson
    queue: CommandQueue
    clock: Clock

    def __call__(self, tenant_id: str, erasure: Erasure, eraser: Eraser, after: str) -> tuple[Erasure, str]:
        """The erasure as it stands then, and where the next page begins. Raises Conflict."""
        page, following = self.messages.scan(tenant_id, limit=PAGE, after=after)
        looked = [self._look(tenant_id, stored) for stored in page]
        going = [mail for mail in looked if is_on(eraser.address, *mail)]
        erasure = self._with_names(tenant_id, erasure, going)
        for stored, _, _ in going:
            self._take_away(tenant_id, erasure, stored)
        # Names found on this page are replaced on it already.
        eraser = replace(eraser, names=erasure.names)
        quoting = [mail for mail in looked if mail not in going]
        changed = sum(self._rewrite(tenant_id, eraser, stored, document) for stored, document, _ in quoting)
        counted = replace(erasure, messages=erasure.messages + len(going), changed=erasure.changed + changed)
        return counted, following

    def _look(
        self, tenant_id: str, stored: StoredMessage
    ) -> tuple[StoredMessage, Document | None, list[Copy]]:
        return (
            stored,
            self.messages.document(tenant_id, stored.key),
            self.messages.copies(tenant_id, stored.key),
        )

    def _with_names(
        self,
        tenant_id: str,
        erasure: Erasure,
        going: list[tuple[StoredMessage, Document | None, list[Copy]]],
    ) -> Erasure:
        # Kept before the mails go that say them: a run that breaks off must find them again.
        found = set(erasure.names)
        for _, document, copies in going:
            found |= names_of(erasure.address, document, copies) if document else frozenset()
        if found == set(erasure.names):
            return erasure
        named = replace(erasure, names=tuple(sorted(found)[:MOST_NAMES]))
        self.erasures.put(tenant_id, named)
        return named

    def _take_away(self, tenant_id: str, erasure: Erasure, stored: StoredMessage) -> None:
        # The record that was opened for the mail says what the mail says: it keeps its id and its links.
        opened = [link.ref for link in stored.decision.links if link.rule == OPENED]
        records = self.records.get_many(tenant_id, opened) if opened else {}
        bare = [
            replace(record, name=UNNAMED, summary="", details="", data=())
            for record in records.values()
            if record.origin == ORIGIN
        ]
        if bare:
            self.records.put_many(tenant_id, bare)
        decision = PersonDecision(ERASE, erasure.by, self.clock(), stored.decision)
        refs = tuple(link.ref for link in stored.decision.links)
        attribution = Attribution(ERASE, decision.by, decision.at, refs)
        self.change_by_person(tenant_id, stored.key, attribution, lambda row: taken_away(row, decision))

    def _rewrite(
        self, tenant_id: str, eraser: Eraser, stored: StoredMessage, document: Document | None
    ) -> bool:
        # Storage is asked only where the page shows that something names the person.
        names_person = document is not None and eraser.message(stored, document) is not None
        changed = names_person and self.change_message.with_document(
            tenant_id, stored.key, partial(_rewritten, eraser)
        )
        # A run that was cut short may have rewritten it, and have queued nothing.
        if changed or stored.state == PENDING:
            self.queue.send(FileMessage(tenant_id=tenant_id, key=stored.key, first_at=self.clock()))
        return changed


def _rewritten(
    eraser: Eraser, stored: StoredMessage, document: Document
) -> tuple[StoredMessage, Document] | None:
    """The mail without the person, with its rows left to write: whoever has read them is told to read them anew."""
    found = eraser.message(stored, document)
    return (found[0].reopened(silent=True).following(stored), found[1]) if found else None


@dataclass(frozen=True, slots=True)
class RunErasure:
    """One page of an erasure, then the next command. The order: messages, records, all other tables."""

    erasures: Erasures
    erase_messages: EraseMessages
    records: Records
    holdings: Holdings
    queue: CommandQueue
    clock: Clock
    hash_key: bytes

    def __call__(self, command: ErasePerson) -> None:
        erasure = self.erasures.get(command.tenant_id, command.run)
        if erasure is None or erasure.state == DONE:
            telemetry.event("erasure_dropped", run=command.run)
            return
        [hashed] = hasher_of(self.hash_key, command.tenant_id).addresses([erasure.address])
        eraser = Eraser(erasure.address, erasure.names, hashed)
        erasure, following = self._page(command, erasure, eraser)
        self._go_on(command, erasure, following)

    def _page(self, command: ErasePerson, erasure: Erasure, eraser: Eraser) -> tuple[Erasure, str]:
        tenant_id, step, after = command.tenant_id, command.step, command.after
        if step == MESSAGES:
            return self.erase_messages(tenant_id, erasure, eraser, after)
        if step.startswith(RECORDS):
            changed, following = self._records(tenant_id, step.removeprefix(RECORDS), eraser, after)
        else:
            changed, following = self.holdings.erase(tenant_id, step, eraser, limit=ROWS, after=after)
        return replace(erasure, changed=erasure.changed + changed), following

    def _records(self, tenant_id: str, kind: str, eraser: Eraser, after: str) -> tuple[int, str]:
        page, following = self.records.page(tenant_id, kind, text="", limit=ROWS, after=after)
        changed = [new for old in page if (new := eraser.record(old)) is not old]
        if changed:
            self.records.put_many(tenant_id, changed)
        return len(changed), following

    def _go_on(self, command: ErasePerson, erasure: Erasure, following: str) -> None:
        """The next page, the next step, the next turn, or the end. The row is written first: it is only told from."""
        tenant_id, now = command.tenant_id, self.clock()
        steps = self._steps()
        step, turn = command.step, command.turn
        if not following:
            number = steps.index(step) + 1
            step, turn = (steps[number], turn) if number < len(steps) else (steps[0], turn + 1)
        # The address itself goes with the last page: only its hash is needed to keep the person out.
        if turn == TURNS:
            done = replace(
                erasure, state=DONE, step="", turn=turn, address="", names=(), touched_at=now, done_at=now
            )
            self.erasures.put(tenant_id, done)
            telemetry.event("erasure_done", run=erasure.id, messages=done.messages, changed=done.changed)
            return
        self.erasures.put(tenant_id, replace(erasure, step=step, turn=turn, touched_at=now))
        following_command = replace(command, attempt=0, first_at=now, step=step, after=following, turn=turn)
        self.queue.send(following_command, delay=SETTLED if turn != command.turn else 0.0)

    def _steps(self) -> tuple[str, ...]:
        return (MESSAGES, *(f"{RECORDS}{kind}" for kind in KINDS), *self.holdings.rewritable)
