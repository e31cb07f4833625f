"""What a connection may do with a mailbox, found out by reading as little as can be."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from shared.adapters.graph.delegated import Sessions
from shared.adapters.graph.directory import USER_FIELDS, directory_user, find_user, has_address, user_of
from shared.adapters.graph.experiments import Experiments
from shared.adapters.graph.permissions import permissions_in
from shared.adapters.graph.session import path, query
from shared.adapters.graph.tokens import GraphTokens
from shared.domain.connections.habits import Habit
from shared.domain.connections.mailbox_tests import Read
from shared.domain.connections.mailboxes import Mailbox
from shared.ports.directory import DirectoryUser
from shared.ports.mailbox_access import MOST_USERS

# The preview needs the same right as the body, and shows 255 characters of a person's mail at most.
_PREVIEW: Final = "bodyPreview"
_FIRST: Final = query(select=f"id,{_PREVIEW}", top="1")


class GraphProbe:
    """Implements `ports.AccessProbe`, each method with a request or two, `habits` with some dozen."""

    def __init__(self, sessions: Sessions, tokens: GraphTokens) -> None:
        self._sessions = sessions
        self._tokens = tokens

    def renew(self, mailbox: Mailbox) -> None:
        self._sessions.renew(mailbox)
        if not mailbox.is_polled_only:
            self._tokens.renew(mailbox.tenant_id)

    def granted(self, mailbox: Mailbox) -> frozenset[str]:
        """Those that the token carries, to be shown."""
        return permissions_in(self._sessions.of(mailbox).token(mailbox.tenant_id))

    def user(self, mailbox: Mailbox) -> DirectoryUser:
        return find_user(self._sessions.of(mailbox), mailbox)

    def users(self, tenant_id: str, user_ids: Sequence[str]) -> Mapping[str, DirectoryUser]:
        found: dict[str, DirectoryUser] = {}
        for start in range(0, len(user_ids), MOST_USERS):
            some = self._users(tenant_id, user_ids[start : start + MOST_USERS])
            found |= {user.user_id: user for user in some}
        return found

    def _users(self, tenant_id: str, user_ids: Sequence[str]) -> Iterator[DirectoryUser]:
        listed = ",".join("'" + user_id.replace("'", "''") + "'" for user_id in user_ids)
        where = path("users") + query(filter=f"id in ({listed})", select=USER_FIELDS)
        return map(directory_user, self._sessions.application.pages(tenant_id, where))

    def group(self, mailbox: Mailbox) -> str:
        where = path("groups") + query(filter=has_address(mailbox.address), select="displayName")
        found = next(self._sessions.of(mailbox).pages(mailbox.tenant_id, where), None)
        return str(found.get("displayName") or mailbox.address) if found else ""

    def read(self, mailbox: Mailbox) -> Read:
        where = path("users", user_of(mailbox), "mailFolders", "inbox", "messages") + _FIRST
        mails = self._sessions.of(mailbox).get(mailbox.tenant_id, where).get("value")
        if not isinstance(mails, list) or not mails:
            return Read.EMPTY
        # A mail without text has an empty preview; only Mail.ReadBasic leaves the property out.
        return Read.HEADERS_ONLY if mails[0].get(_PREVIEW) is None else Read.DONE

    def purpose(self, mailbox: Mailbox) -> str:
        where = path("users", user_of(mailbox), "mailboxSettings", "userPurpose")
        found = self._sessions.of(mailbox).get(mailbox.tenant_id, where).get("value")
        return str(found or "")

    def habits(self, mailbox: Mailbox) -> Mapping[Habit, bool | None]:
        return Experiments(self._sessions.of(mailbox), mailbox.tenant_id, user_of(mailbox))()
