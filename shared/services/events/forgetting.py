"""How long the feed and uploaded files are kept: every night, what nobody needs any more is taken away."""

from dataclasses import dataclass, replace
from typing import Final

from shared import telemetry
from shared.domain.commands.commands import ForgetEvents
from shared.domain.events.feed import kept_from
from shared.ports.stores.connections import Organisations
from shared.ports.stores.events import Events
from shared.ports.stores.sending import Uploads
from shared.ports.work import Clock, CommandQueue

ROWS: Final = 1_000


@dataclass(frozen=True, slots=True)
class QueueForgetting:
    """The agenda's part: one command for each organisation."""

    organisations: Organisations
    queue: CommandQueue
    clock: Clock

    def __call__(self) -> None:
        for organisation in self.organisations.all():
            if not organisation.deleting:
                self.queue.send(ForgetEvents(tenant_id=organisation.tenant_id, first_at=self.clock()))


@dataclass(frozen=True, slots=True)
class RunForgetting:
    """A thousand events and a thousand files, then the next command. Safe to run twice."""

    organisations: Organisations
    events: Events
    uploads: Uploads
    queue: CommandQueue
    clock: Clock

    def __call__(self, command: ForgetEvents) -> None:
        organisation = self.organisations.get(command.tenant_id)
        if organisation is None:
            return
        before = kept_from(self.clock(), organisation.retention_days)
        more_events = self.events.forget(command.tenant_id, before, limit=ROWS)
        if self.uploads.forget(command.tenant_id, self.clock(), limit=ROWS) or more_events:
            self.queue.send(replace(command, attempt=0, first_at=self.clock()))
        else:
            telemetry.event("events_forgotten", organisation=command.tenant_id)
