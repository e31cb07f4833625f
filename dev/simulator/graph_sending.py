"""Graph's routes for writing mail: drafts, answers, attachments; sending finishes after the 202."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from dev.simulator import shapes
from dev.simulator.call import Answer
from dev.simulator.drafts import (
    add_attachment,
    answer_draft,
    attachment_of,
    draft_from_json,
    draft_from_mime,
    for_the_wire,
    name_sender,
)
from dev.simulator.errors import GraphError, bad_request, item_not_found
from dev.simulator.graph_messages import message_answer
from dev.simulator.items import StoredMessage, stamp
from dev.simulator.rendering import attachment_json
from dev.simulator.routing import Context, routes
from dev.simulator.view import View
from dev.simulator.world import Departure

_MAX_RECIPIENTS = 500
_LARGEST_ATTACHMENT = 3 * 1024 * 1024
_KINDS = {"reply": "reply", "replyall": "replyAll", "forward": "forward"}


def _is_mime(context: Context) -> bool:
    return context.call.headers.get("content-type", "").lower().startswith("text/plain")


def _new_draft(context: Context, given: Mapping[str, object] | None) -> StoredMessage:
    now = datetime.now(UTC)
    if given is None:
        return draft_from_mime(context.user, context.mailbox, context.call.body, now)
    shapes.check(given, shapes.MESSAGE, "message")
    return draft_from_json(context.user, context.mailbox, given, now)


def _plain_view(context: Context) -> View:
    return View(preferences=context.call.preferences)


@routes.on("POST", "/users/{user}/messages")
async def create_draft(context: Context) -> Answer:
    """A draft from JSON, or from base64 MIME."""
    draft = _new_draft(context, None if _is_mime(context) else context.call.json())
    return message_answer(context, draft, status=201, view=_plain_view(context))


@routes.on("POST", "/users/{user}/messages/{message}/send")
async def send_draft(context: Context) -> Answer:
    """202; the draft becomes the sent copy a little later."""
    message = context.mailbox.message(context.parameters["message"])
    if not message.is_draft or message.draft_fields.get("_sending"):
        raise item_not_found()
    return _send(context, message, save=True)


def _parameters(given: Mapping[str, object], *names: str) -> dict[str, object]:
    """The parameters of an action, which are named in any case."""
    known = {name.lower(): name for name in names}
    return {known.get(name.lower(), name): value for name, value in given.items()}


def _message_of(given: Mapping[str, object]) -> Mapping[str, object]:
    message = given.get("message")
    return message if isinstance(message, Mapping) else {}


async def _answer(context: Context) -> Answer:
    """createReply, createReplyAll, createForward make a draft; reply, replyAll, forward send it at once."""
    message = context.mailbox.message(context.parameters["message"])
    action = context.call.segments[-1].lower()
    kind = _KINDS[action.removeprefix("create")]
    given = _parameters(context.call.json(), "comment", "message", "toRecipients")
    if "toRecipients" in given:
        given["message"] = {**_message_of(given), "toRecipients": given["toRecipients"]}
    shapes.check(_message_of(given), shapes.MESSAGE, "message")
    draft = answer_draft(
        context.user, context.mailbox, message, kind=kind, given=given, now=datetime.now(UTC)
    )
    if action.startswith("create"):
        return message_answer(context, draft, status=201, view=_plain_view(context))
    return _send(context, draft, save=True)


for _action in ("createReply", "createReplyAll", "createForward", "reply", "replyAll", "forward"):
    routes.on("POST", f"/users/{{user}}/messages/{{message}}/{_action}")(_answer)


@routes.on("POST", "/users/{user}/sendMail")
async def send_mail(context: Context) -> Answer:
    """202 and no id, whatever becomes of the mail."""
    if _is_mime(context):
        return _send(context, _new_draft(context, None), save=True)
    given = _parameters(context.call.json(), "message", "saveToSentItems")
    message = given.get("message")
    if not isinstance(message, Mapping):
        raise bad_request("The parameter 'message' is missing.", "ErrorInvalidRequest")
    save = given.get("saveToSentItems", True)
    return _send(context, _new_draft(context, message), save=str(save).lower() != "false")


def _send(context: Context, draft: StoredMessage, *, save: bool) -> Answer:
    """Checks what Exchange checks at once; transport follows in the background. Raises GraphError 400 or 403."""
    _, _, recipients = for_the_wire(draft, datetime.now(UTC))
    if len(recipients) > _MAX_RECIPIENTS:
        raise GraphError(400, "ErrorExceededMaxRecipientLimit", "The message has more than 500 recipients.")
    _check_sender(context, draft)
    draft.draft_fields["_sending"] = True
    context.notifier.background(_transport(context, draft, save=save))
    return Answer(202)


def _check_sender(context: Context, draft: StoredMessage) -> None:
    """Who sends from a mailbox needs Send As or Send on Behalf there. Raises GraphError 403."""
    user, named = context.user, draft.content.from_
    sender = context.world.directory.by_address(named.address) if named else user
    if sender is None or sender.tenant_id != context.tenant_id:
        raise _send_as_denied()
    if context.bearer.may_send_as(user, sender):
        return
    if not context.bearer.may_send_on_behalf(user, sender):
        raise _send_as_denied()
    acting = context.world.directory.by_address(context.bearer.account) or user
    name_sender(context.mailbox, draft, acting)


def _send_as_denied() -> GraphError:
    return GraphError(
        403,
        "ErrorSendAsDenied",
        "The user account which was used to submit this request does not have the right to send mail "
        "on behalf of the specified sending account.",
    )


async def _transport(context: Context, draft: StoredMessage, *, save: bool) -> None:
    world, mailbox = context.world, context.mailbox
    await asyncio.sleep(world.habits.send_delay_ms / 1000)
    now = datetime.now(UTC)
    content, raw, recipients = for_the_wire(draft, now)
    mailbox.rewrite(draft, content)
    departure = Departure(
        stamp(now), mailbox.address, recipients, draft.internet_message_id, content.subject, raw
    )
    world.outbound.append(departure)
    if save:
        mailbox.become_sent(draft, keep_immutable_id=world.habits.draft_keeps_immutable_id, now=now)
    else:
        mailbox.delete(draft, now)
    world.deliver_internally(mailbox, raw, recipients)


@routes.on("POST", "/users/{user}/messages/{message}/attachments")
async def create_attachment(context: Context) -> Answer:
    """A file below 3 MB for a draft."""
    message = context.mailbox.message(context.parameters["message"])
    shapes.check(context.call.json(), shapes.ATTACHMENT, "fileAttachment")
    attachment = attachment_of(context.call.json())
    if len(attachment.data) > _LARGEST_ATTACHMENT:
        raise GraphError(413, "ErrorMessageSizeExceeded", "The message exceeds the maximum supported size.")
    add_attachment(context.mailbox, message, attachment, datetime.now(UTC))
    number = len(message.content.attachments) - 1
    immutable = context.call.preferences.immutable_ids
    shown = attachment_json(
        message, number, message.content.attachments[number], immutable=immutable, with_bytes=True
    )
    return Answer(201, shown)
