"""Which records a mail belongs to: a cascade of rules over candidates, each hit with evidence and score.

Pure: the same mail, candidates and policy give the same decision, in whatever order candidates came.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from shared.domain.intake.doors import is_own_door
from shared.domain.mail.addresses import domain_of
from shared.domain.mail.authentication import fails_dmarc, is_disowned
from shared.domain.mail.automatic import Automatic, nature_of
from shared.domain.mail.messages import Direction, MessageHead
from shared.domain.mail.senders import list_addresses
from shared.domain.mail.spam import is_marked_spam
from shared.domain.matching.candidates import Candidates, ThreadHit
from shared.domain.matching.decisions import (
    BY_RULE,
    Decision,
    Disposition,
    Link,
    MatchPolicy,
    best_first,
    is_better,
)
from shared.domain.matching.evidence import THREAD, Evidence
from shared.domain.matching.rules import DEALS, LENT, PEOPLE, THREAD_SCORE, Rule, is_vouched_for
from shared.domain.matching.suggestions import suggest
from shared.domain.records.records import RecordRef

# The order is the one in docs/matching.md: what proves a conversation comes before what only knows people.
CASCADE: Final[tuple[Rule, ...]] = (*LENT, *DEALS, *PEOPLE)
# The kinds of record that say who somebody is.
_PEOPLES: Final = ("contact", "client")
# Why no record is opened for a mail that wants one: it may have lain there before; its sender has had enough of them.
OLD_MAIL: Final = "old_mail"
TOO_MANY: Final = "too_many"
# Why a mail is not filed, the gravest first: what several looks come to.
TRIAGE_REASONS: Final = (
    "forged_sender",
    "marked_spam",
    "claims_code",
    OLD_MAIL,
    TOO_MANY,
    "ambiguous",
    "no_match",
)


@dataclass(frozen=True, slots=True)
class _Hits:
    """What the rules found: the best link of each record, and records between which nothing decides."""

    links: tuple[Link, ...]
    ambiguous: tuple[Link, ...] = ()


def match(head: MessageHead, candidates: Candidates, policy: MatchPolicy) -> Decision:
    """Run the cascade. A record hit by several rules keeps its best link; nothing hit means triage."""
    policy = policy.through(candidates.door)
    hits = _hits(head, candidates, policy)
    opens = _opens(head, candidates, hits, policy)
    doubt = _doubt(head, candidates, hits) or (_doubt_of_opening(head, policy) if opens else "")
    decision = _decision(hits, doubt)
    if candidates.direction(head) is Direction.OUT:
        # Its sender knows where it belongs: sent mail is never listed, and opens nothing.
        return decision
    listed = reason_to_list(hits.links, policy)
    if listed or not decision.links:
        found = suggest(head, candidates, policy, hits.links + hits.ambiguous)
        decision = replace(decision, suggestions=_without(found, decision.links))
    # A record that is opened for the mail answers the question for which the mail would be listed.
    if opens and not doubt:
        return replace(decision, opens=policy.opens, opens_as=_next_id(hits, candidates, policy))
    return replace(decision, listed=listed)


def reason_to_list(links: Iterable[Link], policy: MatchPolicy) -> str:
    """Why an incoming mail stands in My Inbox of a mailbox's agent though it is filed; '' = it does not."""
    if not policy.matching:
        return "matching_off"
    if policy.matched_to and not _reaches(links, policy.matched_to):
        return "no_record_of_kind"
    return ""


def merge(stored: Decision, other: Decision) -> Decision:
    """What two decisions on one mail come to: filed beats triage, and each record keeps its best link.

    A link that a person made stays as it is. Whichever comes first, the same links come out.
    """
    if stored.disposition is not other.disposition:
        filed, triaged = (stored, other) if stored.disposition is Disposition.FILED else (other, stored)
        return replace(filed, suggestions=_united(filed, triaged, filed.links))
    links = _merged_links(stored.links, other.links)
    merged = replace(
        stored,
        links=links,
        reason=links[0].rule if links else _gravest(stored.reason, other.reason),
        suggestions=_united(stored, other, links),
        version=other.version,
    )
    return stored if replace(merged, version=stored.version) == stored else merged


