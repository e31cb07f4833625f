"""Gives a record that is opened for a mail to an intake mailbox the fields that the mailbox wants."""

from dataclasses import dataclass, replace

from shared.domain.filing.filing import StoredMessage
from shared.domain.intake.asking import writer_of
from shared.domain.intake.doors import route_of
from shared.domain.intake.fields import NO_ROUTE, Arrival, Dressed, dressed, values_of
from shared.domain.intake.reading import with_note_of_size
from shared.domain.mail.messages import Document
from shared.domain.records.records import Record
from shared.ports.stores.connections import Mailboxes


@dataclass(frozen=True, slots=True)
class DressRecord:
    """The record by route and templates of the desk that its mail came to; as it is, where there is no such desk."""

    mailboxes: Mailboxes

    def __call__(self, tenant_id: str, record: Record, message: StoredMessage, document: Document) -> Dressed:
        """One read, for mail of intake mailboxes."""
        desk = self.mailboxes.by_id(tenant_id, message.desk) if message.desk else None
        if desk is None:
            return Dressed(record)
        route = route_of(desk, message.sent_to) or NO_ROUTE
        arrival = Arrival(desk.address, message.sent_to, route, message.at)
        values = values_of(document, writer_of(document), arrival)
        made = dressed(replace(record, owner=desk.agent), desk.intake, arrival, values)
        details = with_note_of_size(made.record.details, document, desk.address)
        return replace(made, record=replace(made.record, details=details))
