"""The rules of the cascade: each looks at one kind of evidence, and yields a link for every record it speaks for.

Mails lend their records (`LENT`), subjects and domains lead to the record that a mailbox is matched to
(`DEALS`), people to their contact and client (`PEOPLE`).
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, product
from typing import Final

from shared.domain.mail import subjects
from shared.domain.mail.addresses import domain_of, mailbox_keys
from shared.domain.mail.messages import Direction, MessageHead
from shared.domain.mail.public_domains import registrable
from shared.domain.matching.ancestry import lenders
from shared.domain.matching.candidates import Candidates, CodeHit, ThreadHit
from shared.domain.matching.decisions import Link, MatchPolicy
from shared.domain.matching.evidence import (
    BCC,
    BOUNCE,
    CODE,
    CONVERSATION,
    SENT,
    THREAD,
    Evidence,
    of_person,
)
from shared.domain.records.records import Card, RecordRef

Rule = Callable[[MessageHead, Candidates, MatchPolicy], Iterable[Link]]

# Only their order decides; docs/matching.md shows them rule by rule.
OPENED_SCORE: Final = 100
THREAD_SCORE: Final = 90
_SENT, _CODE, _BOUNCE, _CONVERSATION = 98, 95, 92, 85
_SUBJECT, _CONTACT, _CLIENT_OF_CONTACT, _TAUGHT, _CLIENT_DOMAIN, _DEAL_DOMAIN = 82, 80, 75, 70, 60, 55


def by_outbox(_head: MessageHead, candidates: Candidates, _policy: MatchPolicy) -> Iterable[Link]:
    """The copy of a mail of the outbox: the records that it was sent for, and the clients of contacts among them."""
    mail = candidates.sent
    if mail is not None:
        known = (candidates.cards[ref] for ref in mail.records if ref in candidates.cards)
        clients = sorted(_clients_of(card for card in known if card.ref.kind == "contact"))
        refs = dict.fromkeys((*mail.records, *clients))
        yield from _lent(refs, candidates, "sent", Evidence(SENT), _SENT)


def by_code(head: MessageHead, candidates: Candidates, _policy: MatchPolicy) -> Iterable[Link]:
    """A signed reference code, quoted by somebody who is known to one of its records: all of these."""
    for hit in candidates.codes:
        if is_vouched_for(head, candidates, hit):
            yield from _lent(hit.lent, candidates, "code", Evidence(CODE, text=hit.code), _CODE)


def by_bounce(_head: MessageHead, candidates: Candidates, _policy: MatchPolicy) -> Iterable[Link]:
    """A report of non-delivery: where the mail is that did not arrive."""
    hit = candidates.bounced
    if hit is not None:
        yield from _lent(hit.lent, candidates, "bounce", Evidence(BOUNCE, text=hit.evidence), _BOUNCE)


def by_thread(_head: MessageHead, candidates: Candidates, _policy: MatchPolicy) -> Iterable[Link]:
    """The mails that this one answers lend their links, whoever received them: `ancestry` says which, and what."""
    for hit in lenders(candidates.thread):
        yield from _lent(hit.lent, candidates, "thread", Evidence(THREAD, text=hit.evidence), THREAD_SCORE)


def by_conversation(head: MessageHead, candidates: Candidates, _policy: MatchPolicy) -> Iterable[Link]:
    """A stored mail of the same conversation index that shares an outside participant; the closest circle counts."""
    # The evidence names the people who are shared: with a Bcc among them it would give the Bcc away.
    people = frozenset(address for role, address in head.roles if role != BCC) - candidates.staff
    shared = {hit.key: len(hit.among(people)) for hit in candidates.conversation if hit.is_filed}
    most = max(shared.values(), default=0)
    for hit in candidates.conversation:
        if most and shared.get(hit.key) == most:
            yield from _lent(hit.lent, candidates, "conversation", _shared(hit, people), _CONVERSATION)


def by_subject(head: MessageHead, candidates: Candidates, policy: MatchPolicy) -> Iterable[Link]:
    """The subject is the summary of an open record of the mailbox's kind, and a correspondent's contact is on it.

    Contacts that the record lists go before contacts of its client; a summary with the subject's tags in brackets goes
    before one without.
    """
    spellings = subjects.spellings(head.subject) if policy.by_subject else ()
    found = (list(_of_summary(text, head, candidates, policy)) for text in spellings)
    yield from next(filter(None, found), [])


def _of_summary(
    summary: str, head: MessageHead, candidates: Candidates, policy: MatchPolicy
) -> Iterator[Link]:
    deals = _open_deals(candidates.of_subject([summary]), candidates, policy)
    pairs = list(product(deals, _writing_contacts(head, candidates, policy)))
    listed = [(deal, who) for deal, (who, contact) in pairs if contact.ref.id in deal.contacts]
    of_client = [
        (deal, who) for deal, (who, contact) in pairs if deal.client and contact.client == deal.client
    ]
    for deal, who in listed or of_client:
        yield Link(deal.ref, "subject", who, _SUBJECT)


def _writing_contacts(
    head: MessageHead, candidates: Candidates, policy: MatchPolicy
) -> Iterator[tuple[Evidence, Card]]:
    """The contacts of those a subject is compared for, each with its part in the mail."""
    for role, address in correspondents(head, candidates):
        who = of_person(role, address, ", and the subject is its summary")
        yield from ((who, contact) for contact in candidates.contacts(address) if policy.takes(contact))


def by_contact(head: MessageHead, candidates: Candidates, policy: MatchPolicy) -> Iterable[Link]:
    """A participant's address is on a contact card: the contact, and its client always."""
    for role, address in head.roles:
        for contact in candidates.contacts(address):
            if not policy.takes(contact):
                continue
            yield Link(contact.ref, "contact_address", of_person(role, address), _CONTACT)
            client = client_of(contact, candidates)
            if client is not None and policy.takes(client):
                evidence = of_person(role, address, f" of {contact.ref}")
                yield Link(client.ref, "contact_address", evidence, _CLIENT_OF_CONTACT)


