"""Which records a mail belongs to: a cascade of rules over candidates, each hit with evidence and score.

Pure: the same mail, candidates and policy give the same decision, in whatever order candidates came.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from shared.domain.addresses import domain_of
from shared.domain.candidates import Candidates
from shared.domain.mailboxes import Mailbox
from shared.domain.messages import MessageHead
from shared.domain.organisations import Organisation
from shared.domain.records import Card, RecordRef

# Raised with every change of the cascade, and stored with each decision.
RULES_VERSION = 1
BY_RULE = "postledger"


class Disposition(StrEnum):
    """What becomes of a kept mail. Ordered: outcomes of several mailboxes merge to the strongest."""

    FILED = "filed"
    TRIAGE = "triage"


@dataclass(frozen=True, slots=True)
class Link:
    """A mail belongs to a record: by which rule, on what evidence, how sure (0 to 100), by whom.

    `by` is `postledger`, or the object id of the person who said so. `as_note`: its entry there is a note.
    """

    ref: RecordRef
    rule: str
    evidence: str
    score: int
    closed: bool = False
    by: str = BY_RULE
    as_note: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The whole answer. `reason` says in a word what decided.

    `suggestions` are what a person in My Inbox is shown first, best first. `listed` is why the mail is also in
    My Inbox of this mailbox's agent though it was filed, '' = it is not. `opens` is the kind of record that the
    mailbox wants opened for it, '' = none. The last two are of one look, and not merged.
    """

    disposition: Disposition
    links: tuple[Link, ...] = ()
    reason: str = ""
    suggestions: tuple[Link, ...] = ()
    listed: str = ""
    opens: str = ""
    version: int = RULES_VERSION


@dataclass(frozen=True, slots=True)
class MatchPolicy:
    """What organisation and mailbox say about matching."""

    excluded_types: frozenset[str] = frozenset()
    matching: bool = True
    matched_to: str | None = None
    matching_type: str = "address_and_subject"
    unmatched: str = "inbox"

    @classmethod
    def of(cls, organisation: Organisation, mailbox: Mailbox) -> "MatchPolicy":
        return cls(
            frozenset(organisation.excluded_types),
            mailbox.matching,
            mailbox.matched_to,
            mailbox.matching_type,
            mailbox.unmatched,
        )

    def takes(self, record: Card) -> bool:
        """Whether rules that rest on people may match this record: open, and of no excluded type."""
        return record.is_open and record.type not in self.excluded_types


Rule = Callable[[MessageHead, Candidates, MatchPolicy], Iterable[Link]]


def by_thread(_head: MessageHead, candidates: Candidates, _policy: MatchPolicy) -> Iterable[Link]:
    """The nearest stored mail that this one answers lends its links, whoever received it."""
    parent = candidates.parent
    for ref in parent.links if parent else ():
        record = candidates.cards.get(ref)
        closed = record is not None and not record.is_open
        yield Link(ref, "thread", parent.evidence if parent else "", 90, closed)


def by_contact(head: MessageHead, candidates: Candidates, policy: MatchPolicy) -> Iterable[Link]:
    """A participant's address is on a contact card: the contact, and its client always."""
    if not policy.matching:
        return
    for role, address in head.roles:
        for ref in candidates.addresses.get(address, ()):
            record = candidates.cards.get(ref)
            if ref.kind != "contact" or record is None or not policy.takes(record):
                continue
            yield Link(ref, "contact_address", f"{role} {address}", 80)
            client = candidates.cards.get(RecordRef("client", record.client)) if record.client else None
            if client is not None and policy.takes(client):
                yield Link(client.ref, "contact_address", f"{role} {address} of {ref}", 75)


def by_domain(head: MessageHead, candidates: Candidates, policy: MatchPolicy) -> Iterable[Link]:
    """A participant writes from a client's domain: the client."""
    if not policy.matching:
        return
    for role, address in head.roles:
        for ref in candidates.domains.get(domain_of(address), ()):
            record = candidates.cards.get(ref)
            if ref.kind == "client" and record is not None and policy.takes(record):
                yield Link(ref, "domain", f"{role} {address}", 60)


CASCADE: tuple[Rule, ...] = (by_thread, by_contact, by_domain)


def match(head: MessageHead, candidates: Candidates, policy: MatchPolicy) -> Decision:
    """Run the cascade. A record hit by several rules keeps its best link; nothing hit means triage."""
    best: dict[RecordRef, Link] = {}
    for rule in CASCADE:
        for link in rule(head, candidates, policy):
            held = best.get(link.ref)
            if held is None or (-held.score, held.evidence) > (-link.score, link.evidence):
                best[link.ref] = link
    links = tuple(sorted(best.values(), key=_best_first))
    if links:
        return Decision(Disposition.FILED, links, links[0].rule)
    return Decision(Disposition.TRIAGE, reason="no_match")


def merge(stored: Decision, other: Decision) -> Decision:
    """What two decisions on one mail come to: filed beats triage, and each record keeps its best link.

    A link that a person made stays as it is.
    """
    if stored.disposition is not other.disposition:
        return stored if stored.disposition is Disposition.FILED else other
    best = {one.ref: one for one in stored.links}
    for link in other.links:
        held = best.get(link.ref)
        if held is None or (held.by == BY_RULE and held.score < link.score):
            best[link.ref] = link
    if tuple(best.values()) == stored.links:
        return stored
    links = tuple(sorted(best.values(), key=_best_first))
    return Decision(
        stored.disposition,
        links,
        links[0].rule,
        stored.suggestions,
        stored.listed,
        stored.opens,
        other.version,
    )


def _best_first(link: Link) -> tuple[int, RecordRef]:
    return -link.score, link.ref
