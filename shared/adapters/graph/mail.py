"""Mail read from Microsoft Graph v1.0, over the connection that each mailbox was given. Never writes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime

from shared.adapters.graph import changes, folders
from shared.adapters.graph.delegated import Sessions
from shared.adapters.graph.directory import user_of
from shared.adapters.graph.listing import FolderList
from shared.adapters.graph.messages import GraphMessages
from shared.adapters.graph.session import GraphSession, path
from shared.domain.capture.folders import Folder, Role
from shared.domain.capture.windows import Window
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import Outcome
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import FetchedMessage, MessageHead
from shared.ports.mail import ChangePage, ListPage


class GraphMail:
    """Implements `ports.MailAccess`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def open(self, mailbox: Mailbox) -> "GraphMailbox":
        """Which sign-in serves a mailbox is looked up once a minute."""
        return GraphMailbox(self._sessions.of(mailbox), mailbox)


class GraphMailbox:
    """Implements `ports.OpenMailbox`."""

    def __init__(self, session: GraphSession, mailbox: Mailbox) -> None:
        self._session = session
        self._tenant_id = mailbox.tenant_id
        self._user = user_of(mailbox)
        self._messages = GraphMessages(session, self._tenant_id, self._user)

    def folders(self, known: Mapping[str, Role | None]) -> list[Folder]:
        return folders.listed(self._session, self._tenant_id, self._user, known)

    def changes(
        self, folder_id: str, cursor: str, since: datetime | None, *, arrivals: bool = False
    ) -> ChangePage:
        """One request, unless pages have to be smaller."""
        begin = None if arrivals else since
        return changes.page(
            self._session, self._tenant_id, self._folder(folder_id), cursor, begin, ids_only=arrivals
        )

    def list(
        self, folder_id: str, window: Window, *, with_heads: bool = False, unread: bool = False
    ) -> ListPage:
        """One request, oldest first, unless pages have to be smaller."""
        listed = replace(self._listed(folder_id), unread=unread)
        return listed.page(window, with_heads=with_heads)

    def count(self, folder_id: str, window: Window) -> int:
        """One request."""
        return self._listed(folder_id).count(window)

    def broken(self, folder_id: str, second: datetime) -> frozenset[ItemRef]:
        """A list of ids, and a request for each."""
        return self._listed(folder_id).broken(Window.second(second))

    def heads(self, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[MessageHead]]:
        return self._messages.heads(items)

    def messages(self, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[FetchedMessage]]:
        return self._messages.whole(items)

    def attachment(self, item: ItemRef, source_id: str) -> AbstractContextManager[Iterator[bytes]]:
        """The bytes of a file, or an attached item as MIME. NotFound for a linked file: it has none."""
        where = self._messages.where(item, "attachments", source_id, "$value")
        return self._session.stream(self._tenant_id, where)

    def mime(self, item: ItemRef, most: int) -> bytes:
        """One request, ended early where there is more."""
        found = bytearray()
        with self._session.stream(self._tenant_id, self._messages.where(item, "$value")) as chunks:
            for chunk in chunks:
                found += chunk
                if len(found) >= most:
                    break
        return bytes(found[:most])

    def _listed(self, folder_id: str) -> FolderList:
        return FolderList(self._session, self._tenant_id, self._folder(folder_id))

    def _folder(self, folder_id: str) -> str:
        return path("users", self._user, "mailFolders", folder_id, "messages")
