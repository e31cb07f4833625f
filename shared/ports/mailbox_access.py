"""The rights of a connection in a mailbox."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

from shared.domain.connections.account_tests import SignIn, Submission
from shared.domain.connections.discovery import FoundServers
from shared.domain.connections.habits import Habit
from shared.domain.connections.mailbox_tests import Read
from shared.domain.connections.mailboxes import Mailbox
from shared.ports.directory import DirectoryUser

# "Advanced query capabilities": an `in` filter of Graph takes at most 15 values.
MOST_USERS: Final = 15


class OwnCredential(Protocol):
    """What this application proves itself with."""

    def expires_at(self) -> datetime | None:
        """When it ends; None where it does not, or where nobody has said when."""


class AccountProbe(Protocol):
    """What comes of signing in to a mailbox outside Microsoft 365."""

    def sign_in(self, mailbox: Mailbox) -> SignIn:
        """Sign in anew with what is saved, and look at the inbox without changing it."""


class SubmissionProbe(Protocol):
    """What comes of handing mail in from a mailbox outside Microsoft 365. Sends none."""

    def has_server(self, mailbox: Mailbox) -> bool:
        """Whether it is known by which server its mail leaves. Makes no request to that."""

    def submission(self, mailbox: Mailbox) -> Submission:
        """Sign in there, and say as whom mail would be sent."""


class MailServers(Protocol):
    """The servers of mailboxes outside Microsoft 365, as their domains publish them."""

    def find(self, address: str) -> FoundServers | None:
        """Within ten seconds; None where nothing is published. Nobody signs in anywhere for this."""

    def may_be_named(self, host: str) -> bool:
        """Whether a host may be saved: not an address, in whatever spelling, that would never be connected to."""


class AccessProbe(Protocol):
    """What a mailbox's connection may do there. Reads only, and of mail's texts no more than one preview."""

    def renew(self, mailbox: Mailbox) -> None:
        """Forget the token: a grant may be newer than it."""

    def granted(self, mailbox: Mailbox) -> frozenset[str]:
        """The permissions that the token carries. Raises AccessDenied if there is no token."""

    def user(self, mailbox: Mailbox) -> DirectoryUser:
        """The user of the mailbox or its address. Raises NotFound; AccessDenied without the right to look."""

    def users(self, tenant_id: str, user_ids: Sequence[str]) -> Mapping[str, DirectoryUser]:
        """Users by object id, in a request for every `MOST_USERS`. Raises AccessDenied without the right to look."""

    def group(self, mailbox: Mailbox) -> str:
        """The name of the group that has the address, or ''. Raises AccessDenied."""

    def read(self, mailbox: Mailbox) -> Read:
        """Read one mail's preview from the inbox: DONE, EMPTY or HEADERS_ONLY.

        Raises AccessDenied, NotFound or MailboxUnavailable.
        """

    def purpose(self, mailbox: Mailbox) -> str:
        """The mailbox's purpose, in Exchange's word. Raises AccessDenied."""

    def habits(self, mailbox: Mailbox) -> Mapping[Habit, bool | None]:
        """What trying shows of each habit in `TRIED`; None where this mailbox cannot tell.

        Reads no text of a mail. What was found is used by this process at once.
        """
