"""From a matched mail to the row that the first insert would fix for it."""

from typing import Final

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.organisations import ON_SENT
from shared.domain.filing.entries import kind_of
from shared.domain.filing.filing import ACKNOWLEDGED, SENT, Bounced, StoredMessage
from shared.domain.mail.authentication import is_unauthenticated
from shared.domain.mail.automatic import Automatic, nature_of
from shared.domain.mail.conversations import travels
from shared.domain.mail.identity import Fingerprint
from shared.domain.mail.messages import Direction, MessageHead
from shared.domain.matching.candidates import Candidates
from shared.domain.matching.decisions import Decision
from shared.domain.notices.choosing import recipient_of, refused_to
from shared.domain.sending.outbox import OutboxMail

# RFC 3463: for good, and no more is said; the row of the outbox has the server's words.
_REFUSED: Final = "5.0.0"


def new_message(
    head: MessageHead,
    decision: Decision,
    candidates: Candidates,
    *,
    key: str,
    mailbox: Mailbox,
    notify_on: str = ON_SENT,
) -> StoredMessage:
    """The row that the first insert would fix for this mail."""
    direction = candidates.direction(head)
    automatic = nature_of(head.headers, head.sender.address, head.subject).automatic
    # A report or a newsletter in a thread is no answer to anybody; an out-of-office reply is shown as one.
    # Nor is what a colleague writes to an intake mailbox, though it comes in there.
    by_outsider = not candidates.is_colleagues(head)
    is_answer = by_outsider and automatic in (Automatic.NONE, Automatic.AUTO_REPLY)
    answered = _answered_direction(decision, candidates) if is_answer else None
    sent = candidates.sent
    return StoredMessage(
        key=key,
        at=head.received_at,
        message_id=head.message_id,
        fingerprint=Fingerprint.of(head),
        direction=direction,
        kind=_kind_of_ours(sent) if sent else kind_of(direction, answered),
        agent=sent.agent if sent else _agent_of(head, candidates, mailbox),
        # Only copies say who is in Bcc: the row is shared by all mailboxes.
        participants=head.participants - {person.address for person in head.bcc},
        decision=decision,
        automatic=automatic.value,
        unauthenticated=direction is Direction.IN and is_unauthenticated(head.headers),
        conversation=candidates.conversation_key if travels(head, direction) else "",
        is_answer=bool(head.answers),
        sent_by=sent.agent_id if sent else _sent_by(head, direction, mailbox),
        outbox_id=sent.id if sent else "",
        notice_for=refused_to(sent, key)
        or recipient_of(
            candidates,
            subject=head.subject,
            is_by_outsider=by_outsider,
            automatic=automatic.value,
            notify_on=notify_on,
        ),
        bounces=_refused(sent) if sent else (),
    )


def _refused(sent: OutboxMail) -> tuple[Bounced, ...]:
    """Recipients whom the server did not take: it said so at the hand-over, in no report."""
    at = sent.sending_at or sent.created_at
    return tuple(Bounced(address, _REFUSED, True, at, "") for address in sent.refused)


def _kind_of_ours(sent: OutboxMail) -> str:
    return ACKNOWLEDGED if sent.purpose == ACKNOWLEDGED else SENT


def _sent_by(head: MessageHead, direction: Direction, mailbox: Mailbox) -> str:
    """Of mail that left by itself, only the copy of its own mailbox tells whose it is."""
    is_own = direction is Direction.OUT and mailbox.is_own(head.sender.address)
    return mailbox.agent_id if is_own else ""


def _answered_direction(decision: Decision, candidates: Candidates) -> Direction | None:
    """Which way the mail went that this one answers. Codes are on mail of agents only."""
    if any(link.rule == "code" for link in decision.links):
        return Direction.OUT
    return candidates.parent.direction if candidates.parent else None


def _agent_of(head: MessageHead, candidates: Candidates, mailbox: Mailbox) -> str:
    """The agent a mail is shown with, whichever copy came first: who wrote it, else the first one it is for."""
    # A program that wrote for somebody outside is nobody's agent; a colleague who asks a desk has asked its agent.
    is_received = candidates.inquirers or candidates.to_intake
    writers = () if is_received else (head.author or head.sender,)
    people = (*writers, *head.to, *head.cc)
    own = [person.address for person in people if person.address in candidates.staff]
    return own[0] if own and not mailbox.is_own(own[0]) else mailbox.agent
