"""Opens the record that a mailbox wants for mail which belongs to none. Run twice, it is opened once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from shared.domain.commands.commands import FileMessage
from shared.domain.errors import PermanentError
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.opening import Wishes, opened_refs, record_for
from shared.domain.intake.asking import asked_by, writer_of
from shared.domain.mail.messages import Document
from shared.domain.records.merging import moved
from shared.domain.records.records import Record, RecordRef
from shared.ports.stores.exceptions import Exceptions
from shared.ports.stores.records import RecordIndex, Records
from shared.ports.work import Clock
from shared.services.commands.failures import failure_of, record
from shared.services.intake.dressing import DressRecord
from shared.services.matching.current_records import current_records


class UnfitTemplate(PermanentError):
    """A template of an intake mailbox made nothing of a mail; the record stands without it."""


class NotOpened(PermanentError):
    """The record of a mail could not be written: the mail is stored, and stands nowhere until it is filed again."""


def as_renamed(
    records: Records, tenant_id: str, message: StoredMessage, stored: StoredMessage
) -> StoredMessage:
    """A further look at a stored mail, the record opened for it being where the CRM has put that since.

    One read where a record was opened, one more where it was renamed. What a person took away is left as it is.
    """
    decision = message.decision
    refs = set(opened_refs(message)) - stored.unlinked
    for ref, found in current_records(records, tenant_id, refs).items():
        decision = moved(decision, ref, found.ref) if found.ref != ref else decision
    return replace(message, decision=decision)


@dataclass(frozen=True, slots=True)
class WriteOpened:
    """Write the record behind a message's `opened` link; one that is there stays as people have made it since."""

    records: Records
    index: RecordIndex
    dress: DressRecord
    exceptions: Exceptions
    clock: Clock

    def __call__(self, tenant_id: str, ref: RecordRef, message: StoredMessage, document: Document) -> None:
        # People, or the CRM, may have changed it since: it is never written a second time.
        if self.records.get(tenant_id, ref) is not None:
            return
        try:
            self.records.put_many(tenant_id, [self._record(tenant_id, ref, message, document)])
        except PermanentError as error:
            raise NotOpened(f"No {ref.kind} was opened for this mail: {error}", "CaseNotOpened") from error

    def _record(self, tenant_id: str, ref: RecordRef, message: StoredMessage, document: Document) -> Record:
        contacts = self._contacts(tenant_id, message, document)
        clients = (link.ref.id for link in message.decision.links if link.ref.kind == "client")
        of_writer = (contact.client for contact in contacts if contact.client)
        opened = record_for(
            document,
            ref,
            Wishes(),
            contacts=contacts,
            client=next(of_writer, "") or min(clients, default=""),
            owner=message.agent,
            opened_at=self.clock(),
        )
        dressed = self.dress(tenant_id, opened, message, document)
        if dressed.problems:
            command = FileMessage(tenant_id=tenant_id, key=message.key, first_at=message.at)
            error = UnfitTemplate(" ".join(dressed.problems), "IntakeTemplate")
            record(self.exceptions, failure_of(command, error, self.clock()))
        return dressed.record

    def _contacts(self, tenant_id: str, message: StoredMessage, document: Document) -> tuple[Record, ...]:
        """The contacts that the mail is on, who wrote it first; and whom a colleague's forward is from."""
        links = {link.ref for link in message.decision.links if link.ref.kind == "contact"}
        asker = asked_by(document) if message.unanswered == "forwarded" else None
        if asker is not None:
            links |= self._cards_of(tenant_id, asker.address)
        found: Mapping[RecordRef, Record] = self.records.get_many(tenant_id, links) if links else {}
        writer = (asker or writer_of(document)).address
        by_writer = sorted(found, key=lambda ref: (writer not in found[ref].addresses, ref))
        return tuple(found[ref] for ref in by_writer)

    def _cards_of(self, tenant_id: str, address: str) -> frozenset[RecordRef]:
        known = self.index.addresses(tenant_id, [address])[address]
        cards = (card for card in known.cards if card.ref.kind == "contact" and card.is_open)
        return frozenset() if known.is_staff else frozenset(card.ref for card in cards)
