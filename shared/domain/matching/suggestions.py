"""What a person is shown in My Inbox: records that a mail may belong to, best first, each with its reason.

Evidence that is too weak to file on, or that the mailbox's policy does not take.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from shared.domain.mail import subjects
from shared.domain.mail.addresses import domain_of
from shared.domain.mail.messages import MessageHead
from shared.domain.matching.candidates import Candidates
from shared.domain.matching.decisions import Link, MatchPolicy, best_first, is_better
from shared.domain.matching.evidence import CODE, SUBJECT, Evidence, of_person
from shared.domain.matching.rules import PEOPLE, client_of
from shared.domain.records.records import Card, RecordRef

MOST_SUGGESTIONS: Final = 10

# All below the scores of the cascade, so that what a rule hit stands first.
_CLAIMED, _LISTED, _OF_OTHER_KIND, _SUBJECT, _NOT_TAKEN = 50, 52, 42, 45, 30
# Many people share a domain: it says less than an address, and least where they only have a copy.
_DOMAIN_OF_OTHERS, _NOT_TAKEN_DOMAIN = 35, 20


def suggest(
    head: MessageHead, candidates: Candidates, policy: MatchPolicy, found: Iterable[Link]
) -> tuple[Link, ...]:
    """At most ten. `found` is what rules hit: it comes first where the mail is not filed on it."""
    best: dict[RecordRef, Link] = {}
    for link in (*found, *_weaker(head, candidates, policy)):
        if is_better(link, best.get(link.ref)):
            best[link.ref] = link
    return tuple(sorted(best.values(), key=best_first)[:MOST_SUGGESTIONS])


def _weaker(head: MessageHead, candidates: Candidates, policy: MatchPolicy) -> Iterator[Link]:
    yield from _claimed(candidates)
    yield from _listed(head, candidates, policy)
    yield from _of_subject(head, candidates)
    yield from _at_any_domain(head, candidates, policy)
    yield from _not_taken(head, candidates, policy)
    for rule in PEOPLE if not policy.matching else ():
        yield from rule(head, candidates, policy)


def _claimed(candidates: Candidates) -> Iterator[Link]:
    """What a code says, whoever quotes it."""
    for hit in candidates.codes:
        for card in _known(hit.links, candidates):
            yield _link(card, "code", Evidence(CODE, text=f"claims {hit.code}"), _CLAIMED)


def _listed(head: MessageHead, candidates: Candidates, policy: MatchPolicy) -> Iterator[Link]:
    """Opportunities and projects that list a participant's contact, those of the mailbox's kind first."""
    for role, address in head.roles:
        for contact in candidates.contacts(address):
            for card in _known(candidates.listing_contact.get(contact.ref, ()), candidates):
                score = _LISTED if card.ref.kind == policy.matched_to else _OF_OTHER_KIND
                evidence = of_person(role, address, ", a contact of it")
                yield _link(card, "contact_address", evidence, score if policy.takes(card) else _NOT_TAKEN)


def _of_subject(head: MessageHead, candidates: Candidates) -> Iterator[Link]:
    """An equal subject alone: one of six subjects occurs in more than one thread."""
    for card in _known(candidates.of_subject(subjects.spellings(head.subject)), candidates):
        score = _SUBJECT if card.is_open else _NOT_TAKEN
        yield _link(card, "subject", Evidence(SUBJECT, text="the subject is its summary"), score)


def _at_any_domain(head: MessageHead, candidates: Candidates, policy: MatchPolicy) -> Iterator[Link]:
    """In a mailbox that matches by domain: its kind's open records at the domain of anybody on the mail."""
    if not policy.by_domain:
        return
    for role, address in head.roles:
        for card in _known(candidates.domains.get(domain_of(address), ()), candidates):
            if card.ref.kind == policy.matched_to and policy.takes(card):
                yield _link(card, "domain", of_person(role, address), _DOMAIN_OF_OTHERS)


def _not_taken(head: MessageHead, candidates: Candidates, policy: MatchPolicy) -> Iterator[Link]:
    """Closed records and excluded types, which people alone never reach."""
    for role, address in head.roles:
        by_part = of_person(role, address)
        for card, rule, score in _reached(address, candidates):
            if not policy.takes(card):
                yield _link(card, rule, by_part, score)


def _reached(address: str, candidates: Candidates) -> Iterator[tuple[Card, str, int]]:
    """(card, rule, score) of all that an address leads to."""
    for contact in candidates.contacts(address):
        owner = client_of(contact, candidates)
        for card in (contact, owner) if owner else (contact,):
            yield card, "contact_address", _NOT_TAKEN
    for card in _known(candidates.taught.get(address, ()), candidates):
        yield card, "taught", _NOT_TAKEN
    for client in candidates.clients(address):
        yield client, "domain", _NOT_TAKEN_DOMAIN


def _known(refs: Iterable[RecordRef], candidates: Candidates) -> list[Card]:
    return [candidates.cards[ref] for ref in sorted(refs) if ref in candidates.cards]


def _link(card: Card, rule: str, evidence: Evidence, score: int) -> Link:
    return replace(Link(card.ref, rule, evidence, score), closed=not card.is_open)
