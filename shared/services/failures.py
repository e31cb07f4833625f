"""What is kept of a command that cannot be processed, so that a person can read it and run it again."""

import uuid
from datetime import datetime

from shared.domain.commands import Command
from shared.domain.errors import PermanentError
from shared.ports import Failure


def failure_of(command: Command, error: PermanentError, now: datetime) -> Failure:
    """The exception row of a command that ended in a permanent error."""
    return Failure(
        id=uuid.uuid4().hex,
        tenant_id=command.tenant_id,
        mailbox_id=command.mailbox_id,
        command=command.to_json(),
        error=str(error),
        code=error.code or type(error).__name__,
        at=now,
    )
