"""Opens the record that a mailbox wants for mail which belongs to none. Run twice, it is opened once."""

from dataclasses import dataclass, replace

from shared.domain.addresses import domain_of
from shared.domain.filing import StoredMessage
from shared.domain.messages import Document
from shared.domain.opening import opened_records
from shared.domain.public_domains import is_shared, registrable
from shared.domain.records import Record, RecordRef
from shared.ports import Records


@dataclass(frozen=True, slots=True)
class OpenRecord:
    """Write the records behind a message's `opened` links; one that is there stays as people have made it since."""

    records: Records

    def __call__(self, tenant_id: str, message: StoredMessage, document: Document) -> None:
        for record in opened_records(message, document):
            if self.records.get(tenant_id, record.ref) is None:
                self.records.put_many(tenant_id, [self._with_domains(tenant_id, record)])

    def _with_domains(self, tenant_id: str, record: Record) -> Record:
        """The record as its contacts' domains make it found."""
        contacts = self.records.get_many(tenant_id, [RecordRef("contact", one) for one in record.contacts])
        domains = {domain_of(address) for one in contacts.values() for address in one.addresses}
        shown = {registrable(one) for one in domains if not is_shared(one)} - {""}
        return replace(record, contact_domains=tuple(sorted(shown)) if record.is_matter else ())