def by_taught(head: MessageHead, candidates: Candidates, policy: MatchPolicy) -> Iterable[Link]:
    """An agent has said that mail of this address belongs there."""
    for role, address in head.roles:
        for ref in candidates.taught.get(address, ()):
            card = candidates.cards.get(ref)
            if card is not None and policy.takes(card):
                yield Link(ref, "taught", of_person(role, address), _TAUGHT)


def by_domain(head: MessageHead, candidates: Candidates, policy: MatchPolicy) -> Iterable[Link]:
    """A participant writes from a client's domain, and no contact with a client of its own: the client."""
    for role, address in head.roles:
        # The contact's own client is the better answer: several companies may share a domain.
        if any(contact.client for contact in candidates.contacts(address)):
            continue
        for client in candidates.clients(address):
            if policy.takes(client):
                yield Link(client.ref, "domain", of_person(role, address), _CLIENT_DOMAIN)


def by_deal(head: MessageHead, candidates: Candidates, policy: MatchPolicy) -> Iterable[Link]:
    """A mailbox that matches by domain: the open records of its kind that have a contact at a correspondent's domain.

    Somebody else in Cc says nothing: the mail is about the business of who wrote it.
    """
    if not policy.by_domain:
        return
    for role, address in correspondents(head, candidates):
        refs = candidates.domains.get(domain_of(address), ())
        for deal in _open_deals(refs, candidates, policy):
            yield Link(deal.ref, "domain", of_person(role, address), _DEAL_DOMAIN)


LENT: Final[tuple[Rule, ...]] = (by_outbox, by_code, by_bounce, by_thread, by_conversation)
DEALS: Final[tuple[Rule, ...]] = (by_subject, by_deal)
PEOPLE: Final[tuple[Rule, ...]] = (by_contact, by_taught, by_domain)


def is_vouched_for(head: MessageHead, candidates: Candidates, hit: CodeHit) -> bool:
    """Whether a code's sender is known to one of the code's records, by address or by domain, or is staff.

    So is a stranger to whom mail with the code was sent. A code proves the thread, not the sender: it travels with
    every quote and forward.
    """
    if candidates.is_colleagues(head):
        return True
    writers = candidates.writers(head)
    if not mailbox_keys(writers).isdisjoint(mailbox_keys(hit.recipients)):
        return True
    if any(registrable(domain_of(writer)) in hit.domains for writer in writers):
        return True
    cards = chain.from_iterable(map(candidates.contacts, writers))
    if any(contact.ref.id in hit.contacts for contact in cards):
        return True
    known = [candidates.cards[ref] for ref in hit.links if ref in candidates.cards]
    return any(_knows(card, address, candidates) for card, address in product(known, writers))


def _knows(card: Card, address: str, candidates: Candidates) -> bool:
    """Whether an address is known to a record: by its contacts, its client, or because an agent has said so."""
    contacts = candidates.contacts(address)
    clients = _clients_of(contacts).union(client.ref for client in candidates.clients(address))
    if card.client and RecordRef("client", card.client) in clients:
        return True
    if any(contact.ref.id in card.contacts for contact in contacts):
        return True
    taught = candidates.taught.get(address, frozenset())
    at_domain = candidates.domains.get(domain_of(address), frozenset())
    return card.ref in clients.union((contact.ref for contact in contacts), taught, at_domain)


def _clients_of(contacts: Iterable[Card]) -> frozenset[RecordRef]:
    return frozenset(RecordRef("client", contact.client) for contact in contacts if contact.client)


def correspondents(head: MessageHead, candidates: Candidates) -> Iterator[tuple[str, str]]:
    """(role, address) of those who say which deal it is about: who wrote it, or whom a colleague wrote to."""
    # What a colleague writes speaks for the people written to, what comes in for its sender.
    sent = candidates.direction(head) is Direction.OUT
    for role, address in head.roles:
        if address not in candidates.staff and (role not in ("from", "reply-to")) is sent:
            yield role, address


def client_of(contact: Card, candidates: Candidates) -> Card | None:
    """The card of a contact's client."""
    return candidates.cards.get(RecordRef("client", contact.client)) if contact.client else None


def _open_deals(refs: Iterable[RecordRef], candidates: Candidates, policy: MatchPolicy) -> list[Card]:
    """Those of the kind that the mailbox is matched to, by id."""
    cards = (candidates.cards.get(ref) for ref in sorted(refs) if ref.kind == policy.matched_to)
    return [card for card in cards if card is not None and policy.takes(card)]


def _lent(
    refs: Iterable[RecordRef], candidates: Candidates, rule: str, evidence: Evidence, score: int
) -> Iterator[Link]:
    """Links to records that still exist, closed ones marked."""
    for ref in refs:
        card = candidates.cards.get(ref)
        # A conversation goes on after its record was closed; on a deleted record nobody would find the mail.
        if card is not None:
            yield Link(ref, rule, evidence, score, closed=not card.is_open)


def _shared(hit: ThreadHit, people: frozenset[str]) -> Evidence:
    # A few names are enough for a reader: a circular may share hundreds.
    shared = ", ".join(sorted(hit.among(people))[:3])
    return Evidence(CONVERSATION, text=f"{hit.evidence}, shared with {shared}")
