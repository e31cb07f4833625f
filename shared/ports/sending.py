"""Mail that leaves an organisation's mailboxes, whoever provides them. Reading is a port of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.mail.items import ItemRef
from shared.domain.sending.checking import Limits
from shared.domain.sending.outbox import Refusal
from shared.domain.sending.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """A file that goes into a draft by itself: `size` is in bytes, `chunks` are read once."""

    name: str
    content_type: str
    size: int
    chunks: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class OutgoingCopy:
    """A copy of a mail of ours that lies in its sender's mailbox; `sender` is the address that it leaves from.

    One that is not marked was found by its Message-ID alone, which the server may replace when the mail leaves.
    """

    item: ItemRef
    message_id: str
    is_draft: bool
    is_in_trash: bool
    sender: str = ""
    is_marked: bool = True


@dataclass(frozen=True, slots=True)
class Offer:
    """The server would take a mail, but not for the recipients in `refused`."""

    refused: tuple[Refusal, ...] = ()


class OpenOutbox(Protocol):
    """One mailbox to send from. What gives no Outcome may raise AccessDenied, MailboxUnavailable, TransientError."""

    @property
    def keeps_drafts(self) -> bool:
        """Whether mail is laid into the mailbox before it leaves; else it is handed over in one call."""

    @property
    def lays_copies(self) -> bool:
        """Whether the server keeps a copy of what it takes, as far as is known; else it is laid there by us."""

    def draft(self, mime: bytes, tag: str) -> ItemRef | Outcome:
        """Lay a mail into the mailbox without sending it, marked with a tag that its sent copy keeps.

        Or what the server said instead; a draft may have been made all the same, with its tag or without.
        """

    def mark(self, draft: ItemRef, tag: str) -> None:
        """Give a draft the tag that its sent copy keeps. Raises NotFound where somebody has taken the draft away."""

    def attach(self, draft: ItemRef, file: OutgoingFile) -> None:
        """Add a file to a draft. Raises NotFound where somebody has taken the draft away."""

    def send_draft(self, draft: ItemRef) -> Outcome:
        """Send a draft, trying once."""

    def offer(self, mime: bytes) -> Offer | Outcome:
        """What the server says of a mail that is to be handed over in one call, before that call.

        An Outcome is never TAKEN or UNKNOWN: nothing has left by then.
        """

    def send(self, mime: bytes) -> Outcome:
        """Hand over the mail that was offered, in one call, trying once."""

    def copies(self, tag: str, message_id: str) -> Sequence[OutgoingCopy]:
        """What lies in the mailbox of a mail that was marked or named so: by its tag, else by its Message-ID."""

    def lay_copy(self, mime: bytes) -> OutgoingCopy:
        """Lay a copy of a mail that has left among the sent mail, where the server lays none.

        May raise any PermanentError: then there is none.
        """

    def discard(self, draft: ItemRef) -> None:
        """Take away a draft of ours that is not to leave; nothing where it has gone."""

    def close(self) -> None:
        """Give up what was opened; what was offered and not sent has not left."""


class MailSender(Protocol):
    """Opens mailboxes to send from, each over its own connection."""

    def limits(self, mailbox: Mailbox) -> Limits:
        """What may leave from it; makes no request."""

    def open(self, mailbox: Mailbox) -> OpenOutbox:
        """Makes no request by itself. Raises AccessDenied if no person has signed in for the mailbox."""
