"""The sweep of the poison queues: what the host gave up on is run once more or recorded, and the admin is told.

The host keeps a poison message for seven days. So whatever it is, it is stored elsewhere first, and then removed.
"""

from dataclasses import dataclass, replace

from shared import telemetry
from shared.domain import names
from shared.domain.commands.envelope import Command, tenant_named_in
from shared.domain.commands.families import Family
from shared.domain.commands.retries import delay_for_newer
from shared.domain.errors import MalformedCommand, NewerCommand, PermanentError
from shared.ports.stores.exceptions import Exceptions
from shared.ports.work import Clock, CommandQueue, PoisonMessage, PoisonQueues
from shared.services.commands.failures import failure_id, failure_of_poison, failure_of_text, record


@dataclass(frozen=True, slots=True)
class SweepPoison:
    """Empty the poison queues. Safe to run twice.

    A command whose failure is recorded needs a person. A command without a record killed its workers, or storage
    did not answer: it goes back once by itself, and is recorded when it comes again.
    """

    poison: PoisonQueues
    queue: CommandQueue
    exceptions: Exceptions
    clock: Clock

    def __call__(self) -> None:
        """A message that cannot be stored stays, and leaves the others alone."""
        for queue in names.QUEUES:
            family = Family.on(queue)
            while messages := self.poison.take(queue):
                for message in messages:
                    self._take(family, message)

    def _take(self, family: Family, message: PoisonMessage) -> None:
        try:
            self._store(family, message.text)
            self.poison.remove(family.queue, message)
        except Exception as error:  # noqa: BLE001  the boundary: what cannot be stored today is tried again
            telemetry.failure("poison_left", error, queue=family.queue)

    def _store(self, family: Family, text: str) -> None:
        try:
            self._go_on(family.read(text))
        except NewerCommand as error:
            self._leave(family.queue, text, error)
        except PermanentError as error:
            # No command; or one that names what no key can hold.
            self._record_text(family.queue, text, error)

    def _go_on(self, command: Command) -> None:
        known = self.exceptions.get(command.tenant_id, failure_id(command.to_json())) is not None
        if not known and command.replays == 0:
            self.queue.send(replace(command, attempt=0, replays=1))
            telemetry.alert(telemetry.POISON_REPLAYED, queue=command.queue, mailbox=command.mailbox_id)
            return
        if not known:
            record(self.exceptions, failure_of_poison(command, self.clock()))
        telemetry.alert(
            telemetry.POISON_MESSAGE, queue=command.queue, mailbox=command.mailbox_id, known=known
        )

    def _leave(self, queue: str, text: str, error: NewerCommand) -> None:
        """Workers were killed beside it, or storage did not answer: it waits for a newer version, as on its queue."""
        wait = delay_for_newer(error.first_at, self.clock())
        if wait is None:
            self._record_text(queue, text, error)
        else:
            self.queue.send_as_it_is(queue, text, delay=wait)

    def _record_text(self, queue: str, text: str, error: PermanentError) -> None:
        problem = error if isinstance(error, MalformedCommand) else MalformedCommand(str(error))
        record(self.exceptions, failure_of_text(text, tenant_named_in(text), queue, problem, self.clock()))
        telemetry.alert(telemetry.POISON_MESSAGE, queue=queue, mailbox="", known=True)
