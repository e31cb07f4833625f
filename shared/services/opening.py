"""Opens the record that a mailbox wants for mail which belongs to none. Run twice, it is opened once."""

from dataclasses import dataclass, replace

from shared.domain.addresses import domain_of
from shared.domain.filing import StoredMessage
from shared.domain.messages import Document
from shared.domain.opening import opened_record
from shared.domain.public_domains import is_shared, registrable
from shared.domain.records import RecordRef
from shared.ports import Records


@dataclass(frozen=True, slots=True)
class OpenRecord:
    """Write the record behind a message's `opened` link; one that is there stays as people have made it since."""

    records: Records

    def __call__(self, tenant_id: str, message: StoredMessage, document: Document) -> None:
        record = opened_record(message, document)
        if record is None or self.records.get(tenant_id, record.ref) is not None:
            return
        contacts = self.records.get_many(tenant_id, [RecordRef("contact", one) for one in record.contacts])
        domains = {domain_of(address) for one in contacts.values() for address in one.addresses}
        shown = sorted({registrable(one) for one in domains if not is_shared(one)} - {""})
        self.records.put_many(tenant_id, [replace(record, contact_domains=tuple(shown))])
