"""The poison queues: a command that the host gave up on is run once more or recorded, and the admin is told.

The poison message itself is finished either way.
"""

from dataclasses import replace

from shared import telemetry
from shared.domain.commands.families import Family
from shared.domain.errors import MalformedCommand
from shared.services.commands.failures import failure_id, failure_of_poison, record
from shared.triggers.queue import Outcomes, QueueMessage, record_malformed, text_of


def take_poison(message: QueueMessage, family: Family, outcomes: Outcomes) -> None:
    """Finish one message of a `-poison` queue.

    A command whose failure is recorded needs a person. A command without a record killed its workers, or storage
    did not answer: it goes back once by itself, and is recorded when it comes again. Safe to run twice.
    """
    try:
        command = family.read(text_of(message))
    except MalformedCommand as error:
        record_malformed(message, family.queue, error, outcomes)
        telemetry.alert(telemetry.POISON_MESSAGE, queue=family.queue, mailbox="", known=True)
        return
    known = outcomes.exceptions.get(command.tenant_id, failure_id(command.to_json())) is not None
    if not known and command.replays == 0:
        outcomes.queue.put(replace(command, attempt=0, replays=1))
        telemetry.alert(telemetry.POISON_REPLAYED, queue=family.queue, mailbox=command.mailbox_id)
        return
    if not known:
        record(outcomes.exceptions, failure_of_poison(command, outcomes.clock()))
    telemetry.alert(telemetry.POISON_MESSAGE, queue=family.queue, mailbox=command.mailbox_id, known=known)
