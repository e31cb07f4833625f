"""Which records a mail belongs to: a cascade of rules over candidates, each hit with evidence and score.

Pure: the same mail, candidates and policy give the same decision, in whatever order candidates came.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from shared.domain.mail.addresses import domain_of
from shared.domain.mail.authentication import fails_dmarc
from shared.domain.mail.automatic import Automatic, nature_of
from shared.domain.mail.messages import Direction, MessageHead
from shared.domain.matching.candidates import Candidates
from shared.domain.matching.decisions import (
    BY_RULE,
    RULES_VERSION,
    Decision,
    Disposition,
    Link,
    MatchPolicy,
    best_first,
    is_better,
)
from shared.domain.matching.rules import LENT, MATTERS, PEOPLE, Rule, is_vouched_for
from shared.domain.matching.suggestions import suggest
from shared.domain.records.records import RecordRef

__all__ = [
    "BY_RULE",
    "CASCADE",
    "RULES_VERSION",
    "Decision",
    "Disposition",
    "Link",
    "MatchPolicy",
    "match",
    "merge",
    "reason_to_list",
]

CASCADE: Final[tuple[Rule, ...]] = (*LENT, *MATTERS, *PEOPLE)
# Why a mail is not filed, the gravest first: what several looks come to.
TRIAGE_REASONS: Final = ("forged_sender", "claims_code", "ambiguous", "no_match")


@dataclass(frozen=True, slots=True)
class _Hits:
    """What the rules found: the best link of each record, and records between which nothing decides."""

    links: tuple[Link, ...]
    ambiguous: tuple[Link, ...] = ()


def match(head: MessageHead, candidates: Candidates, policy: MatchPolicy) -> Decision:
    """Run the cascade. A record hit by several rules keeps its best link; nothing hit means triage."""
    hits = _hits(head, candidates, policy)
    doubt = _doubt(head, candidates, hits)
    incoming = candidates.direction(head) is Direction.IN
    listed = reason_to_list(hits.links, policy) if incoming else ""
    opens = policy.opens if incoming and not doubt and _opens(head, hits, policy) else ""
    filed = bool(hits.links) and not doubt
    links = hits.links if filed else ()
    suggestions = suggest(head, candidates, policy, hits.links + hits.ambiguous) if incoming else ()
    return Decision(
        Disposition.FILED if filed else Disposition.TRIAGE,
        links,
        links[0].rule if filed else doubt or "no_match",
        _without(suggestions, links) if not filed or listed else (),
        "" if opens else listed,
        opens,
    )


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
    best = {one.ref: one for one in stored.links}
    for link in other.links:
        held = best.get(link.ref)
        if held is None or (held.by == BY_RULE and is_better(link, held)):
            best[link.ref] = link
    unchanged = tuple(best.values()) == stored.links
    links = stored.links if unchanged else tuple(sorted(best.values(), key=best_first))
    merged = replace(
        stored,
        links=links,
        reason=links[0].rule if links else _gravest(stored.reason, other.reason),
        suggestions=_united(stored, other, links),
        version=other.version,
    )
    return stored if replace(merged, version=stored.version) == stored else merged


def _hits(head: MessageHead, candidates: Candidates, policy: MatchPolicy) -> _Hits:
    best: dict[RecordRef, Link] = {}
    for rule in LENT:
        _take(best, rule(head, candidates, policy))
    ambiguous: tuple[Link, ...] = ()
    for rule in MATTERS:
        if policy.matched_to is None or _reaches(best.values(), policy.matched_to) or ambiguous:
            break
        found: dict[RecordRef, Link] = {}
        _take(found, rule(head, candidates, policy))
        if len(found) == 1:
            best |= found
        else:  # a wrong record is worse than a question
            ambiguous = tuple(found.values())
    for rule in PEOPLE if policy.matching else ():
        _take(best, rule(head, candidates, policy))
    return _Hits(tuple(sorted(best.values(), key=best_first)), ambiguous)


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
    reached = {one.ref for one in hits.links if one.rule in ("code", "bounce", "thread")}
    if any(
        reached.isdisjoint(one.links) and not is_vouched_for(head, candidates, one)
        for one in candidates.codes
    ):
        return "claims_code"
    return "ambiguous" if hits.ambiguous and all(one.rule == "domain" for one in hits.links) else ""


def _is_forged(head: MessageHead, candidates: Candidates) -> bool:
    """A sender whose domain disowns the mail (RFC 7489), where that sender or domain is known, or a colleague's."""
    address = head.sender.address
    known = candidates.addresses.get(address) or candidates.domains.get(domain_of(address))
    return (bool(known) or address in candidates.staff) and fails_dmarc(head.headers)


def _opens(head: MessageHead, hits: _Hits, policy: MatchPolicy) -> bool:
    """Whether the mailbox wants a record for it: written by a person to us, and nothing found that it belongs to."""
    if policy.unmatched != "new" or not policy.matching or hits.ambiguous:
        return False
    if _reaches(hits.links, policy.matched_to) if policy.matched_to else hits.links:
        return False
    nature = nature_of(head.headers, head.sender.address, head.subject)
    return nature.automatic is Automatic.NONE and not nature.is_list


def _reaches(links: Iterable[Link], kind: str | None) -> bool:
    return any(one.ref.kind == kind and not one.closed for one in links)


def _gravest(one: str, other: str) -> str:
    known = [reason for reason in TRIAGE_REASONS if reason in (one, other)]
    return known[0] if known else one


def _united(one: Decision, other: Decision, links: Iterable[Link]) -> tuple[Link, ...]:
    best: dict[RecordRef, Link] = {}
    _take(best, (*one.suggestions, *other.suggestions))
    return _without(sorted(best.values(), key=best_first), links)


def _without(suggestions: Iterable[Link], links: Iterable[Link]) -> tuple[Link, ...]:
    taken = {one.ref for one in links}
    return tuple(one for one in suggestions if one.ref not in taken)
