"""The records that stand for others now: a merged record is only a pointer to its survivor."""

from collections.abc import Iterable, Mapping
from typing import Final

from shared.domain.records.records import Record, RecordRef
from shared.ports.stores.records import Records

# A record that was merged into one that was merged, and so on.
_LONGEST_CHAIN: Final = 8


def current_records(
    records: Records, tenant_id: str, refs: Iterable[RecordRef]
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
