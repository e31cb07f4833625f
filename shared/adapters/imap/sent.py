"""Copies of mail that left, among an account's sent mail: found by their Message-ID, and laid there where none is.

The one writer over IMAP beside the marks of intake mail: it adds, and changes nothing that is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.adapters.imap import folders, messages, ranges
from shared.adapters.imap.ranges import Opened
from shared.adapters.imap.sessions import Session, Sessions
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import NotFound, Unavailable
from shared.domain.mail.messages import MessageHead
from shared.ports.sending import OutgoingCopy

# Some servers find no header that they have: the last mails of the folder are read as well.
_LAST: Final = 20


@dataclass(frozen=True, slots=True)
class SentMail:
    """Looks through the sent mail of mailboxes, and adds to it."""

    sessions: Sessions

    def find(self, mailbox: Mailbox, message_id: str) -> Sequence[OutgoingCopy]:
        """Copies with this Message-ID; none where there is no such folder."""
        with self.sessions.of(mailbox) as session:
            try:
                place, _ = folders.sent(session)
            except NotFound:
                return ()
            return _found(session, place, message_id)

    def lay(self, mailbox: Mailbox, mime: bytes, message_id: str) -> OutgoingCopy:
        """A copy, as read. Raises NotFound and Rejected where the server keeps none."""
        with self.sessions.of(mailbox) as session:
            read_in, place = folders.sent(session)
            session.ask(lambda client: client.append(place, mime, [b"\\Seen"]))
            copies = _found(session, read_in, message_id)
        if not copies:
            raise Unavailable("The mail server does not show the copy that it took.")
        return copies[0]


def _found(session: Session, place: str, message_id: str) -> list[OutgoingCopy]:
    """What a search names is read: servers find what merely resembles it, and leave out what is there."""
    folder = ranges.opened(session, place)
    searched = session.ask(lambda client: client.search(["HEADER", "MESSAGE-ID", message_id]))
    found = _with_id(session, folder, [int(uid) for uid in searched][-_LAST:], message_id)
    if found or not folder.exists:
        return found
    last = session.ask(lambda client: client.search([f"{max(folder.exists - _LAST + 1, 1)}:*"]))
    return _with_id(session, folder, [int(uid) for uid in last], message_id)


def _with_id(session: Session, folder: Opened, uids: Sequence[int], message_id: str) -> list[OutgoingCopy]:
    heads = messages.heads(session, folder, uids)
    read = (head for head in heads.values() if isinstance(head, MessageHead))
    return [
        OutgoingCopy(
            item=head.item,
            message_id=head.message_id,
            is_draft=head.is_draft,
            is_in_trash=False,
            sender=head.sender.address,
        )
        for head in read
        if head.message_id == message_id and not head.is_draft
    ]
