"""An agent's decisions in My Inbox: link, open, note, delete, undo.

A decision is stored on the mail and queued; `ApplyDecision` writes its rows. Everybody, admins too, decides on what
lies in the own mailboxes, since a mail without a link is private.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import InvalidInput, Unknown
from shared.domain.filing import inbox
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.links import client_of, links_to
from shared.domain.filing.opening import Wishes, record_for, ref_for
from shared.domain.filing.person_decisions import DELETE, LINK, NOTE, OPEN, OPENED, UNDO, PersonDecision
from shared.domain.intake.settings import OPENED_KINDS
from shared.domain.mail.messages import Document
from shared.domain.privacy.callers import ADMIN, AGENT, Caller
from shared.domain.records.records import Record, RecordRef
from shared.ports.stores.connections import Organisations
from shared.ports.stores.filing import MessageStore
from shared.ports.stores.records import RecordIndex, Records
from shared.ports.work import Clock
from shared.services.filing.change_by_person import Attribution, ChangeByPerson
from shared.services.filing.visibility import ShownMessage, Visibility
from shared.services.records.overrides import ReadOverride

# One mail is hardly about more; each record costs a read and a row.
MOST_RECORDS: Final = 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person has decided. `read_under`: versions under one of which the mail must stand; none = any."""

    what: str
    refs: tuple[RecordRef, ...] = ()
    kind: str = ""
    wishes: Wishes = field(default_factory=Wishes)
    client: str = ""
    contacts: tuple[str, ...] = ()
    owner: str = ""
    file_thread: bool | None = None
    follow_address: bool = False
    read_under: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Decide:
    """Store a person's decision on a mail in the own My Inbox, and have it carried out.

    The same decision again changes nothing. Raises Unknown for a mail of which no own mailbox holds a copy,
    Outdated when somebody else was faster, InvalidInput for records that are not there.
    """

    visibility: Visibility
    messages: MessageStore
    organisations: Organisations
    records: Records
    index: RecordIndex
    read_override: ReadOverride
    change_by_person: ChangeByPerson
    clock: Clock

    def __call__(self, caller: Caller, key: str, wanted: Wanted) -> ShownMessage:
        stored, own = held(self.visibility, caller, key, ADMIN if wanted.what == DELETE else AGENT)
        decision = self._decision(caller, stored, wanted)
        attribution = Attribution(decision.what, decision.by, decision.at, decision.refs)
        changed = self.change_by_person(
            caller.tenant_id,
            key,
            attribution,
            lambda stored: inbox.decided_on(stored, decision, own, wanted.read_under),
        )
        return self.visibility.shown(caller, changed)

    def _decision(self, caller: Caller, stored: StoredMessage, wanted: Wanted) -> PersonDecision:
        decision = PersonDecision(wanted.what, caller.audit_name, self.clock(), stored.decision)
        if wanted.what == DELETE or stored.is_deleted:
            return decision
        document = self.messages.document(caller.tenant_id, stored.key)
        if document is None:
            raise _not_here()
        taught = self._taught(caller.tenant_id, document) if wanted.follow_address else ""
        decision = self._placed(caller, stored, document, replace(decision, taught=taught), wanted)
        return replace(decision, file_thread=self._files_thread(caller.tenant_id, decision, wanted))

    def _placed(
        self,
        caller: Caller,
        stored: StoredMessage,
        document: Document,
        decision: PersonDecision,
        wanted: Wanted,
    ) -> PersonDecision:
        if wanted.what == OPEN:
            return self._opening(caller, stored, document, decision, wanted)
        if wanted.what == NOTE:
            return self._note(caller, stored, document, decision, wanted)
        return self._link(caller, decision, wanted)

    def _files_thread(self, tenant_id: str, decision: PersonDecision, wanted: Wanted) -> bool:
        """As the person says, else the client of the records decided on, else the organisation."""
        if wanted.file_thread is not None:
            return wanted.file_thread
        of_client = self.read_override(tenant_id, decision.refs, "file_thread")
        if of_client is not None:
            return of_client
        organisation = self.organisations.get(tenant_id)
        return organisation is None or organisation.file_thread

    def _link(self, caller: Caller, decision: PersonDecision, wanted: Wanted) -> PersonDecision:
        if not 0 < len(wanted.refs) <= MOST_RECORDS:
            raise InvalidInput(f"'records' must name 1 to {MOST_RECORDS} records.")
        found = with_clients(self.records, caller.tenant_id, wanted.refs)
        return replace(decision, what=LINK, links=links_to(wanted.refs, found, by=caller.shown_name))

    def _note(
        self,
        caller: Caller,
        stored: StoredMessage,
        document: Document,
        decision: PersonDecision,
        wanted: Wanted,
    ) -> PersonDecision:
        client = RecordRef("client", wanted.client) if wanted.client else None
        client = client or self._suggested_client(caller.tenant_id, stored, document)
        if client is None:
            raise InvalidInput("No client is known for this mail; name one as 'client'.")
        found = self.records.get_many(caller.tenant_id, [client])
        links = links_to([client], found, by=caller.shown_name)
        return replace(decision, links=tuple(replace(link, as_note=True) for link in links))

    def _opening(
        self,
        caller: Caller,
        stored: StoredMessage,
        document: Document,
        decision: PersonDecision,
        wanted: Wanted,
    ) -> PersonDecision:
        """The record is opened for the sender, where the sender's card is known, and for that card's client."""
        if wanted.kind not in OPENED_KINDS:
            raise InvalidInput(f"'kind' must be {', '.join(OPENED_KINDS[:-1])} or {OPENED_KINDS[-1]}.")
        tenant_id = caller.tenant_id
        contacts = self._wanted_contacts(tenant_id, document, wanted)
        named_client = (RecordRef("client", wanted.client),) if wanted.client else ()
        asked = (*contacts, *named_client)
        found = with_clients(self.records, tenant_id, asked)
        brought = links_to(asked, found, by=caller.shown_name, rule=OPENED)
        clients = [link.ref.id for link in brought if link.ref.kind == "client"]
        record = record_for(
            document,
            ref_for(wanted.kind, stored.key),
            wanted.wishes,
            contacts=tuple(found[ref] for ref in contacts),
            client=wanted.client or next(iter(clients), ""),
            owner=wanted.owner or self._owner(caller, stored),
            opened_at=decision.at,
        )
        opened = links_to([record.ref], {record.ref: record}, by=caller.shown_name, rule=OPENED)
        return replace(decision, links=(*opened, *brought), opens=record)

    def _wanted_contacts(self, tenant_id: str, document: Document, wanted: Wanted) -> tuple[RecordRef, ...]:
        if wanted.contacts:
            return tuple(RecordRef("contact", contact) for contact in wanted.contacts)
        return tuple(sorted(self._contacts_of(tenant_id, document.sender.address)))

    def _owner(self, caller: Caller, stored: StoredMessage) -> str:
        return caller.address or stored.agent

    def _contacts_of(self, tenant_id: str, address: str) -> frozenset[RecordRef]:
        known = self.index.addresses(tenant_id, [address])[address]
        # A colleague's mail that somebody passed on is not about the colleague.
        if known.is_staff:
            return frozenset()
        return frozenset(card.ref for card in known.cards if card.ref.kind == "contact" and card.is_open)

    def _suggested_client(
        self, tenant_id: str, stored: StoredMessage, document: Document
    ) -> RecordRef | None:
        """The best suggestion, else what the mail is on already, else the client of the sender's card."""
        refs = [link.ref for link in (*stored.decision.suggestions, *stored.decision.links)]
        suggested = next((ref for ref in refs if ref.kind == "client"), None)
        if suggested is not None:
            return suggested
        contacts = [ref for ref in refs if ref.kind == "contact"]
        contacts += sorted(self._contacts_of(tenant_id, document.sender.address))
        found = self.records.get_many(tenant_id, contacts) if contacts else {}
        of_contacts = (client_of(found[ref]) for ref in contacts if ref in found)
        return next((client for client in of_contacts if client is not None), None)

    def _taught(self, tenant_id: str, document: Document) -> str:
        """Raises InvalidInput for a colleague, whose mail must not follow."""
        address = document.sender.address
        if not address or self.index.addresses(tenant_id, [address])[address].is_staff:
            raise InvalidInput("The sender belongs to your organisation; leave 'follow_address' out.")
        return address


