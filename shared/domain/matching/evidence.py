"""What a link rests on: somebody's part in the mail, a code, another mail; and how a reader is told."""

from dataclasses import dataclass
from typing import Final

from shared.domain.mail.message_ids import bracketed

BCC: Final = "bcc"
CODE: Final = "code"
SENT: Final = "sent"
BOUNCE: Final = "bounce"
THREAD: Final = "thread"
CONVERSATION: Final = "conversation"
SUBJECT: Final = "subject"
# A record that came along with another one, or was opened for the mail.
RECORD: Final = "record"


@dataclass(frozen=True, slots=True)
class Evidence:
    """`role` is `from`, `reply-to`, `to`, `cc` or `bcc` where a person's `address` led to the record; else what did.

    `text` is all of it; a Message-ID stands there without its brackets.
    """

    role: str = ""
    address: str = ""
    text: str = ""

    @property
    def words(self) -> str:
        """All of it, for a reader: a Message-ID as everywhere else, in angle brackets."""
        is_mail = self.role in (THREAD, BOUNCE)
        return bracketed(self.text) if is_mail else self.text

    @property
    def is_blind(self) -> bool:
        """Whether it would give a Bcc away."""
        return self.role == BCC


NO_EVIDENCE: Final = Evidence()


def of_person(role: str, address: str, more: str = "") -> Evidence:
    """Somebody's part in the mail; `more` says how that leads on to the record."""
    return Evidence(role, address, f"{role} {address}{more}")
