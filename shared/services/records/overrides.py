"""What the clients of records say of a setting, each read with at most one more read than its record."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.records.overrides import Flag, agreed, client_of_record
from shared.domain.records.records import RecordRef
from shared.ports.stores.records import Records
from shared.services.matching.current_records import current_records


@dataclass(frozen=True, slots=True)
class ReadOverride:
    """The setting that the clients of some records agree on; None: the organisation's applies."""

    records: Records

    def __call__(self, tenant_id: str, refs: Iterable[RecordRef], flag: Flag) -> bool | None:
        found = {record.ref: record for record in current_records(self.records, tenant_id, refs).values()}
        clients = {ref for record in found.values() if (ref := client_of_record(record)) is not None}
        found |= current_records(self.records, tenant_id, clients - found.keys())
        return agreed([found[ref] for ref in sorted(clients) if ref in found], flag)
