"""Opportunities and projects stand under the domains of their contacts, whichever of them was written last.

A matter that lists a contact which is not there says so in the index: whoever writes that contact finds it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shared.domain.errors import Conflict
from shared.domain.records.deals import people_domains, with_contacts
from shared.domain.records.records import Record, RecordRef
from shared.ports.stores.records import RecordIndex, Records
from shared.services.capture.late_contacts import AnnounceContacts
from shared.services.matching.current_records import current_records

Contacts = Mapping[str, Record | None]
_TRIES: Final = 8


@dataclass(frozen=True, slots=True)
class Deals:
    """Keep the domains of matters in step with their contacts."""

    records: Records
    index: RecordIndex
    announce: AnnounceContacts

    def contacts(self, tenant_id: str, records: Iterable[Record]) -> Contacts:
        """The contacts that matters among these list, by id: as given here, else as they stand."""
        given = list(records)
        listed = {one for deal in given if deal.is_deal for one in deal.contacts}
        here: dict[str, Record | None] = {
            one.ref.id: one for one in given if one.ref.kind == "contact" and one.ref.id in listed
        }
        wanted = [RecordRef("contact", one) for one in sorted(listed - here.keys())]
        found = current_records(self.records, tenant_id, wanted)
        return {**here, **{ref.id: found.get(ref) for ref in wanted}}

    def renew(
        self,
        tenant_id: str,
        refs: Iterable[RecordRef],
        own_domains: Sequence[str],
        coming: Contacts | None = None,
    ) -> None:
        """Bring these matters in step; contacts `coming` count as they are about to be. Raises Conflict."""
        left = list(refs)
        for _ in range(_TRIES):
            if not left:
                return
            standing = self.records.get_many(tenant_id, left)
            contacts = {**self.contacts(tenant_id, standing.values()), **(coming or {})}
            renewed = [with_contacts(one, contacts, own_domains) for one in standing.values()]
            changed = [one for one in renewed if one != standing[one.ref]]
            self.announce(tenant_id, self.announce.new_hashes(tenant_id, changed, standing))
            left = list(self.records.write(tenant_id, changed, standing)) if changed else []
        raise Conflict("opportunities and projects change faster than they can be renewed")

    def listing_contact(self, tenant_id: str, contacts: Iterable[str]) -> list[RecordRef]:
        """Matters that list one of these contacts."""
        asked = list(contacts)
        found = self.index.listing_contact(tenant_id, asked) if asked else {}
        return sorted({ref for refs in found.values() for ref in refs})

    def waiting(self, tenant_id: str, contacts: Iterable[str]) -> list[RecordRef]:
        """Matters that list one of these contacts and found it missing."""
        asked = list(contacts)
        found = self.index.awaiting(tenant_id, asked) if asked else {}
        return sorted({ref for refs in found.values() for ref in refs})


def lending_otherwise(
    records: Iterable[Record], standing: Mapping[RecordRef, Record], own_domains: Sequence[str]
) -> dict[str, Record | None]:
    """Contacts that stand there already and are about to lend other domains, by id."""
    return {
        one.ref.id: one
        for one in records
        if one.ref.kind == "contact" and one.ref in standing
        if people_domains(one, own_domains) != people_domains(standing[one.ref], own_domains)
    }
