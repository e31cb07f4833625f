"""Takes a whole organisation away: asked for, then done page by page. Safe to run twice.

The organisation's own row is marked first, so that nobody is served and every command of the tenant does nothing;
the row goes last. A second turn, a quarter of an hour later, catches what was written during the first one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from shared import telemetry
from shared.domain.commands.commands import SUBSCRIPTIONS, DeleteOrganisation
from shared.domain.errors import InvalidInput, PermanentError, Unknown
from shared.domain.privacy.callers import ADMIN, OPERATOR, Caller
from shared.domain.privacy.erasure import Deletion, deleted_organisation
from shared.ports.notifications import SubscriptionSource
from shared.ports.stores.connections import Organisations, Subscriptions
from shared.ports.stores.privacy import Erasures, Holdings
from shared.ports.work import Clock, CommandQueue
from shared.services.conflicts import persistently
from shared.services.privacy.erasing import ROWS, SETTLED, TURNS


@dataclass(frozen=True, slots=True)
class AskedDeletion:
    """A deletion as it stands, and whether this request began it."""

    deletion: Deletion
    is_first: bool


@dataclass(frozen=True, slots=True)
class AskDeletion:
    """Stop serving an organisation and have all that is stored of it taken away. A repeated request gets its time."""

    organisations: Organisations
    erasures: Erasures
    queue: CommandQueue
    clock: Clock
    hash_key: bytes

    def __call__(self, caller: Caller, confirm: str) -> AskedDeletion:
        """Raises Forbidden, InvalidInput unless `confirm` is the tenant id, and Unknown."""
        caller.needs(ADMIN, OPERATOR)
        tenant_id = caller.tenant_id
        _check_confirmed(confirm, tenant_id)
        standing = self.erasures.deletion(deleted_organisation(self.hash_key, tenant_id))
        organisation = self.organisations.get(tenant_id)
        if organisation is None:
            if standing is None:
                raise Unknown("There is no such organisation.")
            return AskedDeletion(standing, is_first=False)
        # Noted before the row says `deleting`: a run that is cut short between the two is repeated in full.
        if not organisation.deleting or standing is None:
            standing = Deletion.of(self.hash_key, tenant_id, self.clock())
            self.erasures.note_deletion(standing)
        persistently(lambda: self._close(tenant_id))
        self.queue.send(DeleteOrganisation.first(tenant_id, standing))
        return AskedDeletion(standing, is_first=not organisation.deleting)

    def _close(self, tenant_id: str) -> None:
        # Read again at each try: another writer may have changed a setting, or asked for the same.
        organisation = self.organisations.get(tenant_id)
        if organisation is not None and not organisation.deleting:
            self.organisations.put(replace(organisation, enabled=False, deleting=True))


def _check_confirmed(confirm: str, tenant_id: str) -> None:
    if confirm.strip().lower() != tenant_id:
        raise InvalidInput(
            "This takes away everything of the organisation and cannot be undone. Say so by naming it: "
            "'confirm' must be its tenant id."
        )


@dataclass(frozen=True, slots=True)
class RunDeletion:
    """One page: subscriptions at Graph, then every table and container, the organisation's own row at the very end."""

    organisations: Organisations
    erasures: Erasures
    subscriptions: Subscriptions
    source: SubscriptionSource
    holdings: Holdings
    queue: CommandQueue
    clock: Clock
    hash_key: bytes

    def __call__(self, command: DeleteOrganisation) -> None:
        """Does nothing for a command that comes late, when the operator has let the tenant in anew."""
        organisation = self.organisations.get(command.tenant_id)
        # A run may have been cut short between the last row and this note.
        if organisation is None:
            self._note_done(command.tenant_id)
            return
        if not organisation.deleting:
            telemetry.event("deletion_dropped", tenant=command.tenant_id)
            return
        more = False
        if command.step == SUBSCRIPTIONS:
            self._end_subscriptions(command.tenant_id)
        else:
            more = self.holdings.clear(command.tenant_id, command.step, limit=ROWS)
        self._go_on(command, more=more)

    def _end_subscriptions(self, tenant_id: str) -> None:
        """A subscription that Graph refuses to end expires within a week; its notifications are not believed."""
        for subscription_id in self._known(tenant_id):
            try:
                self.source.end(tenant_id, subscription_id)
            except PermanentError as error:
                telemetry.event("subscription_left", tenant=tenant_id, code=error.code)

    def _known(self, tenant_id: str) -> Iterator[str]:
        stored = {subscription.subscription_id for subscription in self.subscriptions.of(tenant_id)}
        # Graph's own list as well: a worker may have died between Graph's answer and our row.
        try:
            stored |= {subscription.subscription_id for subscription in self.source.living(tenant_id)}
        except PermanentError as error:
            telemetry.event("subscriptions_unlisted", tenant=tenant_id, code=error.code)
        # A row that waits for Graph's answer has no id yet.
        return iter(sorted(stored - {""}))

    def _go_on(self, command: DeleteOrganisation, *, more: bool) -> None:
        step, turn = command.step, command.turn
        if not more:
            steps = self._steps(turn)
            number = steps.index(step) + 1
            step, turn = (steps[number], turn) if number < len(steps) else (SUBSCRIPTIONS, turn + 1)
        if turn == TURNS:
            self._note_done(command.tenant_id)
            return
        # With a time of its own: a page of a long deletion is not overdue.
        following = replace(command, attempt=0, first_at=self.clock(), step=step, turn=turn)
        self.queue.send(following, delay=SETTLED if turn != command.turn else 0.0)

    def _steps(self, turn: int) -> tuple[str, ...]:
        places = self.holdings.places
        # The last place holds the organisation's own row, which only the last turn may take.
        return (SUBSCRIPTIONS, *(places if turn == TURNS - 1 else places[:-1]))

    def _note_done(self, tenant_id: str) -> None:
        hashed = deleted_organisation(self.hash_key, tenant_id)
        deletion = self.erasures.deletion(hashed)
        if deletion is not None and deletion.done_at is None:
            self.erasures.note_deletion(replace(deletion, done_at=self.clock()))
            telemetry.event("organisation_deleted", organisation=hashed)
