"""Users as the organisation's directory knows them. No mail is read for this."""

from dataclasses import dataclass
from typing import Protocol

from shared.domain.connections.mailboxes import Mailbox


@dataclass(frozen=True, slots=True)
class DirectoryUser:
    """A user as the directory knows it; addresses are normalised. `name` is the one that others see."""

    user_id: str
    address: str
    aliases: tuple[str, ...] = ()
    name: str = ""


class Directory(Protocol):
    """Finds the user of a mailbox."""

    def user(self, mailbox: Mailbox) -> DirectoryUser:
        """By object id if it is known, else by any address. Raises NotFound; AccessDenied without the right to look."""

    def is_disabled(self, mailbox: Mailbox) -> bool:
        """Whether the directory says that the user may not sign in; False where it says nothing. Raises NotFound."""
