"""Whether a mail is kept: decided on headers alone, before any body is fetched.

The never-rules stand first, in this order; then the first reason to keep wins.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Final

from shared.domain.capture.folders import UNLISTED, FolderState, Role
from shared.domain.connections.mailboxes import EVERYTHING, INTAKE, Mailbox
from shared.domain.connections.organisations import Organisation, is_listed
from shared.domain.mail.automatic import Automatic, nature_of
from shared.domain.mail.messages import Direction, MessageHead
from shared.domain.matching.candidates import Candidates
from shared.domain.matching.decisions import MatchPolicy
from shared.domain.matching.rules import by_contact, by_deal, by_domain
from shared.domain.records.records import RecordRef

# Raised with every change of the rules, and stored with each sighting: old outcomes can be told apart.
RULES_VERSION = 7
ERASED: Final = "erased"
FOLDER_UNLISTED: Final = "folder_unlisted"
# Sent mail that would be on no timeline, and in nobody's My Inbox.
NO_OPEN_RECORD: Final = "no_open_record"
SENT_ITEMS_OFF: Final = "sent_items_off"
BEFORE_WINDOW: Final = "before_window"
# A report on a mail that is not filed: nobody here has sent it, or its copy has not been seen yet.
FOREIGN_REPORT: Final = "foreign_report"
_NOT_FOR_SENT: Final = (SENT_ITEMS_OFF, BEFORE_WINDOW)
# Such a mail may turn out to answer a filed one. Every other reason to skip stands.
_MAY_BE_RESCUED: Final = ("unknown_people", NO_OPEN_RECORD, FOREIGN_REPORT, "private")


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
    if _is_withheld(head, policy):
        return Capture(False, "private")
    if _known_people(candidates, policy):
        return Capture(False, NO_OPEN_RECORD)
    return Capture(False, FOREIGN_REPORT if is_bounce(head) else "unknown_people")


def is_door(mailbox: Mailbox, folder: FolderState) -> bool:
    """Whether mail that comes into the folder has arrived, whatever its dates say: an intake mailbox's inbox.

    A colleague who hands a client's mail on drags it there, months after it was received.
    """
    return mailbox.kind == INTAKE and folder.kind == Role.INBOX


def placed(candidates: Candidates, folder: FolderState) -> Candidates:
    """The same for a copy in this folder: what lies in Sent was written by its mailbox's people, and came to nobody."""
    return replace(candidates, to_intake=candidates.to_intake and folder.kind != Role.SENT)


def may_be_rescued(head: MessageHead, verdict: Capture, policy: Policy) -> bool:
    """Whether it is kept after all if it answers a filed mail, or reports that one did not arrive."""
    if verdict.reason == "staff_only":
        # Only staff is named on the own mail server's reports, and on answers from an intake mailbox to colleagues.
        return is_bounce(head) or policy.mailbox.kind == INTAKE
    return verdict.reason in _MAY_BE_RESCUED


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
    reason = _misplaced(head, policy)
    # What left through the outbox belongs on its records, whatever its mailbox captures otherwise.
    return "" if candidates.sent and reason in _NOT_FOR_SENT else reason


def _misplaced(head: MessageHead, policy: Policy) -> str:
    """Why a copy is not captured where and when it lies, whoever is on it; '' = it is."""
    if head.is_draft:
        return "folder:drafts"
    if policy.folder.kind == UNLISTED:
        return FOLDER_UNLISTED
    if not policy.folder.captured:
        return f"folder:{policy.folder.kind}"
    if policy.folder.kind == Role.SENT and not policy.mailbox.sent_items:
        return SENT_ITEMS_OFF
    is_early = policy.since is not None and head.received_at < policy.since
    return BEFORE_WINDOW if is_early and not is_door(policy.mailbox, policy.folder) else ""


def _is_staff_only(head: MessageHead, candidates: Candidates, policy: Policy) -> bool:
    if candidates.sent or candidates.codes or _is_of_intake(candidates, policy):
        return False
    if (candidates.parent or _is_on_filed_mail(candidates)) and is_bounce(head):
        # The organisation's own server reports, to a colleague, on a mail to somebody outside.
        return False
    # A sender whose address cannot be read is nobody's colleague; what lies in Sent, its owner wrote.
    is_nameless = not head.sender.address and policy.folder.kind != Role.SENT
    return bool(head.participants) and head.participants <= candidates.staff and not is_nameless


def _is_of_intake(candidates: Candidates, policy: Policy) -> bool:
    """Whether it came to the intake mailbox, or was sent from there in answer to a filed mail."""
    if policy.mailbox.kind != INTAKE:
        return False
    return candidates.to_intake or candidates.parent is not None


def _is_on_filed_mail(candidates: Candidates) -> bool:
    """Whether it reports, in a part of its own, that a mail which is filed did not arrive."""
    return candidates.bounced is not None and candidates.bounced.is_filed


def _is_withheld(head: MessageHead, policy: Policy) -> bool:
    # An intake mailbox is no person's: whoever writes there writes to the organisation.
    is_personal = policy.mailbox.kind != INTAKE
    return is_personal and policy.organisation.sensitivity and head.is_private


def _keep(head: MessageHead, candidates: Candidates, policy: Policy) -> str:
    if candidates.sent:
        return "sent"
    if candidates.codes:
        return "code"
    if candidates.parent:
        return "thread"
    if _is_on_filed_mail(candidates):
        return "bounce"
    if _is_withheld(head, policy):
        return ""
    is_sent = candidates.direction(head) is Direction.OUT
    if is_sent and not _may_be_filed(head, candidates, policy):
        # No agent would ever find it: what is kept of sent mail is what goes with a record.
        return ""
    return _known_people(candidates, policy) or ("" if is_sent else _kept_by_mailbox(policy.mailbox))


def _known_people(candidates: Candidates, policy: Policy) -> str:
    if any(candidates.addresses.values()) or any(candidates.taught.values()):
        return "known_address"
    return "known_domain" if _has_known_domain(candidates, policy) else ""


def _kept_by_mailbox(mailbox: Mailbox) -> str:
    """Why a mailbox keeps incoming mail of strangers."""
    if mailbox.kind == INTAKE:
        return "intake"
    if mailbox.capture == EVERYTHING:
        return "everything"
    # Its agent files by hand: whatever comes in is listed in My Inbox.
    return "" if mailbox.matching else "matching_off"


def _may_be_filed(head: MessageHead, candidates: Candidates, policy: Policy) -> bool:
    """Whether rules that rest on people reach an open record; what an agent has taught is taken for one."""
    if any(candidates.taught.values()):
        return True
    match = MatchPolicy.of(policy.organisation, policy.mailbox)
    reached = (rule(head, candidates, match) for rule in (by_contact, by_domain, by_deal))
    return next(chain.from_iterable(reached), None) is not None


def _has_known_domain(candidates: Candidates, policy: Policy) -> bool:
    """A client's domain; for a mailbox that matches by domain also that of a contact of an open record of its kind."""
    match = MatchPolicy.of(policy.organisation, policy.mailbox)
    refs = frozenset[RecordRef]().union(*candidates.domains.values())
    return any(ref.kind == "client" or _is_open_deal(ref, candidates, match) for ref in refs)


def _is_open_deal(ref: RecordRef, candidates: Candidates, match: MatchPolicy) -> bool:
    card = candidates.cards.get(ref)
    return match.by_domain and ref.kind == match.matched_to and card is not None and match.takes(card)
