"""Capture on headers: which of a mailbox's mails are kept; skipped ones leave a sighting and nothing readable."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from shared.domain.capture import screening
from shared.domain.capture.folders import FolderState
from shared.domain.capture.screening import Capture, Policy
from shared.domain.capture.sightings import Sighting, sighting_of, unreadable
from shared.domain.errors import Unreadable
from shared.domain.filing.copies import Dependent
from shared.domain.filing.filing import PENDING, StoredMessage
from shared.domain.mail.identity import Fingerprint, family, variant_keys
from shared.domain.mail.messages import MessageHead
from shared.domain.matching.candidates import Candidates, ThreadHit
from shared.ports.stores.filing import MessageStore
from shared.services.capture.scopes import Scope
from shared.services.matching.bounces import ReadBounce
from shared.services.matching.candidates import GatherCandidates
from shared.services.matching.forgeries import CountForgeries
from shared.services.matching.outgoing import FindSent

# Why a mail is kept that capture would skip by now.
BEGUN: Final = "begun"


@dataclass(frozen=True, slots=True)
class Screened:
    """A mail with its verdict and the ledger row that says so; with the error where it cannot be read."""

    head: MessageHead
    verdict: Capture
    sighting: Sighting
    candidates: Candidates
    error: Unreadable | None = None


@dataclass(frozen=True, slots=True)
class Screen:
    """Decide capture for mails whose folders are known. Reads people and threads; writes dependents and forgeries.

    A report on a mail of ours names no more than its server in its headers: where that is all that speaks for it,
    the report is opened.
    """

    gather: GatherCandidates
    messages: MessageStore
    read_bounce: ReadBounce
    count_forgeries: CountForgeries
    find_sent: FindSent

    def __call__(
        self, scope: Scope, heads: Sequence[MessageHead], folders: Mapping[str, FolderState]
    ) -> list[Screened]:
        try:
            return self._together(scope, heads, folders)
        except Unreadable:  # whichever of them it is, it must not take the others along
            return [self._alone(scope, head, folders) for head in heads]

    def _together(
        self, scope: Scope, heads: Sequence[MessageHead], folders: Mapping[str, FolderState]
    ) -> list[Screened]:
        known = self.gather(scope, heads)
        return [
            self._screened(scope, _as_identified(head, candidates), candidates, folders[head.folder_id])
            for head, candidates in zip(heads, known, strict=True)
        ]

    def _alone(self, scope: Scope, head: MessageHead, folders: Mapping[str, FolderState]) -> Screened:
        try:
            [screened] = self._together(scope, [head], folders)
        except Unreadable as error:
            sighting = unreadable(head.item, head.received_at, head.folder_id)
            return Screened(head, Capture(False, error.code, final=False), sighting, Candidates(), error)
        return screened

    def _screened(
        self, scope: Scope, head: MessageHead, candidates: Candidates, folder: FolderState
    ) -> Screened:
        policy = policy_of(scope, folder)
        if candidates.forged:
            self.count_forgeries(scope, head, candidates.forged)
        candidates = screening.placed(candidates, folder)
        candidates = replace(candidates, sent=self.find_sent(scope, head, candidates, folder))
        verdict = screening.decide(head, candidates, policy)
        if screening.may_be_rescued(head, verdict, policy):
            candidates = self._rescued(scope, head, candidates)
            verdict = screening.decide(head, candidates, policy)
        return Screened(head, verdict, sighting_of(head, verdict, scope.hasher), candidates)

    def _rescued(self, scope: Scope, head: MessageHead, candidates: Candidates) -> Candidates:
        """With the mail's thread, and for a report that leads to none with the mail that did not arrive."""
        if head.answers:
            candidates = replace(candidates, thread=wait_for_parents(self.messages, scope, head))
        if candidates.parent is None and screening.is_bounce(head):
            _, bounced = self.read_bounce(scope, head)
            candidates = replace(candidates, bounced=bounced)
        return candidates


def _as_identified(head: MessageHead, candidates: Candidates) -> MessageHead:
    """The mail under the Message-ID that it is known by here: of mail of ours, the one that it left with."""
    return head.as_first_sent() if candidates.is_colleagues(head) else head


def policy_of(scope: Scope, folder: FolderState) -> Policy:
    """The capture policy for one folder of the scope's mailbox."""
    return Policy(scope.organisation, scope.mailbox, folder, scope.captures_from)


def wait_for_parents(messages: MessageStore, scope: Scope, head: MessageHead) -> tuple[ThreadHit, ...]:
    """Leave word with all mails that this one answers; filed ones are returned.

    Looking again while leaving word closes the gap in which the parent is filed by another worker.
    """
    dependent = Dependent(scope.mailbox.mailbox_id, head.item)
    found = []
    for message_id in head.answers:
        stored = messages.wait_for(scope.tenant_id, scope.hasher.message_id(message_id), dependent)
        if stored is not None:
            found.append(stored.as_thread_hit(message_id))
    return tuple(found)


def keep_begun(messages: MessageStore, scope: Scope, screened: Sequence[Screened]) -> list[Screened]:
    """The same, but what an earlier try has begun to file is kept: its entries may stand, and nobody else ends it.

    Costs a read for each mail that is skipped: only for commands that come again.
    """
    keys = [mail.sighting.message_key for mail in screened if _may_be_begun(mail)]
    found = dict(messages.get_many(scope.tenant_id, keys)) if keys else {}
    # A reused Message-ID has variants beside its row, and any of them may be the one that was begun.
    variants = (variant_keys(key, stored.variants) for key, stored in found.items())
    others = list(chain.from_iterable(variants))
    found |= messages.get_many(scope.tenant_id, others) if others else {}
    begun = [stored for stored in found.values() if stored.state == PENDING]
    return [_kept_if_begun(messages, scope, mail, begun) for mail in screened]


def _may_be_begun(mail: Screened) -> bool:
    """Mail of people who are erased is taken away whatever its state."""
    return not mail.verdict.keep and mail.error is None and mail.verdict.reason != screening.ERASED


def _kept_if_begun(
    messages: MessageStore, scope: Scope, mail: Screened, begun: Sequence[StoredMessage]
) -> Screened:
    if not _may_be_begun(mail):
        return mail
    own = family(mail.sighting.message_key)
    fingerprint = Fingerprint.of(mail.head)
    for stored in begun:
        if stored.key in own and stored.fingerprint.is_same_mail(fingerprint):
            copies = messages.copies(scope.tenant_id, stored.key)
            # Begun from another mailbox, it says nothing of this one's copy.
            if any(copy.mailbox_id == scope.mailbox.mailbox_id for copy in copies):
                verdict = Capture(True, BEGUN)
                return replace(mail, verdict=verdict, sighting=sighting_of(mail.head, verdict, scope.hasher))
    return mail
