"""From what storage has answered to candidates: whom an answer counts for, and what leads to merged records."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain

from shared.domain.connections.organisations import in_domains
from shared.domain.mail.addresses import domain_of
from shared.domain.mail.codes import Found
from shared.domain.mail.public_domains import is_shared, registrable
from shared.domain.matching.candidates import Candidates, CodeHit, KnownAddress
from shared.domain.matching.questions import Questions
from shared.domain.records.records import DEALS, Card, Record, RecordRef


@dataclass(frozen=True, slots=True)
class Answers:
    """What stands under the addresses, registrable domains and code texts that several mails asked for."""

    addresses: Mapping[str, KnownAddress]
    domains: Mapping[str, frozenset[Card]]
    codes: Mapping[str, tuple[RecordRef, ...]]


def candidates_of(
    asked: Questions, domains: Iterable[str], answers: Answers, erased: frozenset[str]
) -> Candidates:
    """What the answers say of one mail; `domains` are those that it has asked for itself."""
    known = {address: answers.addresses[address] for address in asked.addresses}
    # A colleague who stands on a contact card all the same must not have mail filed for it.
    outsiders = {address: found for address, found in known.items() if not found.is_staff}
    under = _under(domains, answers.domains)
    return Candidates(
        addresses={address: found.records for address, found in outsiders.items()},
        domains=_refs(under),
        cards=_by_ref(*(found.cards for found in outsiders.values()), *under.values()),
        codes=code_hits(asked.codes, answers.codes),
        forged=asked.codes.forged,
        taught={address: found.taught for address, found in outsiders.items() if found.taught},
        staff=asked.own.union(known.keys() - outsiders.keys()),
        inquirers=_inquirers(asked, answers.addresses),
        is_own_program=bool(asked.program) and not answers.addresses[asked.program].is_staff,
        erased=erased,
    )


def _inquirers(asked: Questions, known: Mapping[str, KnownAddress]) -> frozenset[str]:
    """For whom a program of the organisation's wrote: nobody, where its sender is an agent."""
    if not asked.program or known[asked.program].is_staff:
        return frozenset()
    # An agent whose mailbox lies outside the own domains asks nothing.
    return frozenset(address for address in asked.inquirers if not _is_staff(address, known))


def _is_staff(address: str, known: Mapping[str, KnownAddress]) -> bool:
    return address in known and known[address].is_staff


def code_hits(found: Found, records: Mapping[str, tuple[RecordRef, ...]]) -> tuple[CodeHit, ...]:
    """The codes that were issued: a signature that is right by chance leads nowhere."""
    return tuple(CodeHit(code.text, records[code.text]) for code in found.codes if code.text in records)


def with_code_records(
    candidates: Candidates, read: Mapping[RecordRef, Record], people: Mapping[RecordRef, Record]
) -> Candidates:
    """The same with the contacts of its codes' records, and the domains at which these have people.

    `people` are contacts that may be theirs, as `contacts_of_codes` asks for them.
    """
    hits = (_with_people(hit, read, people) for hit in candidates.codes)
    return with_records(replace(candidates, codes=tuple(hits)), read)


def _with_people(
    hit: CodeHit, read: Mapping[RecordRef, Record], people: Mapping[RecordRef, Record]
) -> CodeHit:
    records = [read[ref] for ref in hit.links if ref in read]
    properties = {record.ref.id for record in records if record.ref.kind == "property"}
    listed = set(chain.from_iterable(record.contacts for record in records))
    # Under the id that a record lists: the contact may have been merged into another one since.
    own = [
        contact
        for ref, contact in people.items()
        if ref.id in listed or not properties.isdisjoint(contact.properties)
    ]
    return replace(
        hit,
        domains=_domains_at((*records, *own)),
        contacts=frozenset(listed.union(contact.ref.id for contact in own)),
    )


def with_records(candidates: Candidates, read: Mapping[RecordRef, Record]) -> Candidates:
    """The same with the cards of records that were read; what led to merged ones leads to what took their place."""
    cards = {record.ref: record.card for record in read.values()}
    merged = {ref: record.ref for ref, record in read.items() if record.ref != ref}
    return replace(candidates, cards={**candidates.cards, **cards}).moved(merged)


def with_subjects(candidates: Candidates, found: Mapping[str, frozenset[Card]]) -> Candidates:
    """The same with the open records whose summary is the mail's subject; cards that are known stay."""
    cards = {**_by_ref(*found.values()), **candidates.cards}
    return replace(candidates, subjects=_refs(found), cards=cards)


def _refs(found: Mapping[str, frozenset[Card]]) -> dict[str, frozenset[RecordRef]]:
    return {text: frozenset(card.ref for card in cards) for text, cards in found.items()}


def _by_ref(*cards: Iterable[Card]) -> dict[RecordRef, Card]:
    return {card.ref: card for card in chain.from_iterable(cards)}


def _under(domains: Iterable[str], cards: Mapping[str, frozenset[Card]]) -> dict[str, frozenset[Card]]:
    """By domain: clients that gave it or one above it, and what has a contact at its registrable domain."""
    found = {
        domain: frozenset(card for card in cards.get(registrable(domain), ()) if _covers(card, domain))
        for domain in domains
    }
    return {domain: covering for domain, covering in found.items() if covering}


def _covers(card: Card, domain: str) -> bool:
    # A client that gave sales.fabrikam.example does not stand for the company's other departments.
    if card.ref.kind == "client":
        return not card.domains or in_domains(domain, card.domains)
    return card.ref.kind in DEALS


def _domains_at(records: Iterable[Record]) -> frozenset[str]:
    given: set[str] = set()
    for record in records:
        given.update(map(domain_of, record.addresses), record.domains, record.contact_domains)
    return frozenset(registrable(domain) for domain in given if not is_shared(domain)) - {""}
