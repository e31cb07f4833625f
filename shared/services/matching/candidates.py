"""Gathers what storage knows of the people and mails that messages name; capture and matching share it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from shared.domain.connections.organisations import in_domains
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.opening import opened_refs, ref_for
from shared.domain.mail import codes, conversations, subjects
from shared.domain.mail.addresses import domain_of
from shared.domain.mail.bounces import failed_recipients
from shared.domain.mail.codes import Found
from shared.domain.mail.identity import family, message_key
from shared.domain.mail.messages import MessageHead
from shared.domain.mail.public_domains import is_shared, registrable
from shared.domain.mail.senders import list_addresses
from shared.domain.matching.candidates import Candidates, CodeHit, ThreadHit
from shared.domain.matching.decisions import MatchPolicy
from shared.domain.matching.rules import LENT
from shared.domain.privacy.erasure import suppression
from shared.domain.records.records import MATTERS, Card, Record, RecordRef
from shared.ports.stores.filing import Codes, MessageStore
from shared.ports.stores.records import KnownAddress, RecordIndex, Records
from shared.services.capture.scopes import Scope
from shared.services.matching.current_records import current_records

# A contact may be on hundreds of records; those that are shown first are enough.
MOST_LISTED = 20


@dataclass(frozen=True, slots=True)
class GatherCandidates:
    """The people of several messages at once: each distinct address, domain and code is read once.

    Domains are asked for where no contact with a client stands under the address, or where the mailbox matches
    by domain. Threads are looked for apart, when a message's turn has come: the one before it may be its parent.
    """

    index: RecordIndex
    records: Records
    messages: MessageStore
    codes: Codes
    code_keys: tuple[bytes, ...]

    def __call__(self, scope: Scope, heads: Sequence[MessageHead]) -> list[Candidates]:
        outsiders = {one for head in heads for one in _named(head) if not scope.is_own(one)}
        known = self.index.addresses(scope.tenant_id, outsiders) if outsiders else {}
        asked = [_domains_of(scope, head, known) for head in heads]
        places = {registrable(one) for domains in asked for one in domains}
        cards = self.index.domains(scope.tenant_id, places) if places else {}
        found = [self._codes_in(scope, head.subject) for head in heads]
        hits = self._hits(scope, found)
        return [
            _candidates(scope, head, known, _under(domains, cards), (one, hits))
            for head, domains, one in zip(heads, asked, found, strict=True)
        ]

    def for_matching(
        self,
        scope: Scope,
        head: MessageHead,
        candidates: Candidates,
        text: str = "",
        *,
        stored: StoredMessage | None = None,
    ) -> Candidates:
        """Candidates with the mail's thread, and with cards of all records that a link may lead to.

        `text` is the body's, in which codes are looked for where the subject has none; `stored` is the mail
        itself where it is decided anew. What has its Message-ID is no evidence, nor what was opened for that, so
        that it does not matter which of its copies came first.
        """
        policy = MatchPolicy.of(scope.organisation, scope.mailbox)
        candidates = self._with_codes(scope, head, candidates, text)
        candidates = replace(
            candidates, thread=candidates.thread or self._thread(scope, head, candidates.staff)
        )
        own = family(stored.key if stored else message_key(scope.hasher, head))
        candidates = self._with_conversation(scope, head, candidates, own)
        candidates = self._with_subject(scope, head, candidates, policy)
        opened = [ref_for(kind, one) for kind in MATTERS for one in own]
        candidates = candidates.without([*opened, *(opened_refs(stored) if stored else ())])
        candidates = self._with_cards(scope, candidates, _lent(candidates) | _related(candidates))
        return self._with_listing(scope, head, candidates, policy)

    def with_hit(self, scope: Scope, candidates: Candidates) -> Candidates:
        """The same where a further stored mail has been found since."""
        return self._with_cards(scope, candidates, _lent(candidates))

    def _codes_in(self, scope: Scope, text: str) -> Found:
        return codes.find(text, self.code_keys, scope.tenant_id, scope.organisation.code_prefix)

    def _hits(self, scope: Scope, found: Iterable[Found]) -> Mapping[str, tuple[RecordRef, ...]]:
        """Records by a code's text: a signature that is right by chance leads nowhere."""
        texts = {code.number: code.text for one in found for code in one.codes}
        known = self.codes.get_many(scope.tenant_id, texts) if texts else {}
        return {texts[number]: refs for number, refs in known.items()}

    def _with_codes(self, scope: Scope, head: MessageHead, candidates: Candidates, text: str) -> Candidates:
        """A forward's body is somebody else's thread; a body is asked only where the subject says nothing."""
        if not candidates.codes and text and subjects.kind(head.subject) != "forward":
            found = self._codes_in(scope, text)
            hits = self._hits(scope, [found])
            candidates = replace(
                candidates, codes=_code_hits(found, hits), forged=candidates.forged + found.forged
            )
        if not candidates.codes:
            return candidates
        refs = {ref for hit in candidates.codes for ref in hit.links}
        records = current_records(self.records, scope.tenant_id, refs)
        cards = {**candidates.cards, **{one.ref: one.card for one in records.values()}}
        hits_with_domains = tuple(
            replace(hit, domains=_domains_at(records[ref] for ref in hit.links if ref in records))
            for hit in candidates.codes
        )
        return replace(candidates, codes=hits_with_domains, cards=cards).moved(_merged(records))

    def _thread(self, scope: Scope, head: MessageHead, staff: frozenset[str]) -> tuple[ThreadHit, ...]:
        """The stored mails that a mail answers, nearest first.

        Where several mails reuse one Message-ID, only one that shares an outside participant counts.
        """
        outsiders = head.participants - staff
        ids = {scope.hasher.message_id(one): one for one in head.answers}
        found = self.messages.find(scope.tenant_id, ids) if ids else {}
        hits: list[ThreadHit] = []
        for key in ids:
            siblings = found.get(key, ())
            hits += [one for one in siblings if len(siblings) == 1 or one.participants & outsiders]
        return tuple(hits)

    def _with_conversation(
        self, scope: Scope, head: MessageHead, candidates: Candidates, own: Collection[str]
    ) -> Candidates:
        """Asked only where the thread led nowhere and the mail says that it goes on with something.

        It goes on with what was there before it, not with its own answers, nor with mail of its `own` keys.
        """
        index = conversations.guid_of(head.conversation_index)
        if not index:
            return candidates
        key = scope.hasher("conversation", index)
        candidates = replace(candidates, conversation_key=key)
        if candidates.parent is not None or not conversations.goes_on(head):
            return candidates
        until = conversations.latest(head)
        found = self.messages.of_conversation(scope.tenant_id, key, until=until, apart_from=own)
        return replace(candidates, conversation=found)

    def _with_subject(
        self, scope: Scope, head: MessageHead, candidates: Candidates, policy: MatchPolicy
    ) -> Candidates:
        subject = subjects.normalise(head.subject) if policy.by_subject else ""
        if not subject:
            return candidates
        found = self.index.subjects(scope.tenant_id, [subject])
        cards = {card.ref: card for under in found.values() for card in under}
        return replace(
            candidates,
            subjects={one: frozenset(card.ref for card in under) for one, under in found.items()},
            cards={**cards, **candidates.cards},
        )

    def _with_listing(
        self, scope: Scope, head: MessageHead, candidates: Candidates, policy: MatchPolicy
    ) -> Candidates:
        """Records of the mailbox's kind that list a contact, to be suggested where nothing better reaches one."""
        if policy.matched_to is None:
            return candidates
        reached = (link.ref.kind for rule in LENT for link in rule(head, candidates, policy))
        contacts = {
            one.id: one for refs in candidates.addresses.values() for one in refs if one.kind == "contact"
        }
        if not contacts or policy.matched_to in reached:
            return candidates
        found = self.index.listing_contact(scope.tenant_id, contacts)
        listing_contact = {
            contacts[one]: frozenset(sorted(refs)[:MOST_LISTED]) for one, refs in found.items()
        }
        candidates = replace(candidates, listing_contact=listing_contact)
        return self._with_cards(scope, candidates, {ref for refs in listing_contact.values() for ref in refs})

    def _with_cards(self, scope: Scope, candidates: Candidates, wanted: Iterable[RecordRef]) -> Candidates:
        missing = set(wanted) - candidates.cards.keys()
        if not missing:
            return candidates
        read = current_records(self.records, scope.tenant_id, missing)
        cards = {**candidates.cards, **{one.ref: one.card for one in read.values()}}
        return replace(candidates, cards=cards).moved(_merged(read))


