"""Whether a mailbox may still be read: what a failed turn says of it, and how far back to look once it may be."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.domain.connections.mailbox_state import FAILING
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import AccessDenied, MailboxUnavailable, NotFound, PermanentError

# What Graph and Entra ID answer where consent, licence, user or scope are gone.
LOSSES: Final = (AccessDenied, MailboxUnavailable, NotFound)
# Access goes little by little: the last mail before its loss may have been seen, but not filed.
OVERLAP: Final = timedelta(days=1)


class Verdict(StrEnum):
    """What a permanent error of a turn means for its mailbox."""

    LOST = "lost"
    FAILING = "failing"
    KNOWN = "known"
    PASSING = "passing"


def judge(mailbox: Mailbox, error: PermanentError, *, walking: bool, denied: bool) -> Verdict:
    """LOST and FAILING are news, KNOWN is shown already; PASSING says nothing of the mailbox as a whole.

    `denied`: the mailbox's list of folders is refused as well. Only a walk shows whether a mailbox works, so
    no other command's failure makes it `failing`.
    """
    if mailbox.has_lost_access and (walking or denied):
        return Verdict.KNOWN
    if denied and isinstance(error, LOSSES):
        return Verdict.LOST
    if not walking:
        return Verdict.PASSING
    if (mailbox.state.name, mailbox.state.last_error) == (FAILING, str(error)):
        return Verdict.KNOWN
    return Verdict.FAILING


def missed_since(mailbox: Mailbox, gap: datetime, capture_hours: int) -> datetime:
    """From when on a mailbox's mail is compared with the ledger after a gap that began at `gap`.

    A day before it; in a mailbox's first day all that it captures, since its first walk may not have come through.
    """
    since = gap - OVERLAP
    begin = mailbox.captures_from(capture_hours)
    if begin is None or mailbox.connected_at is None or mailbox.connected_at < since:
        return since
    return min(begin, since)
