"""Failed commands as JSON."""

from shared.api.models.commands import FailureModel
from shared.domain.commands.advice import advice
from shared.services.commands.exceptions import NamedFailure


def failure(found: NamedFailure) -> FailureModel:
    failed = found.failure
    return FailureModel(
        id=failed.id,
        at=failed.at,
        mailbox_id=failed.mailbox_id,
        mailbox=found.mailbox,
        queue=failed.queue,
        code=failed.code,
        error=failed.error,
        advice=advice(failed.code, of_sending=bool(found.outbox_id)),
        ids=list(found.ids),
        outbox_id=found.outbox_id or None,
        rules_version=failed.rules_version,
        command=failed.command,
        replayed_at=failed.replayed_at,
    )
