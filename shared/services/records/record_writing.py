"""How records are written, be it one or a thousand: earlier mail follows them, and deals keep in step."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from shared.domain.connections.organisations import Organisation, in_domains
from shared.domain.errors import Conflict
from shared.domain.mail.addresses import domain_of
from shared.domain.privacy.erasure import suppression
from shared.domain.records.deals import with_contacts
from shared.domain.records.record_rules import Insiders, refusal_of_stub
from shared.domain.records.records import Record, RecordRef
from shared.ports.stores.connections import Mailboxes, Organisations
from shared.ports.stores.records import RecordIndex, Records
from shared.services.capture.late_contacts import AnnounceContacts, CountLateMail
from shared.services.capture.scopes import hasher_of
from shared.services.records.deals import Deals, lending_otherwise

# A record that others write meanwhile is read again; so many times in a row only a fault loses against them.
_TRIES: Final = 8
# Of many records these are looked for first: where none is there, the load is taken for a new one.
_SAMPLE: Final = 8


@dataclass(frozen=True, slots=True)
class LookUpInsiders:
    """Knows which addresses belong to the organisation's own people (registered, or on an own domain), or to a person
    who was erased.
    """

    index: RecordIndex
    organisations: Organisations
    mailboxes: Mailboxes
    hash_key: bytes

    def __call__(self, tenant_id: str, records: Iterable[Record]) -> Insiders:
        """One look-up for all addresses, and one of the mailboxes where a client's mail is to leave from one."""
        records = list(records)
        organisation = self.organisations.get(tenant_id)
        own_domains = organisation.own_domains if organisation else ()
        asked = frozenset[str]().union(*(record.addresses for record in records))
        own = {address for address in asked if in_domains(domain_of(address), own_domains)}
        others = sorted(asked - own)
        registered = self.index.staff_among(tenant_id, others) if others else frozenset()
        return Insiders(
            own_domains,
            registered | own,
            self._erased(tenant_id, organisation, asked),
            self._captured(tenant_id, records),
        )

    def _captured(self, tenant_id: str, records: Iterable[Record]) -> frozenset[str]:
        if not any(record.overrides.senders for record in records):
            return frozenset()
        mailboxes = self.mailboxes.of(tenant_id)
        return frozenset(mailbox.address for mailbox in mailboxes if not mailbox.is_removed)

    def _erased(
        self, tenant_id: str, organisation: Organisation | None, asked: Iterable[str]
    ) -> frozenset[str]:
        # Nothing is hashed in an organisation that has erased nobody.
        if organisation is None or not organisation.erased:
            return frozenset()
        hasher = hasher_of(self.hash_key, tenant_id)
        return frozenset(address for address in asked if suppression(hasher, address) in organisation.erased)


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
    """Write records that carry no colleague's address. Safe to run twice, and after a crash at any point.

    New people are announced before the write, so that no crash loses their earlier mail. A record that another
    writer changes meanwhile is read again.
    """

    records: Records
    deals: Deals
    announce: AnnounceContacts
    count: CountLateMail

    def __call__(self, tenant_id: str, records: Sequence[Record], own_domains: Sequence[str] = ()) -> Outcome:
        """Different records. Raises Conflict where others keep writing them."""
        left = {record.ref: record for record in records}
        standing = self._standing(tenant_id, list(left))
        done = _Done()
        for _ in range(_TRIES):
            given = done.accepted(left, standing)
            found = self._write(tenant_id, given, standing, own_domains, done) if given else {}
            left = {ref: left[ref] for ref in found}
            standing = {ref: record for ref, record in found.items() if record}
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
        """One try. Deals of contacts that lend other domains are renewed before and after.

        Before, so that a run which is cut short leaves no contact that only looks as if its deals knew;
        after, for deals that were written meanwhile.
        """
        contacts = self.deals.contacts(tenant_id, given)
        ready = [with_contacts(record, contacts, own_domains) for record in given]
        here = {record.ref for record in ready}
        hashes = self.announce.new_hashes(tenant_id, ready, standing)
        done.announced |= self.announce(tenant_id, hashes)
        changed = lending_otherwise(ready, standing, own_domains)
        others = [ref for ref in self.deals.listing_contact(tenant_id, changed) if ref not in here]
        self.deals.renew(tenant_id, others, own_domains, changed)
        found = self.records.write(tenant_id, ready, standing)
        written = {record.ref: record for record in ready if record.ref not in found}
        # What the others will replace is not known yet: another writer has changed them.
        done.hashes |= (
            self.announce.new_hashes(tenant_id, list(written.values()), standing) if found else hashes
        )
        done.written |= written
        done.created |= written.keys() - standing.keys()
        behind = self._left_behind(tenant_id, given, written, own_domains)
        behind.update(self.deals.listing_contact(tenant_id, changed))
        self.deals.renew(tenant_id, sorted(behind), own_domains)
        return found

    def _left_behind(
        self,
        tenant_id: str,
        given: Sequence[Record],
        written: Mapping[RecordRef, Record],
        own_domains: Sequence[str],
    ) -> set[RecordRef]:
        """Deals that waited for a contact which is there now, and deals whose contacts changed during the write."""
        people = [ref.id for ref in written if ref.kind == "contact"]
        waiting = self.deals.waiting(tenant_id, people)
        now = self.deals.contacts(tenant_id, given)
        outdated = {ref for ref, deal in written.items() if deal != with_contacts(deal, now, own_domains)}
        return outdated.union(waiting)

    def _standing(self, tenant_id: str, refs: Sequence[RecordRef]) -> Mapping[RecordRef, Record]:
        """What is stored, or nothing where a sample says that a load is new: writing then finds the rest."""
        # A first load of thousands of records would read each of them for nothing.
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

    def accepted(
        self, left: Mapping[RecordRef, Record], standing: Mapping[RecordRef, Record]
    ) -> list[Record]:
        """The records that may be written over what stands there; the others are noted as refused."""
        reasons = {ref: refusal_of_stub(standing.get(ref)) for ref in left}
        self.refused |= {ref: reason for ref, reason in reasons.items() if reason}
        return [_kept(record, standing.get(ref)) for ref, record in left.items() if not reasons[ref]]

    def outcome(self, late_mail: int | None) -> Outcome:
        return Outcome(self.written, frozenset(self.created), self.refused, late_mail)


def _kept(record: Record, stored: Record | None) -> Record:
    """What a record keeps for good: who made it, and when."""
    if stored is None:
        return record
    return record.as_opened_by(stored)
