"""The mail of every mailbox over the connection that it was given: one MailSource for the whole service."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from shared.adapters.graph.delegated import Sessions
from shared.adapters.graph.mail import GraphMail
from shared.domain.capture.folders import Folder, FolderState
from shared.domain.capture.windows import Window
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import Outcome
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import FetchedMessage, MessageHead
from shared.ports.directory import DirectoryUser
from shared.ports.mail import DeltaPage, ListPage


class ConnectedMail:
    """Implements `ports.MailSource`. Every method may raise AccessDenied where nobody has signed in."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def _of(self, mailbox: Mailbox) -> GraphMail:
        return GraphMail(self._sessions.of(mailbox))

    def user(self, mailbox: Mailbox) -> DirectoryUser:
        return self._of(mailbox).user(mailbox)

    def folders(self, mailbox: Mailbox) -> list[Folder]:
        return self._of(mailbox).folders(mailbox)

    def well_known_folders(self, mailbox: Mailbox) -> Mapping[str, str]:
        return self._of(mailbox).well_known_folders(mailbox)

    def delta(self, mailbox: Mailbox, folder: FolderState, since: datetime | None) -> DeltaPage:
        return self._of(mailbox).delta(mailbox, folder, since)

    def listed(
        self, mailbox: Mailbox, folder_id: str, window: Window, *, with_heads: bool = False
    ) -> ListPage:
        return self._of(mailbox).listed(mailbox, folder_id, window, with_heads=with_heads)

    def count(self, mailbox: Mailbox, folder_id: str, window: Window) -> int:
        return self._of(mailbox).count(mailbox, folder_id, window)

    def broken(self, mailbox: Mailbox, folder_id: str, second: datetime) -> frozenset[ItemRef]:
        return self._of(mailbox).broken(mailbox, folder_id, second)

    def heads(self, mailbox: Mailbox, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[MessageHead]]:
        return self._of(mailbox).heads(mailbox, items)

    def messages(
        self, mailbox: Mailbox, items: Sequence[ItemRef]
    ) -> Mapping[ItemRef, Outcome[FetchedMessage]]:
        return self._of(mailbox).messages(mailbox, items)

    def attachment(
        self, mailbox: Mailbox, item: ItemRef, attachment_id: str
    ) -> AbstractContextManager[Iterator[bytes]]:
        return self._of(mailbox).attachment(mailbox, item, attachment_id)

    def mime(self, mailbox: Mailbox, item: ItemRef, most: int) -> bytes:
        return self._of(mailbox).mime(mailbox, item, most)