def _merged_links(stored: tuple[Link, ...], others: Iterable[Link]) -> tuple[Link, ...]:
    best = {link.ref: link for link in stored}
    # No rule replaces a link that a person made.
    by_person = {link.ref for link in stored if link.by != BY_RULE}
    _take(best, (link for link in others if link.ref not in by_person))
    # The order in which links stand is kept where nothing changes: a repeat must write nothing.
    is_same = tuple(best.values()) == stored
    return stored if is_same else tuple(sorted(best.values(), key=best_first))


def _decision(hits: _Hits, doubt: str) -> Decision:
    if hits.links and not doubt:
        return Decision(Disposition.FILED, hits.links, hits.links[0].rule)
    return Decision(Disposition.TRIAGE, reason=doubt or "no_match")


def _hits(head: MessageHead, candidates: Candidates, policy: MatchPolicy) -> _Hits:
    best: dict[RecordRef, Link] = {}
    for rule in LENT:
        _take(best, rule(head, candidates, policy))
    _take(best, _going_on(best, candidates, policy))
    # A thread that reaches an open record of the kind says more than a subject or a domain.
    found = {} if _reaches(best.values(), policy.matched_to) else _deals(head, candidates, policy)
    # A wrong record is worse than a question: of several deals none is taken.
    is_clear = len(found) == 1
    best |= found if is_clear else {}
    for rule in PEOPLE if _takes_people(head, candidates, policy) else ():
        _take(best, rule(head, candidates, policy))
    ambiguous = () if is_clear else tuple(found.values())
    return _Hits(tuple(sorted(best.values(), key=best_first)), ambiguous)


def _going_on(lent: Mapping[RecordRef, Link], candidates: Candidates, policy: MatchPolicy) -> Iterator[Link]:
    """Open records that went on with closed ones; and the one that was opened for an answer which came first."""
    if policy.goes_on_anew:
        for ref, successor in candidates.successors.items():
            if ref in lent:
                yield replace(lent[ref], ref=successor, closed=False)
    opened: dict[RecordRef, ThreadHit] = {}
    for hit in candidates.answers:
        opened |= {ref: hit for ref in hit.lent if ref.kind == policy.opens}
    # Several answers that opened records of their own: nobody knows to which of them it belongs.
    if len(opened) == 1:
        for ref, hit in opened.items():
            yield Link(ref, "thread", Evidence(THREAD, text=hit.evidence), THREAD_SCORE)


def _takes_people(head: MessageHead, candidates: Candidates, policy: MatchPolicy) -> bool:
    # With matching off an agent files what comes in, by hand; what is sent stands in no My Inbox to be filed from.
    return policy.matching or candidates.direction(head) is Direction.OUT


def _deals(head: MessageHead, candidates: Candidates, policy: MatchPolicy) -> dict[RecordRef, Link]:
    """What the first rule that hits any finds of the kind that the mailbox is matched to."""
    for rule in DEALS if policy.matched_to else ():
        found: dict[RecordRef, Link] = {}
        _take(found, rule(head, candidates, policy))
        if found:
            return found
    return {}


def _take(best: dict[RecordRef, Link], links: Iterable[Link]) -> None:
    for link in links:
        if is_better(link, best.get(link.ref)):
            best[link.ref] = link


def _doubt(head: MessageHead, candidates: Candidates, hits: _Hits) -> str:
    """What keeps a mail from being filed although rules hit: '' = nothing."""
    if candidates.direction(head) is Direction.OUT:
        return ""
    if _is_forged(head, candidates):
        return "forged_sender"
    if _is_claimed(head, candidates, hits):
        return "claims_code"
    return "ambiguous" if _is_ambiguous(hits) else ""


def _is_forged(head: MessageHead, candidates: Candidates) -> bool:
    """A sender whose domain disowns the mail (RFC 7489), where that sender or domain is known, or a colleague's."""
    address = head.sender.address
    if address in candidates.staff:
        # A colleague's name opens doors: here it must be proved, whatever our own domain asks of receivers.
        return fails_dmarc(head.headers)
    known = candidates.addresses.get(address) or candidates.domains.get(domain_of(address))
    return bool(known) and is_disowned(head.headers)


