"""Whom a mail is told to: the agent who sent the mail that it answers, or that it reports as undelivered."""

from dataclasses import replace

from shared.domain.connections.organisations import ON_ALL
from shared.domain.filing.filing import SENT
from shared.domain.mail.automatic import Automatic
from shared.domain.mail.messages import Direction
from shared.domain.mail.recalls import is_recall
from shared.domain.matching.candidates import Candidates, ThreadHit
from shared.domain.notices.recipients import Recipient
from shared.domain.sending.outbox import OutboxMail


def recipient_of(
    candidates: Candidates, *, subject: str, is_by_outsider: bool, automatic: str, notify_on: str
) -> Recipient | None:
    """Who is told of an incoming mail once it is filed: the agent whose mail it answers, or reports as undelivered.

    Machines' mail raises none, nor does a mail that takes another one back, by whichever way it was matched. An answer
    to an answer is told to the same agent.
    """
    hits: tuple[ThreadHit | None, ...]
    if automatic == Automatic.BOUNCE:
        hits = (candidates.bounced,)
    elif automatic or is_recall(subject) or not is_by_outsider:
        return None
    else:
        hits = (candidates.parent, *(hit.mail or hit.claimed for hit in candidates.codes))
    found = (_recipient(hit, notify_on) for hit in hits if hit is not None)
    return next((recipient for recipient in found if recipient), None)


def refused_to(sent: OutboxMail | None, key: str) -> Recipient | None:
    """Who is told, by the mail itself, that the server took it for some of its recipients only."""
    return Recipient(sent.agent_id, key) if sent and sent.refused and sent.agent_id else None


def _recipient(hit: ThreadHit, notify_on: str) -> Recipient | None:
    if hit.direction is Direction.IN:
        return replace(hit.notice_for, answers=hit.key, is_told=False) if hit.notice_for else None
    is_wanted = hit.kind == SENT or notify_on == ON_ALL
    return Recipient(hit.sent_by, hit.key) if is_wanted and hit.sent_by else None
