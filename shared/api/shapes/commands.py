"""Failed commands as JSON."""

from shared.api.models.commands import ExceptionModel
from shared.domain.commands.advice import advice
from shared.services.commands.exceptions import NamedFailure


def exception(found: NamedFailure) -> ExceptionModel:
    failure = found.failure
    return ExceptionModel(
        id=failure.id,
        at=failure.at,
        mailbox_id=failure.mailbox_id,
        mailbox=found.mailbox,
        queue=failure.queue,
        code=failure.code,
        error=failure.error,
        advice=advice(failure.code),
        ids=list(found.ids),
        rules_version=failure.rules_version,
        command=failure.command,
        replayed_at=failure.replayed_at,
    )
