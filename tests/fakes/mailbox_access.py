"""What a connection may do with a mailbox, in memory: an AccessProbe that does what a test says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from shared.adapters.network.dialling import is_closed
from shared.domain.connections.account_tests import SignIn, Submission
from shared.domain.connections.discovery import FoundServers
from shared.domain.connections.habits import TRIED, Habit
from shared.domain.connections.mailbox_tests import Read
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.public_addresses import Network
from shared.domain.errors import NotFound
from shared.ports.directory import DirectoryUser
from tests.fakes.faults import Errors

ROLES = frozenset(("Mail.Read", "Mail.Send", "MailboxSettings.Read", "User.Read.All"))
CALLS: Final = ("granted", "user", "users", "group", "read", "purpose", "habits")


@dataclass
class FakeOwnCredential:
    """A credential that ends when a test says so."""

    ends: datetime | None = None

    def expires_at(self) -> datetime | None:
        return self.ends


@dataclass
class FakeSubmissionProbe:
    """`ends` is how handing mail in would end; NO_SERVER: nobody has said where. `asked` counts."""

    ends: Submission = Submission.NO_SERVER
    asked: int = 0

    def has_server(self, mailbox: Mailbox) -> bool:
        return self.ends is not Submission.NO_SERVER

    def submission(self, mailbox: Mailbox) -> Submission:
        self.asked += 1
        return self.ends


@dataclass
class FakeAccountProbe:
    """Lets everybody in, unless told otherwise: `ends` by address. `tried` are the addresses that signed in."""

    ends: dict[str, SignIn] = field(default_factory=dict)
    tried: list[str] = field(default_factory=list)

    def sign_in(self, mailbox: Mailbox) -> SignIn:
        self.tried.append(mailbox.address)
        return self.ends.get(mailbox.address, SignIn.DONE)


@dataclass
class FakeMailServers:
    """What is published, by address."""

    found: dict[str, FoundServers] = field(default_factory=dict)
    opened: tuple[Network, ...] = ()

    def find(self, address: str) -> FoundServers | None:
        return self.found.get(address)

    def may_be_named(self, host: str) -> bool:
        return not is_closed(host, self.opened)


@dataclass
class FakeProbe:
    """Lets everybody in, unless told otherwise: `errors` by method, or by (method, address).

    Everybody exists under the address that is asked for; `named` are users by address or object id, None where
    there is none; `groups` are names by address; `purposes` are words by address. `inbox` is what reading comes to,
    `shows` what trying the provider's habits comes to.
    """

    roles: frozenset[str] = ROLES
    inbox: Read = Read.DONE
    errors: Errors[str | tuple[str, str]] = field(default_factory=lambda: Errors(_is_call))
    named: dict[str, DirectoryUser | None] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    purposes: dict[str, str] = field(default_factory=dict)
    shows: dict[Habit, bool | None] = field(default_factory=lambda: dict.fromkeys(TRIED))
    calls: list[str] = field(default_factory=list)

    def renew(self, mailbox: Mailbox) -> None:
        self.calls.append("renew")

    def granted(self, mailbox: Mailbox) -> frozenset[str]:
        self._call("granted", mailbox.address)
        return self.roles

    def user(self, mailbox: Mailbox) -> DirectoryUser:
        self._call("user", mailbox.address)
        user = DirectoryUser(f"user-of-{mailbox.address}", mailbox.address)
        found = self.named.get((mailbox.user_id or mailbox.address), user)
        if found is None:
            raise NotFound("There is no such user.", "Request_ResourceNotFound")
        return found

    def users(self, tenant_id: str, user_ids: Sequence[str]) -> Mapping[str, DirectoryUser]:
        self._call("users", "")
        return {one: user for one in user_ids if (user := self.named.get(one)) is not None}

    def group(self, mailbox: Mailbox) -> str:
        self._call("group", mailbox.address)
        return self.groups.get(mailbox.address, "")

    def read(self, mailbox: Mailbox) -> Read:
        self._call("read", mailbox.address)
        return self.inbox

    def purpose(self, mailbox: Mailbox) -> str:
        self._call("purpose", mailbox.address)
        return self.purposes.get(mailbox.address, "user")

    def habits(self, mailbox: Mailbox) -> Mapping[Habit, bool | None]:
        self._call("habits", mailbox.address)
        return self.shows

    def _call(self, method: str, address: str) -> None:
        self.calls.append(method)
        error = self.errors.get((method, address)) or self.errors.get(method)
        if error is not None:
            raise error


def _is_call(name: str | tuple[str, str]) -> bool:
    return (name if isinstance(name, str) else name[0]) in CALLS
