"""Opens the record that a mailbox wants for mail which belongs to none. Run twice, it is opened once."""

from dataclasses import dataclass, replace

from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.opening import Wishes, opened_refs, record_for
from shared.domain.mail.messages import Document
from shared.domain.records.merging import moved
from shared.domain.records.records import Record, RecordRef
from shared.ports.stores.records import Records
from shared.ports.work import Clock
from shared.services.matching.current_records import current_records


def as_renamed(
    records: Records, tenant_id: str, message: StoredMessage, stored: StoredMessage
) -> StoredMessage:
    """A further look at a stored mail, the record opened for it being where the CRM has put that since.

    One read where a record was opened, one more where it was renamed. What a person took away is left as it is.
    """
    decision = message.decision
    refs = set(opened_refs(message)) - stored.unlinked
    for ref, record in current_records(records, tenant_id, refs).items():
        decision = moved(decision, ref, record.ref) if record.ref != ref else decision
    return replace(message, decision=decision)


@dataclass(frozen=True, slots=True)
class WriteOpened:
    """Write the record behind a message's `opened` link; one that is there stays as people have made it since."""

    records: Records
    clock: Clock

    def __call__(self, tenant_id: str, ref: RecordRef, message: StoredMessage, document: Document) -> None:
        # People, or the CRM, may have changed it since: it is never written a second time.
        if self.records.get(tenant_id, ref) is None:
            self.records.put_many(tenant_id, [self._record(tenant_id, ref, message, document)])

    def _record(self, tenant_id: str, ref: RecordRef, message: StoredMessage, document: Document) -> Record:
        links = [link.ref for link in message.decision.links]
        found = self.records.get_many(tenant_id, [ref for ref in links if ref.kind == "contact"])
        return record_for(
            document,
            ref,
            Wishes(),
            contacts=tuple(found[ref] for ref in sorted(found)),
            client=min((ref.id for ref in links if ref.kind == "client"), default=""),
            owner=message.agent,
            opened_at=self.clock(),
        )