def _is_claimed(head: MessageHead, candidates: Candidates, hits: _Hits) -> bool:
    """Whether it quotes a code of records that neither its sender is known to, nor its thread leads to."""
    reached = {link.ref for link in hits.links if link.rule in ("code", "bounce", "thread")}
    unproven = (hit for hit in candidates.codes if reached.isdisjoint(hit.links))
    return any(not is_vouched_for(head, candidates, hit) for hit in unproven)


def _is_ambiguous(hits: _Hits) -> bool:
    # A contact's own address speaks for the mail whichever of the deals it is about.
    return bool(hits.ambiguous) and all(link.rule == "domain" for link in hits.links)


def _opens(head: MessageHead, candidates: Candidates, hits: _Hits, policy: MatchPolicy) -> bool:
    """Whether the mailbox wants a record for it: a person wrote it, and nothing was found that it belongs to."""
    if policy.unmatched != "new" or not policy.matching or hits.ambiguous:
        return False
    if candidates.direction(head) is Direction.OUT:
        return False
    return not _belongs(hits, policy) and is_of_person(head, policy)


def _doubt_of_opening(head: MessageHead, policy: MatchPolicy) -> str:
    """Why no machine takes a mail to an intake mailbox for an enquiry, though it may well be one."""
    if not policy.is_intake:
        return ""
    if is_disowned(head.headers):
        return "forged_sender"
    return "marked_spam" if is_marked_spam(head.headers) else ""


def _next_id(hits: _Hits, candidates: Candidates, policy: MatchPolicy) -> str:
    """The id of the record that goes on with a closed one: the same for whatever else answers that."""
    closed = [link.ref for link in hits.links if link.closed and link.ref.kind == policy.opens]
    return candidates.next_ids.get(closed[0], "") if closed and policy.goes_on_anew else ""


def _belongs(hits: _Hits, policy: MatchPolicy) -> bool:
    if policy.matched_to:
        return _reaches(hits.links, policy.matched_to)
    if policy.is_intake:
        # To know who wrote is not to know what about: a contact's next request is a case of its own.
        known = (link for link in hits.links if link.ref.kind not in _PEOPLES and link.rule != "taught")
        return any(not (link.closed and policy.goes_on_anew) for link in known)
    return bool(hits.links)


def is_of_person(head: MessageHead, policy: MatchPolicy) -> bool:
    nature = nature_of(head.headers, head.sender.address, head.subject)
    if nature.automatic is not Automatic.NONE:
        return False
    # List mail is no automatic mail, but nobody expects a record of it; unless the list is the mailbox's own door.
    return not nature.is_list or comes_by_own_door(head, policy)


def unopened(decision: Decision, reason: str) -> Decision:
    """The decision on a mail for which no record is opened after all: it waits, and its links are suggested."""
    return replace(
        decision,
        disposition=Disposition.TRIAGE,
        links=(),
        reason=reason,
        suggestions=(*decision.links, *_without(decision.suggestions, decision.links)),
        opens="",
        opens_as="",
    )


def comes_by_own_door(head: MessageHead, policy: MatchPolicy) -> bool:
    """Whether the lists that passed a mail on are the organisation's own."""
    lists = list_addresses(head.headers)
    return policy.is_intake and is_own_door(lists, policy.own_domains, policy.routes)


def _reaches(links: Iterable[Link], kind: str | None) -> bool:
    return any(link.ref.kind == kind and not link.closed for link in links)


def _gravest(reason: str, other: str) -> str:
    known = [doubt for doubt in TRIAGE_REASONS if doubt in (reason, other)]
    return known[0] if known else reason


def _united(decision: Decision, other: Decision, links: Iterable[Link]) -> tuple[Link, ...]:
    best: dict[RecordRef, Link] = {}
    _take(best, (*decision.suggestions, *other.suggestions))
    return _without(sorted(best.values(), key=best_first), links)


def _without(suggestions: Iterable[Link], links: Iterable[Link]) -> tuple[Link, ...]:
    taken = {link.ref for link in links}
    return tuple(link for link in suggestions if link.ref not in taken)
