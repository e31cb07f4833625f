"""Whether a mail is kept: decided on headers alone, before any body is fetched.

The never-rules stand first, in this order; then the first reason to keep wins.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.domain.capture.folders import UNLISTED, FolderState, Role
from shared.domain.connections.mailboxes import INTAKE, Mailbox
from shared.domain.connections.organisations import Organisation, is_listed
from shared.domain.mail.automatic import Automatic, nature_of
from shared.domain.mail.messages import MessageHead
from shared.domain.matching.candidates import Candidates
from shared.domain.matching.decisions import MatchPolicy
from shared.domain.records.records import RecordRef

# Raised with every change of the rules, and stored with each sighting: old outcomes can be told apart.
RULES_VERSION = 4
ERASED: Final = "erased"
FOLDER_UNLISTED: Final = "folder_unlisted"


@dataclass(frozen=True, slots=True)
class Capture:
    """Keep or not, and why. A verdict that is not final may change when the mail is moved."""

    keep: bool
    reason: str
    final: bool = True


@dataclass(frozen=True, slots=True)
class Policy:
    """What the organisation and the mailbox want, for one copy of a mail in one folder.

    `since` is the oldest receipt time captured; None lifts the window (a backfill was asked for).
    """

    organisation: Organisation
    mailbox: Mailbox
    folder: FolderState
    since: datetime | None


def decide(head: MessageHead, candidates: Candidates, policy: Policy) -> Capture:
    """Keep the mail, or say why not."""
    final = policy.folder.captured and not head.is_draft
    never = _never(head, candidates, policy)
    if never:
        return Capture(False, never, final)
    reason = _keep(head, candidates, policy)
    if reason:
        return Capture(True, reason)
    return Capture(False, "private" if _is_withheld(head, policy) else "unknown_people")


def is_bounce(head: MessageHead) -> bool:
    """Whether it reports that another mail did not arrive."""
    return nature_of(head.headers, head.sender.address, head.subject).automatic is Automatic.BOUNCE


def _never(head: MessageHead, candidates: Candidates, policy: Policy) -> str:
    if candidates.erased:
        return ERASED
    never_log = (*policy.organisation.never_log, *policy.mailbox.never_log)
    if any(is_listed(address, never_log) for address in head.participants):
        return "never_log"
    if _is_staff_only(head, candidates, policy):
        return "staff_only"
    return _misplaced(head, policy)


def _misplaced(head: MessageHead, policy: Policy) -> str:
    """Why a copy is not captured where and when it lies, whoever is on it; '' = it is."""
    if head.is_draft:
        return "folder:drafts"
    if policy.folder.kind == UNLISTED:
        return FOLDER_UNLISTED
    if not policy.folder.captured:
        return f"folder:{policy.folder.kind}"
    if policy.folder.kind == Role.SENT and not policy.mailbox.sent_items:
        return "sent_items_off"
    if policy.since is not None and head.received_at < policy.since:
        return "before_window"
    return ""


def _is_staff_only(head: MessageHead, candidates: Candidates, policy: Policy) -> bool:
    if candidates.codes or policy.mailbox.kind == INTAKE:
        return False
    if (candidates.parent or _is_on_filed_mail(candidates)) and is_bounce(head):
        # The organisation's own server reports, to a colleague, on a mail to somebody outside.
        return False
    # A sender whose address cannot be read is nobody's colleague; what lies in Sent, its owner wrote.
    is_nameless = not head.sender.address and policy.folder.kind != Role.SENT
    return bool(head.participants) and head.participants <= candidates.staff and not is_nameless


def _is_on_filed_mail(candidates: Candidates) -> bool:
    """Whether it reports, in a part of its own, that a mail which is filed did not arrive."""
    return candidates.bounced is not None and candidates.bounced.is_filed


def _is_withheld(head: MessageHead, policy: Policy) -> bool:
    return policy.organisation.sensitivity and head.is_private


def _keep(head: MessageHead, candidates: Candidates, policy: Policy) -> str:
    if candidates.codes:
        return "code"
    if candidates.parent:
        return "thread"
    if _is_on_filed_mail(candidates):
        return "bounce"
    if _is_withheld(head, policy):
        return ""
    if any(candidates.addresses.values()) or any(candidates.taught.values()):
        return "known_address"
    if _has_known_domain(candidates, policy):
        return "known_domain"
    if policy.mailbox.kind == INTAKE:
        return "intake"
    return "everything" if policy.mailbox.capture == "everything" else ""


def _has_known_domain(candidates: Candidates, policy: Policy) -> bool:
    """A client's domain; for a mailbox that matches by domain also that of a contact of an open record of its kind."""
    match = MatchPolicy.of(policy.organisation, policy.mailbox)
    refs = frozenset[RecordRef]().union(*candidates.domains.values())
    return any(ref.kind == "client" or _is_open_deal(ref, candidates, match) for ref in refs)


def _is_open_deal(ref: RecordRef, candidates: Candidates, match: MatchPolicy) -> bool:
    card = candidates.cards.get(ref)
    return match.by_domain and ref.kind == match.matched_to and card is not None and match.takes(card)
