"""What matching answers: links with rule, evidence and score, and what becomes of the mail beside them."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from shared.domain.connections.mailboxes import INTAKE, Mailbox
from shared.domain.connections.organisations import Organisation
from shared.domain.intake.doors import Door
from shared.domain.intake.settings import FILE, NEW
from shared.domain.matching.evidence import Evidence
from shared.domain.records.records import Card, RecordRef

# Raised with every change of the cascade, and stored with each decision.
RULES_VERSION: Final = 7
BY_RULE: Final = "postledger"


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
    evidence: Evidence
    score: int
    closed: bool = False
    by: str = BY_RULE
    as_note: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The whole answer. `reason` says in a word what decided.

    `opens_as` is the id of the record that is opened where it is not made of the mail's key.
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
    opens_as: str = ""
    version: int = RULES_VERSION


@dataclass(frozen=True, slots=True)
class MatchPolicy:
    """What organisation and mailbox say about matching. `opens` is the kind of record opened for unmatched mail.

    `closed` is what becomes of an answer to a closed record at an intake mailbox; `own_domains` and `routes` tell
    which mailing lists are the organisation's own doors.
    """

    excluded_types: frozenset[str] = frozenset()
    matching: bool = True
    matched_to: str | None = None
    matching_type: str = "address_and_subject"
    unmatched: str = "inbox"
    opens: str = "opportunity"
    is_intake: bool = False
    closed: str = FILE
    own_domains: tuple[str, ...] = ()
    routes: frozenset[str] = frozenset()

    @classmethod
    def of(cls, organisation: Organisation, mailbox: Mailbox) -> "MatchPolicy":
        return cls(
            frozenset(organisation.excluded_types),
            mailbox.matching,
            mailbox.matched_to,
            mailbox.matching_type,
            mailbox.unmatched,
            mailbox.opens,
            mailbox.kind == INTAKE,
            mailbox.intake.closed if mailbox.kind == INTAKE else FILE,
            organisation.own_domains,
            frozenset(route.to for route in mailbox.intake.routes),
        )

    def through(self, door: Door | None) -> "MatchPolicy":
        """The same for a mail that came through a door: which may be another intake mailbox's than the copy's."""
        if door is None:
            return self
        return replace(self, opens=door.opens, unmatched=door.unmatched, closed=door.closed)

    @property
    def goes_on_anew(self) -> bool:
        """Whether an answer to a closed record opens another one."""
        return self.is_intake and self.unmatched == "new" and self.closed == NEW

    def takes(self, record: Card) -> bool:
        """Whether rules that rest on people may match this record: open, and of no excluded type."""
        return record.is_open and record.type not in self.excluded_types

    @property
    def by_subject(self) -> bool:
        """Whether subjects are compared with the summaries of open records."""
        return self.matching and bool(self.matched_to) and self.matching_type == "address_and_subject"

    @property
    def by_domain(self) -> bool:
        """Whether a domain leads to the open record that has a contact there."""
        return self.matching and bool(self.matched_to) and self.matching_type == "domain"


def best_first(link: Link) -> tuple[int, RecordRef]:
    """The order in which links and suggestions stand."""
    return -link.score, link.ref


def is_better(link: Link, held: Link | None) -> bool:
    """Whether a link says more for its record than another: surer, else the first by rule and evidence.

    Whatever may be told to all readers goes before a Bcc, however sure that is: who may not see the Bcc would
    miss the mail where it belongs.
    """
    return held is None or _rank(link) < _rank(held)


def _rank(link: Link) -> tuple[bool, int, str, str]:
    return link.evidence.is_blind, -link.score, link.rule, link.evidence.text
