"""Gathers what storage knows of the people and mails that messages name; capture and matching share it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from shared.domain.addresses import domain_of
from shared.domain.candidates import Candidates, ThreadHit
from shared.domain.messages import MessageHead
from shared.domain.records import Card, RecordRef
from shared.ports import KnownAddress, MessageStore, RecordIndex, Records
from shared.services.scopes import Scope
from shared.services.survivors import survivors


@dataclass(frozen=True, slots=True)
class GatherCandidates:
    """The people of several messages at once: each distinct address and domain is read once.

    Domains are asked for where no contact with a client stands under the address. Threads are looked for
    apart, when a message's turn has come: the one before it may be its parent.
    """

    index: RecordIndex
    records: Records
    messages: MessageStore

    def __call__(self, scope: Scope, heads: Sequence[MessageHead]) -> list[Candidates]:
        outsiders = {one for head in heads for one in head.participants if not scope.is_own(one)}
        known = self.index.addresses(scope.tenant_id, outsiders) if outsiders else {}
        open_ones = {domain_of(address) for address, one in known.items() if not _is_answered(one)} - {""}
        domains = self.index.domains(scope.tenant_id, open_ones) if open_ones else {}
        return [_candidates(scope, head, known, domains) for head in heads]

    def for_matching(self, scope: Scope, head: MessageHead, candidates: Candidates) -> Candidates:
        """Candidates with the mail's thread, and with cards of all records that a link may lead to."""
        thread = candidates.thread or self._thread(scope, head)
        candidates = replace(candidates, thread=thread)
        parent = candidates.parent
        wanted = {RecordRef("client", one.client) for one in candidates.cards.values() if one.client}
        wanted |= set(parent.links) if parent else set()
        missing = wanted - candidates.cards.keys()
        if not missing:
            return candidates
        read = survivors(self.records, scope.tenant_id, missing)
        merged = {ref: one.ref for ref, one in read.items() if one.ref != ref}
        cards = {**candidates.cards, **{one.ref: one.card for one in read.values()}}
        return replace(candidates, thread=tuple(one.moved(merged) for one in thread), cards=cards)

    def _thread(self, scope: Scope, head: MessageHead) -> tuple[ThreadHit, ...]:
        """The stored mails that a mail answers, nearest first.

        Where several mails reuse one Message-ID, only one that shares a participant counts.
        """
        ids = {scope.hasher.message_id(one): one for one in head.answers}
        found = self.messages.find(scope.tenant_id, ids) if ids else {}
        hits: list[ThreadHit] = []
        for key in ids:
            siblings = found.get(key, ())
            hits += [one for one in siblings if len(siblings) == 1 or one.participants & head.participants]
        return tuple(hits)


def _is_answered(one: KnownAddress) -> bool:
    return one.is_staff or any(card.client for card in one.cards)


def _candidates(
    scope: Scope,
    head: MessageHead,
    known: Mapping[str, KnownAddress],
    domains: Mapping[str, frozenset[Card]],
) -> Candidates:
    people = head.participants
    # A colleague who stands on a contact card all the same must not have mail filed for it.
    outsiders = {one for one in people & known.keys() if not known[one].is_staff}
    # By this mail's own people: another mail of the batch may have had the same domain read.
    asked = {domain_of(one) for one in outsiders if not _is_answered(known[one])}
    clients = {
        domain: frozenset(c for c in domains.get(domain, ()) if c.ref.kind == "client") for domain in asked
    }
    found = {domain: cards for domain, cards in clients.items() if cards}
    cards: Iterable[Card] = (
        *(card for one in outsiders for card in known[one].cards),
        *(card for refs in found.values() for card in refs),
    )
    return Candidates(
        addresses={one: known[one].records for one in outsiders},
        domains={domain: frozenset(card.ref for card in refs) for domain, refs in found.items()},
        cards={card.ref: card for card in cards},
        staff=frozenset(one for one in people if (one in known and known[one].is_staff) or scope.is_own(one)),
    )
