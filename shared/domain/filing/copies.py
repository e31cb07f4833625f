"""Copies of a stored mail, and the copies whose mails depend on another one."""

from dataclasses import dataclass

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.mail.addresses import Person
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import FetchedMessage


@dataclass(frozen=True, slots=True)
class Dependent:
    """A copy whose mail answers another one, or goes on with it: it is looked at again when that one's records change.

    `message_key` is its mail's, where that is kept; '' where it was skipped.
    """

    mailbox_id: str
    item: ItemRef
    message_key: str = ""

    @property
    def is_kept(self) -> bool:
        return bool(self.message_key)


@dataclass(frozen=True, slots=True)
class Copy:
    """One mailbox's copy of a stored mail; Bcc is known to the copies that show it."""

    mailbox_id: str
    item: ItemRef
    folder_id: str
    bcc: tuple[Person, ...] = ()


def copy_of(message: FetchedMessage, mailbox: Mailbox) -> Copy:
    """The copy that was just fetched from a mailbox."""
    head = message.head
    return Copy(mailbox.mailbox_id, head.item, head.folder_id, head.bcc)
