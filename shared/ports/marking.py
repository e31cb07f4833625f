"""Marking the mail of intake mailboxes as read: a port of its own, so that what reads mail cannot mark it by type."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import Outcome
from shared.domain.mail.items import ItemRef


class MailMarker(Protocol):
    """Marks mail, over the mailbox's own connection."""

    def mark_read(self, mailbox: Mailbox, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[None]]:
        """What became of each. A mail that is gone is NotFound; AccessDenied where marking is not permitted.

        Raises AccessDenied if no person has signed in for the mailbox, TransientError where none could be tried.
        """
