"""Mail marked as read through Microsoft Graph: PATCH of `isRead`, which needs Mail.ReadWrite."""

from collections.abc import Mapping, Sequence

from shared.adapters.graph.delegated import Sessions
from shared.adapters.graph.directory import user_of
from shared.adapters.graph.session import path
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import Outcome, PermanentError, TransientError
from shared.domain.mail.items import ItemRef


class GraphMarker:
    """Implements `ports.MailMarker`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def mark_read(self, mailbox: Mailbox, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[None]]:
        """A request for each. Once one fails for now, no more are made."""
        session, user = self._sessions.of(mailbox), user_of(mailbox)
        outcomes: dict[ItemRef, Outcome[None]] = {}
        for item in items:
            try:
                session.patch(
                    mailbox.tenant_id, path("users", user, "messages", item.item_id), {"isRead": True}
                )
                outcomes[item] = None
            except PermanentError as error:
                outcomes[item] = error
            except TransientError:
                if not outcomes:
                    raise
                break
        return outcomes