@dataclass(frozen=True, slots=True)
class UndoDecision:
    """Put a mail back as it stood before the decision on it: rows, thread, taught address, opened record.

    Whoever has a copy in the own mailbox may. Raises WrongState when there is nothing to undo.
    """

    visibility: Visibility
    change_by_person: ChangeByPerson
    clock: Clock

    def __call__(self, caller: Caller, key: str) -> ShownMessage:
        stored, _ = held(self.visibility, caller, key, AGENT)
        at = self.clock()
        attribution = Attribution(UNDO, caller.audit_name, at, stored.decided.refs if stored.decided else ())
        changed = self.change_by_person(
            caller.tenant_id,
            key,
            attribution,
            lambda stored: inbox.taken_out(stored, by=caller.audit_name, at=at),
        )
        return self.visibility.shown(caller, changed)


def held(visibility: Visibility, caller: Caller, key: str, role: str) -> tuple[StoredMessage, list[Mailbox]]:
    """A mail, and the caller's own mailboxes that hold a copy. Raises Unknown where there is none."""
    caller.needs(role, ADMIN)
    stored = visibility.find(caller, key)
    if stored is None:
        raise _not_here()
    # Asked again by the person who has deleted it: the copies are gone, and the answer is to be the same.
    if _was_deleted_by(stored, caller):
        return stored, []
    holders = [mailbox for _, mailbox in visibility.copies(caller, key) if mailbox is not None]
    own = [mailbox for mailbox in holders if caller.owns(mailbox)]
    if not own:
        raise _not_here()
    return stored, own


def _was_deleted_by(stored: StoredMessage, caller: Caller) -> bool:
    return stored.is_deleted and stored.decided is not None and stored.decided.by == caller.audit_name


def with_clients(records: Records, tenant_id: str, refs: Sequence[RecordRef]) -> dict[RecordRef, Record]:
    """Records by reference, and the clients of the contacts among them."""
    found = dict(records.get_many(tenant_id, refs)) if refs else {}
    clients = {ref for record in found.values() if (ref := client_of(record)) is not None} - found.keys()
    return {**found, **records.get_many(tenant_id, clients)} if clients else found


def _not_here() -> Unknown:
    return Unknown("There is no such mail in your My Inbox.")
