"""Mail that people and the CRM send: new mails, replies, forwards, and their preview."""

from typing import Final

from fastapi import Request

from shared.api.audit import about, leave_out
from shared.api.auth import UseCases
from shared.api.models.sending import (
    ForwardFields,
    MailFields,
    MailPreviewModel,
    PreviewFields,
    QueuedModel,
    ReplyFields,
)
from shared.api.parameters import IdempotencyKey, MessageId, Worker, guarded_router, problems
from shared.api.shapes import sending
from shared.domain.privacy.callers import Caller
from shared.domain.sending.wanted import MailWanted

router = guarded_router(tag="sending")
_ASKING: Final = problems(409)


@router.post("/messages", status_code=202, responses=problems(409))
def send_message(
    request: Request, use_cases: UseCases, caller: Worker, key: IdempotencyKey, body: MailFields
) -> QueuedModel:
    """Send a mail, with a reference code at the end of its subject. Whatever can be refused is refused here."""
    return _queued(request, use_cases, caller, sending.new_mail(body), key)


@router.post("/messages/{id}/reply", status_code=202, responses=_ASKING)
def reply_to_message(
    *,
    request: Request,
    use_cases: UseCases,
    caller: Worker,
    id: MessageId,
    key: IdempotencyKey,
    body: ReplyFields,
) -> QueuedModel:
    """Answer a message, in its thread, with what it said below. The answer stands on the message's records."""
    return _queued(request, use_cases, caller, sending.reply(body, id), key)


@router.post("/messages/{id}/forward", status_code=202, responses=_ASKING)
def forward_message(
    *,
    request: Request,
    use_cases: UseCases,
    caller: Worker,
    id: MessageId,
    key: IdempotencyKey,
    body: ForwardFields,
) -> QueuedModel:
    """Pass a message on, with its files. The mail stands on the message's records."""
    return _queued(request, use_cases, caller, sending.forward(body, id), key)


@router.post("/messages/preview")
def preview_mail(use_cases: UseCases, caller: Worker, body: PreviewFields) -> MailPreviewModel:
    """Show a mail as it would leave, and why it would be refused. Nothing is sent, and no code is used up."""
    return sending.preview(use_cases.preview_mail(caller, sending.previewed(body)))


def _queued(
    request: Request, use_cases: UseCases, caller: Caller, wanted: MailWanted, key: str
) -> QueuedModel:
    taken = use_cases.ask_to_send(caller, wanted, key)
    if not taken.is_new:
        leave_out(request)
    agent = (f"agent/{taken.mail.agent_id}",) if taken.mail.agent_id else ()
    about(request, f"outbox/{taken.mail.id}", *agent)
    return sending.queued(taken.mail)