def _merged(read: Mapping[RecordRef, Record]) -> dict[RecordRef, RecordRef]:
    """Where links to records that have been merged lead."""
    return {ref: one.ref for ref, one in read.items() if one.ref != ref}


def _lent(candidates: Candidates) -> set[RecordRef]:
    """The records of the mails that this one goes on with."""
    mails = (candidates.parent, candidates.bounced, *candidates.conversation)
    return {ref for one in mails if one is not None for ref in one.links}


def _related(candidates: Candidates) -> set[RecordRef]:
    clients = {RecordRef("client", one.client) for one in candidates.cards.values() if one.client}
    return clients | {ref for refs in candidates.taught.values() for ref in refs}


def _named(head: MessageHead) -> frozenset[str]:
    """Who is looked up: everyone on it, and whom a bounce says in its headers that a mail did not reach."""
    return head.participants | failed_recipients(head.headers)


def _is_answered(one: KnownAddress) -> bool:
    return one.is_staff or any(card.client for card in one.cards)


def _domains_of(scope: Scope, head: MessageHead, known: Mapping[str, KnownAddress]) -> frozenset[str]:
    """The domains to be asked for: none of lists, and none that many organisations share.

    By this mail's own people: another mail of the batch may have had the same domain read.
    """
    by_domain = MatchPolicy.of(scope.organisation, scope.mailbox).by_domain
    people = (_named(head) & known.keys()) - list_addresses(head.headers)
    asked = (one for one in people if not known[one].is_staff and (by_domain or not _is_answered(known[one])))
    return frozenset(
        domain for domain in map(domain_of, asked) if registrable(domain) and not is_shared(domain)
    )


