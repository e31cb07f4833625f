"""What must become of a mail, as the story knows it before any matching runs."""

from dataclasses import dataclass
from enum import StrEnum

Refs = frozenset[str]
NOWHERE: Refs = frozenset()


class Outcome(StrEnum):
    """`filed`: it can be told where it belongs. `triage`: it cannot, an agent must. `dropped`: not to be kept."""

    FILED = "filed"
    TRIAGE = "triage"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Truth:
    """The records a mail belongs on, as `kind/id`; `may` are those where it may stand besides, without harm.

    `new:N` among them is the record that mail number N has opened.
    """

    outcome: Outcome
    right: Refs = NOWHERE
    may: Refs = NOWHERE

    def hands_down(self) -> Refs:
        """The records that an answer to this mail belongs on for that alone."""
        return self.right if self.outcome is Outcome.FILED else NOWHERE


def filed(*refs: Refs) -> Truth:
    """Belongs on all of these."""
    return Truth(Outcome.FILED, frozenset().union(*refs))


def undecidable(*may: Refs) -> Truth:
    """For an agent to decide."""
    return Truth(Outcome.TRIAGE, may=frozenset().union(*may))


DROPPED = Truth(Outcome.DROPPED)


class Verdict(StrEnum):
    """How what became of a mail compares with the truth."""

    RIGHT = "right"
    WRONG = "wrong"
    TRIAGED = "triaged"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Found:
    """What became of a mail: where it stands, whether it waits in somebody's My Inbox, whether its body was read.

    `messages` is as how many it was stored: one, whoever received it.
    """

    links: Refs = NOWHERE
    in_inbox: bool = False
    body_read: bool = False
    messages: int = 1


def judge(truth: Truth, found: Found) -> Verdict:
    """Wrong: on a record where it does not belong, there twice, or kept though it must not be. That outweighs all.

    Triaged: in My Inbox only. Missed: on fewer records than it belongs on, or gone. An undecidable mail is
    right in My Inbox, or where it may stand.
    """
    if found.links - truth.right - truth.may or found.messages > 1:
        return Verdict.WRONG
    if truth.outcome is Outcome.DROPPED:
        return Verdict.WRONG if found.body_read or found.in_inbox else Verdict.RIGHT
    if truth.outcome is Outcome.TRIAGE:
        return Verdict.RIGHT if found.in_inbox or found.links else Verdict.MISSED
    if truth.right <= found.links:
        return Verdict.RIGHT
    return Verdict.TRIAGED if found.in_inbox and not found.links else Verdict.MISSED
