"""A worker's turn at a mailbox: under its lease, with its settings of now, not before Graph's wait is over."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.domain.commands.envelope import Command
from shared.domain.connections.mailbox_state import blocked
from shared.domain.errors import Busy, PermanentError, TransientError
from shared.ports.stores.connections import Mailboxes
from shared.ports.work import Clock, Leases
from shared.services.capture.mailbox_access import WatchAccess
from shared.services.capture.scopes import FindScope, Scope

# Of so many mailboxes a process remembers waits, and walks that wait, at most.
MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Turns:
    """Gives out turns. Raises Busy where none is free, and while Graph has asked to wait.

    The scope is read under the lease, and a wait that Graph asks for is written down before the lease goes:
    whoever has the next turn, in whatever process, knows of it. What a permanent error says of the mailbox is
    written down likewise; Noted is raised in its place where that says it all.
    """

    scope: FindScope
    leases: Leases
    mailboxes: Mailboxes
    access: WatchAccess
    clock: Clock
    # Until when Graph has asked to wait, by tenant and mailbox, as far as this process knows.
    _known: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def walk(self, command: Command) -> AbstractContextManager[Scope | None]:
        """The one turn for walking, reconciling and subscribing. None when mailbox or organisation are gone."""
        return self._under(self.leases.walk(command.tenant_id, command.mailbox_id), command)

    def slot(self, command: Command) -> AbstractContextManager[Scope | None]:
        """One of three turns for ingesting."""
        return self._under(self.leases.slot(command.tenant_id, command.mailbox_id), command)

    def proved(self, scope: Scope) -> None:
        """Graph lets the mailbox be read. To be said before anything is queued that is dropped without access."""
        self.access.proved(scope)

    def told(self, scope: Scope, error: TransientError) -> None:
        """Write down a wait that Graph has asked for, where the turn goes on all the same."""
        if error.retry_after:
            until = self.clock() + timedelta(seconds=error.retry_after)
            self._remember(scope.tenant_id, scope.mailbox.mailbox_id, until)
            self.mailboxes.change(scope.mailbox, blocked(until))

    @contextmanager
    def _under(self, lease: AbstractContextManager[None], command: Command) -> Iterator[Scope | None]:
        self._check(self._known.get((command.tenant_id, command.mailbox_id)))
        with lease:
            scope = self.scope(command)
            if scope is None:
                yield None
                return
            until = scope.mailbox.state.blocked_until
            self._remember(command.tenant_id, command.mailbox_id, until)
            self._check(until)
            try:
                yield scope
            except TransientError as error:
                self.told(scope, error)
                raise
            except PermanentError as error:
                told = self.access.failed(scope, command, error)
                if told is error:
                    raise
                raise told from error

    def _check(self, until: datetime | None) -> None:
        now = self.clock()
        if until is not None and until > now:
            raise Busy("Microsoft Graph asked to wait.", (until - now).total_seconds())

    def _remember(self, tenant_id: str, mailbox_id: str, until: datetime | None) -> None:
        """So that whoever comes while the wait lasts costs nothing."""
        if until is None:
            return
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[tenant_id, mailbox_id] = until
