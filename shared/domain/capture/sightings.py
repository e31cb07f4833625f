"""The ledger: one row per copy of a mail seen in a mailbox, what became of it and why.

Nothing readable is kept of mail that was skipped: ids and people are keyed hashes.
"""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.capture import screening
from shared.domain.capture.screening import Capture
from shared.domain.commands.advice import POISON
from shared.domain.errors import UNREADABLE_MAIL
from shared.domain.mail.identity import Hasher, message_key
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import MessageHead

QUEUED = "queued"
SKIPPED = "skipped"
FILED = "filed"
TRIAGE = "triage"
FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Sighting:
    """One copy. `outcome` is queued, skipped, filed, triage or failed; `final` is whether a move may change it.

    `queued_at` is when a `queued` one was last put into the worklist.
    """

    item: ItemRef
    folder_id: str
    received_at: datetime
    outcome: str
    reason: str
    final: bool
    message_key: str
    message_id_hash: str = ""
    reference_hashes: tuple[str, ...] = ()
    address_hashes: tuple[str, ...] = ()
    domain_hashes: tuple[str, ...] = ()
    rules_version: int = screening.RULES_VERSION
    queued_at: datetime | None = None

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do for this copy as long as it stays where it is."""
        return self.final and self.outcome in (SKIPPED, FILED, TRIAGE)

    @property
    def is_given_up(self) -> bool:
        """Whether it killed its workers again and again: a person replays it, and nobody takes it up by himself."""
        return self.outcome == FAILED and self.reason == POISON


def unreadable(item: ItemRef, received_at: datetime, folder_id: str = "") -> Sighting:
    """The row of a copy whose head cannot be read: of what it says, nothing is known, and nothing is kept."""
    return Sighting(
        item=item,
        folder_id=folder_id,
        received_at=received_at,
        outcome=FAILED,
        reason=UNREADABLE_MAIL,
        final=False,
        message_key="",
    )


def sighting_of(head: MessageHead, verdict: Capture, hasher: Hasher, *, outcome: str = "") -> Sighting:
    """The row for one copy under a capture verdict; a kept one is `queued` unless `outcome` says more.

    Of mail with an erased person on it not even the people's hashes are kept.
    """
    people = head.participants if verdict.reason != screening.ERASED else frozenset[str]()
    return Sighting(
        item=head.item,
        folder_id=head.folder_id,
        received_at=head.received_at,
        outcome=outcome or (QUEUED if verdict.keep else SKIPPED),
        reason=verdict.reason,
        final=verdict.final,
        message_key=message_key(hasher, head),
        message_id_hash=hasher.message_id(head.message_id) if head.message_id else "",
        reference_hashes=tuple(hasher.message_id(parent) for parent in head.answers),
        address_hashes=hasher.addresses(people),
        domain_hashes=hasher.domains(people),
    )
