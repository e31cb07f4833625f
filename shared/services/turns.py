"""A worker's turn at a mailbox: under its lease, with its settings of now, not before Graph's wait is over."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.commands import Command
from shared.domain.errors import PermanentError, Throttled, TransientError
from shared.ports import Clock, Leases, Mailboxes
from shared.services.access import WatchAccess
from shared.services.scopes import FindScope, Scope


@dataclass(frozen=True, slots=True)
class Turns:
    """Gives out turns. Raises Busy where none is free, Throttled while Graph has asked to wait.

    The scope is read under the lease, and a wait that Graph asks for is written down before the lease goes:
    whoever has the next turn, in whatever process, knows of it. What a permanent error says of the mailbox is
    written down likewise; Noted is raised in its place where that says it all.
    """

    scope: FindScope
    leases: Leases
    mailboxes: Mailboxes
    access: WatchAccess
    clock: Clock

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
        if isinstance(error, Throttled) and error.retry_after:
            until = self.clock() + timedelta(seconds=error.retry_after)
            self.mailboxes.note(scope.mailbox, blocked_until=until)

    @contextmanager
    def _under(self, lease: AbstractContextManager[None], command: Command) -> Iterator[Scope | None]:
        with lease:
            scope = self.scope(command)
            if scope is None:
                yield None
                return
            self._check(scope)
            try:
                yield scope
            except Throttled as error:
                self.told(scope, error)
                raise
            except PermanentError as error:
                told = self.access.failed(scope, command, error)
                if told is error:
                    raise
                raise told from error

    def _check(self, scope: Scope) -> None:
        until, now = scope.mailbox.blocked_until, self.clock()
        if until is not None and until > now:
            raise Throttled("Microsoft Graph asked to wait.", (until - now).total_seconds())
