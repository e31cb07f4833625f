"""Stores of organisations, their connections, mailboxes and subscriptions.

What they store is named, not imported: the webhook needs one of them, and none of the others' classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from shared.domain.connections.accounts import MailAccount
    from shared.domain.connections.connections import MailConnection
    from shared.domain.connections.habits import Habit, Learnt
    from shared.domain.connections.mailbox_state import Transition
    from shared.domain.connections.mailboxes import Mailbox
    from shared.domain.connections.organisations import Organisation
    from shared.domain.connections.subscriptions import Subscription


class Organisations(Protocol):
    def get(self, tenant_id: str) -> Organisation | None: ...

    def put(self, organisation: Organisation) -> Organisation:
        """Write under the organisation's ETag ('' = must not exist). Raises Conflict."""

    def all(self) -> Iterator[Organisation]: ...


@dataclass(frozen=True, slots=True)
class Change:
    """The mailbox to which a transition was applied, and what came of it: the same where it changed nothing."""

    before: Mailbox
    after: Mailbox

    @property
    def has_renamed(self) -> bool:
        """Whether this change, and no other, led from one state to another: of several workers, one tells."""
        return self.before.state.name != self.after.state.name


class Mailboxes(Protocol):
    def get(self, tenant_id: str, address: str) -> Mailbox | None: ...

    def by_id(self, tenant_id: str, mailbox_id: str) -> Mailbox | None: ...

    def save(self, mailbox: Mailbox) -> Mailbox:
        """Create or replace under the mailbox's ETag ('' = must not exist). Raises Conflict.

        This is how settings, addresses and ids are written; state goes through `change`.
        """

    def change(self, mailbox: Mailbox, transition: Transition) -> Change | None:
        """Apply a transition to the state as it is now, and write it under the row's ETag. Settings stay.

        `mailbox` is the row as it was last read: while nobody has changed it since, it is not read again.
        None when the mailbox is gone; raises Conflict when others keep changing it.
        """

    def delete(self, tenant_id: str, address: str) -> None: ...

    def of(self, tenant_id: str) -> Iterator[Mailbox]:
        """An organisation's mailboxes by address."""

    def due(self, now: datetime) -> Iterator[Mailbox]:
        """Enabled mailboxes of all organisations whose next poll is due."""


class Subscriptions(Protocol):
    def get(self, tenant_id: str, mailbox_id: str) -> Subscription | None: ...

    def put(self, tenant_id: str, subscription: Subscription) -> Subscription:
        """Write under the ETag ('' = must not exist). Raises Conflict."""

    def delete(self, tenant_id: str, mailbox_id: str) -> None: ...

    def of(self, tenant_id: str) -> Iterator[Subscription]:
        """An organisation's."""

    def ending(self, before: datetime) -> Iterator[tuple[str, Subscription]]:
        """Those of all organisations, by tenant, that end before a moment or have not been answered yet."""


class Connections(Protocol):
    """The ways to the mail of organisations, by tenant and connection id."""

    def get(self, tenant_id: str, connection_id: str) -> MailConnection | None: ...

    def put(self, connection: MailConnection) -> MailConnection:
        """Write under the connection's ETag ('' = must not exist). Raises Conflict."""

    def delete(self, tenant_id: str, connection_id: str) -> None: ...

    def of(self, tenant_id: str) -> list[MailConnection]:
        """An organisation's, in order of their ids."""

    def all(self) -> Iterator[MailConnection]: ...


class Habits(Protocol):
    """What tenants showed of the provider's habits."""

    def of(self, tenant_id: str) -> Mapping[Habit, Learnt]:
        """Those that are known; what a newer version knows besides is passed over."""

    def put(self, tenant_id: str, learnt: Sequence[Learnt]) -> None:
        """Each replaces what was known of its habit."""


class Credentials(Protocol):
    """The accounts of mailboxes that are reached with a user name and a password."""

    def get(self, tenant_id: str, mailbox_id: str) -> MailAccount | None: ...

    def put(self, account: MailAccount, password: str) -> MailAccount:
        """Seal the password for its row, and replace whatever stands there. Raises Rejected without a key."""

    def password(self, account: MailAccount) -> str:
        """The password. Raises Rejected for a lost key, and where it was sealed for another row.

        What was sealed with an earlier key is sealed anew.
        """

    def note(self, account: MailAccount) -> None:
        """Write how often it was refused. Where another one stands by now, that says nothing of it."""

    def delete(self, tenant_id: str, mailbox_id: str) -> None: ...