def _under(domains: Iterable[str], cards: Mapping[str, frozenset[Card]]) -> dict[str, frozenset[Card]]:
    """By domain: clients that gave it or one above it, and what has a contact at its registrable domain."""
    return {
        domain: frozenset(one for one in cards.get(registrable(domain), ()) if _covers(one, domain))
        for domain in domains
    }


def _covers(card: Card, domain: str) -> bool:
    if card.ref.kind == "client":
        return not card.domains or in_domains(domain, card.domains)
    return card.ref.kind in MATTERS


def _domains_at(records: Iterable[Record]) -> frozenset[str]:
    given = (
        domain
        for one in records
        for domain in (*map(domain_of, one.addresses), *one.domains, *one.contact_domains)
    )
    return frozenset(registrable(one) for one in given if not is_shared(one)) - {""}


def _code_hits(found: Found, hits: Mapping[str, tuple[RecordRef, ...]]) -> tuple[CodeHit, ...]:
    return tuple(CodeHit(one.text, hits[one.text]) for one in found.codes if one.text in hits)


def _candidates(
    scope: Scope,
    head: MessageHead,
    known: Mapping[str, KnownAddress],
    domains: Mapping[str, frozenset[Card]],
    coded: tuple[Found, Mapping[str, tuple[RecordRef, ...]]],
) -> Candidates:
    people = _named(head)
    # A colleague who stands on a contact card all the same must not have mail filed for it.
    outsiders = {one for one in people & known.keys() if not known[one].is_staff}
    found = {domain: cards for domain, cards in domains.items() if cards}
    cards: Iterable[Card] = (
        *(card for one in outsiders for card in known[one].cards),
        *(card for under in found.values() for card in under),
    )
    return Candidates(
        addresses={one: known[one].records for one in outsiders},
        domains={domain: frozenset(card.ref for card in under) for domain, under in found.items()},
        cards={card.ref: card for card in cards},
        codes=_code_hits(*coded),
        forged=coded[0].forged,
        taught={one: known[one].taught for one in outsiders if known[one].taught},
        staff=frozenset(one for one in people if (one in known and known[one].is_staff) or scope.is_own(one)),
        erased=_erased(scope, people),
    )


def _erased(scope: Scope, people: frozenset[str]) -> frozenset[str]:
    """Nothing is hashed in an organisation that has erased nobody."""
    suppressed = scope.organisation.erased
    return frozenset(one for one in people if suppressed and suppression(scope.hasher, one) in suppressed)
