"""Graph's routes for writing mail: drafts, answers, attachments; sending finishes after the 202."""

from collections.abc import Mapping
from datetime import UTC, datetime

from dev.simulator import shapes
from dev.simulator.call import Answer
from dev.simulator.connections import ConnectionLost
from dev.simulator.departures import depart
from dev.simulator.drafts import (
    add_attachment,
    answer_draft,
    answer_from_mime,
    attachment_of,
    draft_from_json,
    draft_from_mime,
    keep_headers,
)
from dev.simulator.errors import GraphError, bad_request, item_not_found
from dev.simulator.graph_messages import message_answer
from dev.simulator.items import StoredMessage
from dev.simulator.rendering import attachment_json
from dev.simulator.routing import Context, routes
from dev.simulator.send_script import ScriptedAnswer
from dev.simulator.view import View

_LARGEST_ATTACHMENT = 3 * 1024 * 1024
_KINDS = {"reply": "reply", "replyall": "replyAll", "forward": "forward"}


def _is_mime(context: Context) -> bool:
    return context.call.headers.get("content-type", "").lower().startswith("text/plain")


def _check_size(context: Context) -> None:
    """Raises GraphError 413."""
    if len(context.call.body) > context.habits.request_limit:
        raise GraphError(413, "RequestEntityTooLarge", "The request is too large.")


def _is_too_much(context: Context) -> bool:
    """Whether the MIME is longer than is taken, which no answer says."""
    return _is_mime(context) and len(context.call.body) * 3 // 4 > context.habits.mime_limit


def _new_draft(context: Context, given: Mapping[str, object] | None) -> StoredMessage:
    now = datetime.now(UTC)
    if given is None:
        draft = draft_from_mime(context.user, context.mailbox, context.call.body, now)
        if context.habits.headers_are_properties:
            keep_headers(draft)
        return draft
    shapes.check(given, shapes.MESSAGE, "message")
    return draft_from_json(context.user, context.mailbox, given, now)


def _plain_view(context: Context) -> View:
    return View(preferences=context.call.preferences)


@routes.on("POST", "/users/{user}/messages")
async def create_draft(context: Context) -> Answer:
    """A draft from JSON, or from base64 MIME."""
    _check_size(context)
    if _is_too_much(context):
        return Answer(200)
    draft = _new_draft(context, None if _is_mime(context) else context.call.json())
    draft.draft_fields["_listed"] = True
    return message_answer(context, draft, status=201, view=_plain_view(context))


@routes.on("POST", "/users/{user}/messages/{message}/send")
async def send_draft(context: Context) -> Answer:
    """202; the draft becomes the sent copy a little later."""
    message = context.mailbox.message(context.parameters["message"])
    if not message.is_draft or message.draft_fields.get("_sending"):
        raise item_not_found()
    return _send(context, message, save=True, call="send")


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
    draft = _answer_to(context, message, kind)
    if action.startswith("create"):
        return message_answer(context, draft, status=201, view=_plain_view(context))
    return _send(context, draft, save=True, call="sendMail")


def _answer_to(context: Context, parent: StoredMessage, kind: str) -> StoredMessage:
    """From JSON, or from base64 MIME."""
    user, mailbox, now = context.user, context.mailbox, datetime.now(UTC)
    if _is_mime(context):
        return answer_from_mime(user, mailbox, parent, kind=kind, body=context.call.body, now=now)
    given = _parameters(context.call.json(), "comment", "message", "toRecipients")
    if "toRecipients" in given:
        given["message"] = {**_message_of(given), "toRecipients": given["toRecipients"]}
    shapes.check(_message_of(given), shapes.MESSAGE, "message")
    return answer_draft(user, mailbox, parent, kind=kind, given=given, now=now)


for _action in ("createReply", "createReplyAll", "createForward", "reply", "replyAll", "forward"):
    routes.on("POST", f"/users/{{user}}/messages/{{message}}/{_action}")(_answer)


@routes.on("POST", "/users/{user}/sendMail")
async def send_mail(context: Context) -> Answer:
    """202 and no id, whatever becomes of the mail."""
    _check_size(context)
    if _is_too_much(context):
        return Answer(200)
    if _is_mime(context):
        return _send(context, _new_draft(context, None), save=True, call="sendMail")
    given = _parameters(context.call.json(), "message", "saveToSentItems")
    message = given.get("message")
    if not isinstance(message, Mapping):
        raise bad_request("The parameter 'message' is missing.", "ErrorInvalidRequest")
    save = given.get("saveToSentItems", True)
    draft = _new_draft(context, message)
    return _send(context, draft, save=str(save).lower() != "false", call="sendMail")


def _send(context: Context, draft: StoredMessage, *, save: bool, call: str) -> Answer:
    """202, or what was ordered beforehand for this call. Raises GraphError and ConnectionLost."""
    scripted = context.world.script.next(call)
    if scripted is None or scripted.does == "all":
        depart(context, draft, save=save)
    elif not draft.draft_fields.get("_listed"):
        context.mailbox.delete(draft, datetime.now(UTC))
    return _as_ordered(scripted, Answer(202))


def _as_ordered(scripted: ScriptedAnswer | None, usual: Answer) -> Answer:
    """The usual answer, or the ordered one. Raises GraphError and ConnectionLost."""
    if scripted is None:
        return usual
    if scripted.status == 0:
        raise ConnectionLost(0)
    if scripted.status >= 400:
        code = scripted.code or "UnknownError"
        raise GraphError(scripted.status, code, "As ordered.", headers=scripted.headers)
    return Answer(scripted.status, usual.payload, headers=scripted.headers)


@routes.on("POST", "/users/{user}/messages/{message}/attachments")
async def create_attachment(context: Context) -> Answer:
    """A file or a mail below 3 MB for a draft."""
    message = context.mailbox.message(context.parameters["message"])
    shapes.check_attachment(context.call.json())
    attachment = attachment_of(context.call.json())
    if len(attachment.data) > _LARGEST_ATTACHMENT:
        raise GraphError(413, "ErrorMessageSizeExceeded", "The message exceeds the maximum supported size.")
    add_attachment(context.mailbox, message, attachment, datetime.now(UTC))
    place = len(message.content.attachments) - 1
    immutable = context.call.preferences.immutable_ids
    shown = attachment_json(
        message, place, message.content.attachments[place], immutable=immutable, with_bytes=True
    )
    return Answer(201, shown)
