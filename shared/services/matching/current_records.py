"""The records that stand for others now: a merged record is only a pointer to its survivor."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from shared.domain.records.records import Record, RecordRef

# A record that was merged into one that was merged, and so on.
_LONGEST_CHAIN: Final = 8


class ReadRecords(Protocol):
    """What of `ports.Records` matching needs."""

    def get_many(self, tenant_id: str, refs: Iterable[RecordRef]) -> Mapping[RecordRef, Record]: ...


@dataclass(frozen=True, slots=True)
class RecordsOfGroup:
    """Each record read once for mails that are decided together: those of a thread lend each other the same ones."""

    records: ReadRecords
    _read: dict[tuple[str, RecordRef], Record | None] = field(default_factory=dict)

    def get_many(self, tenant_id: str, refs: Iterable[RecordRef]) -> Mapping[RecordRef, Record]:
        wanted = list(refs)
        unread = [ref for ref in wanted if (tenant_id, ref) not in self._read]
        found = self.records.get_many(tenant_id, unread) if unread else {}
        self._read.update({(tenant_id, ref): found.get(ref) for ref in unread})
        read = {ref: self._read[tenant_id, ref] for ref in wanted}
        return {ref: record for ref, record in read.items() if record is not None}


def current_records(
    records: ReadRecords, tenant_id: str, refs: Iterable[RecordRef]
) -> Mapping[RecordRef, Record]:
    """The record that stands for each of these now; records that do not exist are left out.

    One read of all of them, and one more for each merge in the longest chain.
    """
    leads = {ref: ref for ref in refs}
    found = dict(records.get_many(tenant_id, leads)) if leads else {}
    # Bounded, since nothing in storage keeps two records from being merged into each other.
    for _ in range(_LONGEST_CHAIN):
        onward = _onward(leads, found)
        if not onward:
            break
        leads |= onward
        unread = set(onward.values()) - found.keys()
        found |= records.get_many(tenant_id, unread) if unread else {}
    return {ref: found[at] for ref, at in leads.items() if at in found}


def _onward(
    leads: Mapping[RecordRef, RecordRef], found: Mapping[RecordRef, Record]
) -> dict[RecordRef, RecordRef]:
    """The next record for each of those that lead to a merged one."""
    known = {ref: found[at] for ref, at in leads.items() if at in found}
    return {ref: record.survivor for ref, record in known.items() if record.merged_into}
