"""Opportunities and projects stand under the domains of their contacts, whichever of them was written last.

A deal that lists a contact which does not exist says so in the index: the write of that contact finds it.
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
# Each write is conditional on the row that was read: others may change a deal meanwhile.
_TRIES: Final = 8


@dataclass(frozen=True, slots=True)
class Deals:
    """Keep the domains of deals in step with their contacts."""

    records: Records
    index: RecordIndex
    announce: AnnounceContacts

    def contacts(self, tenant_id: str, records: Iterable[Record]) -> Contacts:
        """The contacts that deals among these list, by id: as given here, else as they are stored."""
        given = list(records)
        listed = frozenset[str]().union(*(deal.contacts for deal in given if deal.is_deal))
        people = (record for record in given if record.ref.kind == "contact")
        here: dict[str, Record | None] = {
            contact.ref.id: contact for contact in people if contact.ref.id in listed
        }
        wanted = [RecordRef("contact", contact_id) for contact_id in sorted(listed - here.keys())]
        # A deal may still list a contact that was merged: the people of its survivor count.
        found = current_records(self.records, tenant_id, wanted)
        return {**here, **{ref.id: found.get(ref) for ref in wanted}}

    def renew(
        self,
        tenant_id: str,
        refs: Iterable[RecordRef],
        own_domains: Sequence[str],
        coming: Contacts | None = None,
    ) -> None:
        """Bring these deals in step; contacts `coming` count as they are about to be. Raises Conflict."""
        left = list(refs)
        for _ in range(_TRIES):
            if not left:
                return
            left = self._renew_once(tenant_id, left, own_domains, coming or {})
        raise Conflict("opportunities and projects change faster than they can be renewed")

    def _renew_once(
        self, tenant_id: str, refs: Sequence[RecordRef], own_domains: Sequence[str], coming: Contacts
    ) -> list[RecordRef]:
        """The deals that another writer has changed meanwhile."""
        standing = self.records.get_many(tenant_id, refs)
        contacts = {**self.contacts(tenant_id, standing.values()), **coming}
        renewed = [with_contacts(deal, contacts, own_domains) for deal in standing.values()]
        changed = [deal for deal in renewed if deal != standing[deal.ref]]
        # Announced before they are written, so that no crash loses mail that came from a new domain.
        self.announce(tenant_id, self.announce.new_hashes(tenant_id, changed, standing))
        return list(self.records.write(tenant_id, changed, standing)) if changed else []

    def listing_contact(self, tenant_id: str, contacts: Iterable[str]) -> list[RecordRef]:
        """Deals that list one of these contacts."""
        asked = list(contacts)
        found = self.index.listing_contact(tenant_id, asked) if asked else {}
        return sorted(frozenset[RecordRef]().union(*found.values()))

    def waiting(self, tenant_id: str, contacts: Iterable[str]) -> list[RecordRef]:
        """Deals that list one of these contacts and found it missing."""
        asked = list(contacts)
        found = self.index.awaiting(tenant_id, asked) if asked else {}
        return sorted(frozenset[RecordRef]().union(*found.values()))


def lending_otherwise(
    records: Iterable[Record], standing: Mapping[RecordRef, Record], own_domains: Sequence[str]
) -> dict[str, Record | None]:
    """Contacts that are stored already and are about to lend other domains, by id."""
    known = (record for record in records if record.ref.kind == "contact" and record.ref in standing)
    return {
        contact.ref.id: contact
        for contact in known
        if people_domains(contact, own_domains) != people_domains(standing[contact.ref], own_domains)
    }
