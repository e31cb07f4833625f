"""How records are written, be it one or a thousand: mail that came before them follows, matters keep in step."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from shared.domain.connections.organisations import in_domains
from shared.domain.errors import Conflict
from shared.domain.mail.addresses import domain_of
from shared.domain.records.deals import with_contacts
from shared.domain.records.record_rules import Insiders, refusal_of_stub
from shared.domain.records.records import Record, RecordRef
from shared.ports.stores.connections import Organisations
from shared.ports.stores.records import RecordIndex, Records
from shared.services.capture.late_contacts import AnnounceContacts, CountLateMail
from shared.services.records.deals import Deals, lending_otherwise

_TRIES: Final = 8
# Of many records these are looked for first: where none is there, the load is taken for a new one.
_SAMPLE: Final = 8


@dataclass(frozen=True, slots=True)
class LookUpInsiders:
    """Knows which addresses belong to the organisation's own people: registered, or on an own domain."""

    index: RecordIndex
    organisations: Organisations

    def __call__(self, tenant_id: str, records: Iterable[Record]) -> Insiders:
        """One look-up for all addresses."""
        organisation = self.organisations.get(tenant_id)
        own_domains = organisation.own_domains if organisation else ()
        asked = {address for one in records for address in one.addresses}
        own = {one for one in asked if in_domains(domain_of(one), own_domains)}
        registered = self.index.staff_among(tenant_id, sorted(asked - own)) if asked - own else frozenset()
        return Insiders(own_domains, registered | own)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of records: which are new, why some were refused, how many earlier mails will follow.

    `late_mail` is None where that is too much to count.
    """

    written: Mapping[RecordRef, Record] = field(default_factory=dict)
    created: frozenset[RecordRef] = frozenset()
    refused: Mapping[RecordRef, str] = field(default_factory=dict)
    late_mail: int | None = 0


@dataclass(frozen=True, slots=True)
class WriteRecords:
    """Write records of which nobody's people are staff. Safe to run twice, after a crash anywhere too.

    New people are announced first: see there. A record that somebody else writes meanwhile is read again.
    """

    records: Records
    deals: Deals
    announce: AnnounceContacts
    count: CountLateMail

    def __call__(self, tenant_id: str, records: Sequence[Record], own_domains: Sequence[str] = ()) -> Outcome:
        """Different records. Raises Conflict where others keep writing them."""
        left = {one.ref: one for one in records}
        standing = self._standing(tenant_id, list(left))
        done = _Done()
        for _ in range(_TRIES):
            done.refused |= {ref: said for ref in left if (said := refusal_of_stub(standing.get(ref)))}
            given = [_kept(one, standing.get(ref)) for ref, one in left.items() if ref not in done.refused]
            found = self._write(tenant_id, given, standing, own_domains, done) if given else {}
            left = {ref: left[ref] for ref in found}
            standing = {ref: one for ref, one in found.items() if one}
            if not left:
                return done.outcome(self._late_mail(tenant_id, done))
        raise Conflict("records change faster than they can be written")

    def _write(
        self,
        tenant_id: str,
        given: Sequence[Record],
        standing: Mapping[RecordRef, Record],
        own_domains: Sequence[str],
        done: "_Done",
    ) -> Mapping[RecordRef, Record | None]:
        """One try. Matters of contacts that lend other domains are renewed before and after.

        Before, so that a run which is cut short leaves no contact that only looks as if its matters knew;
        after, for matters that were written meanwhile.
        """
        contacts = self.deals.contacts(tenant_id, given)
        ready = [with_contacts(one, contacts, own_domains) for one in given]
        here = {one.ref for one in ready}
        hashes = self.announce.new_hashes(tenant_id, ready, standing)
        done.announced |= self.announce(tenant_id, hashes)
        changed = lending_otherwise(ready, standing, own_domains)
        others = [one for one in self.deals.listing_contact(tenant_id, changed) if one not in here]
        self.deals.renew(tenant_id, others, own_domains, changed)
        found = self.records.write(tenant_id, ready, standing)
        written = {one.ref: one for one in ready if one.ref not in found}
        # Of the others it is not known yet what they take the place of.
        done.hashes |= (
            self.announce.new_hashes(tenant_id, list(written.values()), standing) if found else hashes
        )
        done.written |= written
        done.created |= written.keys() - standing.keys()
        people = [ref.id for ref in written if ref.kind == "contact"]
        behind = {*self.deals.waiting(tenant_id, people), *self.deals.listing_contact(tenant_id, changed)}
        now = self.deals.contacts(tenant_id, given)
        behind |= {ref for ref, one in written.items() if one != with_contacts(one, now, own_domains)}
        self.deals.renew(tenant_id, sorted(behind), own_domains)
        return found

    def _standing(self, tenant_id: str, refs: Sequence[RecordRef]) -> Mapping[RecordRef, Record]:
        """What stands there, or nothing where a sample says that a load is new: writing then finds the rest."""
        if len(refs) > 4 * _SAMPLE:
            sample = refs[:: len(refs) // _SAMPLE][:_SAMPLE]
            if not self.records.get_many(tenant_id, sample):
                return {}
        return self.records.get_many(tenant_id, refs)

    def _late_mail(self, tenant_id: str, done: "_Done") -> int | None:
        hashes = frozenset(done.hashes)
        # A first mailbox may have been walked while the records were written.
        if done.announced or self.announce(tenant_id, hashes):
            return self.count(tenant_id, hashes)
        return 0


@dataclass(slots=True)
class _Done:
    """What the tries of one call have come to."""

    written: dict[RecordRef, Record] = field(default_factory=dict)
    created: set[RecordRef] = field(default_factory=set)
    refused: dict[RecordRef, str] = field(default_factory=dict)
    hashes: set[str] = field(default_factory=set)
    announced: bool = False

    def outcome(self, late_mail: int | None) -> Outcome:
        return Outcome(self.written, frozenset(self.created), self.refused, late_mail)


def _kept(record: Record, stored: Record | None) -> Record:
    """What a record keeps for good: who made it, and when."""
    if stored is None:
        return record
    return replace(record, origin=stored.origin, opened_at=stored.opened_at)
