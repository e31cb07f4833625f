"""What a person decided on a mail in My Inbox: stored on the mail's row, then carried out by a command."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.domain.matching import Decision, Link

LINK: Final = "link"
OPEN: Final = "open"
NOTE: Final = "note"
DELETE: Final = "delete"
WHATS: Final = (LINK, OPEN, NOTE, DELETE)


@dataclass(frozen=True, slots=True)
class Ruling:
    """One decision. `by` is the object id of who made it; `before` is what stood there, to be put back by an undo.

    `file_thread`: the thread's other mails in My Inbox go along. `taught` is the address whose mail follows
    from now on, '' = none.
    """

    what: str
    by: str
    at: datetime
    before: Decision
    links: tuple[Link, ...] = ()
    file_thread: bool = False
    taught: str = ""
