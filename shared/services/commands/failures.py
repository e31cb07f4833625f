"""What is kept of a command that cannot be processed, so that a person can read it and run it again."""

import hashlib
import logging
from datetime import datetime
from typing import TYPE_CHECKING

from shared import telemetry
from shared.domain.commands import advice
from shared.domain.commands.commands import IngestMessages, ResendMail
from shared.domain.commands.envelope import Command, name_in
from shared.domain.errors import MalformedCommand, PermanentError
from shared.domain.mail.items import ItemRef
from shared.ports.stores.exceptions import Exceptions, Failure

if TYPE_CHECKING:
    # The webhooks know failures, and load nothing of what leaves.
    from shared.domain.sending.outbox import OutboxMail, Problem


def failure_id(text: str) -> str:
    """The id of the failure of a command with this text: the same command leads to the same failure."""
    # A queue may hold any bytes; lone surrogates are hashed as well instead of ending in an error.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def failure_of(command: Command, error: PermanentError, now: datetime) -> Failure:
    """The exception row of a command that ended in a permanent error."""
    return _failure(command, str(error), error.code or type(error).__name__, now)


def failure_of_bug(command: Command, error: Exception, now: datetime) -> Failure:
    """The row of a command that met a fault of ours: its type and place, since its text may quote a mail."""
    place = telemetry.place_of(error)
    said = f"{type(error).__name__} in {place}" if place else type(error).__name__
    return _failure(command, said, advice.BUG, now)


def failure_of_poison(command: Command, now: datetime) -> Failure:
    """The row of what ended its workers again and again without a recorded error."""
    return _failure(
        command, "Its workers came to no end with it, however often it was tried.", advice.POISON, now
    )


def failure_of_text(text: str, tenant_id: str, queue: str, error: MalformedCommand, now: datetime) -> Failure:
    """The row of a queue message that is no command, or one that only a newer version knows."""
    return Failure(
        id=failure_id(text),
        tenant_id=tenant_id,
        mailbox_id="",
        command=text,
        error=str(error),
        code=error.code or advice.MALFORMED,
        at=now,
        queue=queue,
    )


def failure_of_mail(mail: "OutboxMail", problem: "Problem", now: datetime) -> Failure:
    """The row of a mail that has not left, or of which nobody knows: replayed, it is sent once more.

    A tag is one attempt's: the same end of an attempt leads to the same failure.
    """
    return _failure(ResendMail.of(mail), problem.detail, problem.code, now)


def record(exceptions: Exceptions, failure: Failure) -> None:
    """Keep a failure and tell the admin. Safe to run twice."""
    exceptions.record(failure)
    # Any mail may be a reason: it is noted in the command's line, and writes none of its own.
    telemetry.event(
        telemetry.EXCEPTION_RECORDED,
        level=logging.WARNING,
        tenant=failure.tenant_id,
        mailbox=failure.mailbox_id,
        exception=failure.id,
        code=failure.code,
        queue=failure.queue,
        command=_name_in(failure.command),
    )


def _name_in(text: str) -> str:
    try:
        return name_in(text)
    except MalformedCommand:
        return ""


def _failure(command: Command, error: str, code: str, now: datetime) -> Failure:
    # Imported here: a failure is rare, and every start would pay for all that capture rests on.
    from shared.domain.capture.screening import RULES_VERSION

    text = command.to_json()
    return Failure(
        id=failure_id(text),
        tenant_id=command.tenant_id,
        mailbox_id=command.mailbox_id,
        command=text,
        error=error,
        code=code,
        at=now,
        queue=command.queue,
        item=_item_of(command),
        rules_version=RULES_VERSION,
    )


def _item_of(command: Command) -> ItemRef | None:
    # Of a batch it is not known which of its mails failed.
    if not isinstance(command, IngestMessages) or len(command.items) > 1:
        return None
    return command.items[0]
