"""Which records stand for others now: a record that was merged is a pointer to the one that took its place."""

from collections.abc import Iterable, Mapping
from typing import Final

from shared.domain.records.records import Record, RecordRef
from shared.ports.stores.records import Records

# A record that was merged into one that was merged, and so on.
_LONGEST_CHAIN: Final = 8


def current_records(
    records: Records, tenant_id: str, refs: Iterable[RecordRef]
) -> Mapping[RecordRef, Record]:
    """What stands now for each of these records; those that are not there are left out.

    One read of all of them; one more for each time that any of them was merged.
    """
    leads = {ref: ref for ref in refs}
    found = dict(records.get_many(tenant_id, leads)) if leads else {}
    for _ in range(_LONGEST_CHAIN):
        onward = {
            ref: found[at].survivor for ref, at in leads.items() if at in found and found[at].merged_into
        }
        if not onward:
            break
        leads |= onward
        unread = set(onward.values()) - found.keys()
        found |= records.get_many(tenant_id, unread) if unread else {}
    return {ref: found[at] for ref, at in leads.items() if at in found}
