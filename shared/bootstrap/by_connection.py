"""Ports of mail that ask whichever adapter reaches a mailbox: Microsoft Graph's, or IMAP's.

Each adapter is made, and its library loaded, when the first mailbox of its kind is asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from shared.domain.connections.mailboxes import GRAPH_APP, Mailbox
from shared.domain.errors import Outcome
from shared.domain.mail.items import ItemRef
from shared.domain.sending.checking import Limits
from shared.ports.directory import Directory, DirectoryUser
from shared.ports.mail import MailAccess, OpenMailbox
from shared.ports.marking import MailMarker
from shared.ports.sending import MailSender, OpenOutbox

Port = TypeVar("Port")


@dataclass(frozen=True, slots=True)
class Either(Generic[Port]):
    """The adapter for mailboxes of Microsoft 365, and the one for others."""

    graph: Callable[[], Port]
    imap: Callable[[], Port]

    def of(self, mailbox: Mailbox) -> Port:
        return self.imap() if mailbox.is_outside else self.graph()


@dataclass(frozen=True, slots=True)
class EitherMail:
    """Implements `ports.MailAccess`."""

    either: Either[MailAccess]

    def open(self, mailbox: Mailbox) -> OpenMailbox:
        return self.either.of(mailbox).open(mailbox)


@dataclass(frozen=True, slots=True)
class EitherMarker:
    """Implements `ports.MailMarker`."""

    either: Either[MailMarker]

    def mark_read(self, mailbox: Mailbox, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[None]]:
        return self.either.of(mailbox).mark_read(mailbox, items)


@dataclass(frozen=True, slots=True)
class EitherSender:
    """Implements `ports.MailSender`."""

    either: Either[MailSender]

    def limits(self, mailbox: Mailbox) -> Limits:
        return self.either.of(mailbox).limits(mailbox)

    def open(self, mailbox: Mailbox) -> OpenOutbox:
        return self.either.of(mailbox).open(mailbox)


@dataclass(frozen=True, slots=True)
class TenantDirectory:
    """Implements `ports.Directory`: agents are users of the tenant, wherever their mailboxes lie."""

    directory: Directory

    def user(self, mailbox: Mailbox) -> DirectoryUser:
        return self.directory.user(_in_tenant(mailbox))

    def is_disabled(self, mailbox: Mailbox) -> bool:
        return self.directory.is_disabled(_in_tenant(mailbox))


def _in_tenant(mailbox: Mailbox) -> Mailbox:
    return replace(mailbox, connection=GRAPH_APP) if mailbox.is_outside else mailbox
