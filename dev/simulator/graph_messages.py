"""Graph's routes for reading messages and their attachments, and for marking, moving and deleting them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

from dev.simulator import delta, refusals, shapes
from dev.simulator.call import Answer
from dev.simulator.compose import regenerate
from dev.simulator.drafts import edit_draft, remove_attachment
from dev.simulator.errors import GraphError, bad_request, item_not_found
from dev.simulator.filters import parse_filter
from dev.simulator.ids import attachment_id
from dev.simulator.items import Folder, StoredMessage
from dev.simulator.query import arrange, check_order, page_size, parse_order
from dev.simulator.rendering import attachment_json, embedded_item
from dev.simulator.routing import Context, routes
from dev.simulator.searches import messages_in, refuse_sync
from dev.simulator.view import View, chosen

_ALWAYS_UPDATABLE = frozenset({"isRead", "categories", "flag", "inferenceClassification", "importance"})


def _view(context: Context) -> View:
    return View.of(context.call).limited(basic=context.is_basic)


def message_answer(
    context: Context, message: StoredMessage, *, status: int = 200, view: View | None = None
) -> Answer:
    """A single message with context and the preferences that were applied."""
    preferences = context.call.preferences
    view = view or _view(context)
    shown = context.world.renderer.message(context.mailbox, message, view)
    payload = {"@odata.context": context.context_url("users/messages/$entity"), **shown}
    headers = {"Preference-Applied": preferences.applied} if preferences.applied else {}
    if status == 201:
        headers["Location"] = f"{context.base}/users/{context.user.id}/messages/{shown['id']}"
    return Answer(status, payload, headers=headers)


# What a page can show of an item whose content Graph cannot render.
_HARMLESS = frozenset({"id", "receivedDateTime"})


def refuse_bad_page(context: Context, size: int, messages: list[StoredMessage], view: View) -> None:
    """The page faults: too large is 504, a poisonous item makes its page 500, unless only ids are asked for."""
    faults = context.world.faults
    if faults.page_too_large(size):
        raise GraphError(504, "UnknownError", "")
    if faults.settings.poison_ids and not (view.select is not None and view.select <= _HARMLESS):
        names = {
            name for one in messages for name in (one.immutable_id, one.mutable_id, one.internet_message_id)
        }
        if faults.poisons(names):
            raise refusals.broken()


def _list(context: Context, messages: list[StoredMessage], path: str) -> Answer:
    query, mailbox = context.call.query, context.mailbox
    refusals.check_list(context.call, context.habits)
    view = replace(_view(context), is_listed=True)
    conditions = parse_filter(query["$filter"]) if query.get("$filter") else None
    order = parse_order(query.get("$orderby", ""))
    check_order(order, conditions)
    if conditions:
        messages = [message for message in messages if conditions.rule(message)]
    messages = arrange(messages, order)
    size = page_size(context.call.integer("$top"), context.list_page_size)
    skip = context.call.integer("$skip") or 0
    shown = messages[skip : skip + size]
    refuse_bad_page(context, size, shown, view)
    page: dict[str, object] = {"@odata.context": context.context_url("users/messages")}
    if query.get("$count", "").lower() == "true":
        page["@odata.count"] = len(messages)
    page["value"] = [context.world.renderer.message(mailbox, message, view) for message in shown]
    if len(messages) > skip + size:
        options = {**query, "$skip": str(skip + size)}
        rest = "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())
        page["@odata.nextLink"] = f"{context.base}/users/{context.user.id}/{path}?{rest}"
    applied = context.call.preferences.applied
    return Answer(payload=page, headers={"Preference-Applied": applied} if applied else {})


@routes.on("GET", "/users/{user}/messages", options="select expand filter orderby top skip count")
async def list_messages(context: Context) -> Answer:
    """Mail of every folder, deleted and junk mail included, newest first."""
    return _list(context, context.mailbox.all_messages(), "messages")


@routes.on(
    "GET",
    "/users/{user}/mailFolders/{folder}/messages",
    options="select expand filter orderby top skip count",
)
async def list_folder(context: Context) -> Answer:
    """Mail of one folder, newest first."""
    folder = context.mailbox.folder(context.parameters["folder"])
    return _list(context, messages_in(context.mailbox, folder), f"mailFolders/{folder.id}/messages")


@routes.on(
    "GET",
    "/users/{user}/mailFolders/{folder}/messages/delta",
    options="select expand filter orderby search top skiptoken deltatoken",
)
async def message_delta(context: Context) -> Answer:
    """What changed in one folder. Options go on the first call only and travel in the token."""
    mailbox, query, faults = context.mailbox, context.call.query, context.world.faults
    folder = mailbox.folder(context.parameters["folder"])
    refuse_sync(folder)
    refusals.check_page_size(context.call, context.habits)
    token = query.get("$deltatoken") or query.get("$skiptoken")
    if token:
        if faults.strikes("expire_delta_tokens"):
            raise delta.gone()
        state = delta.SyncState.parse(token)
        if state.folder != folder.id:
            raise delta.gone()
    else:
        refusals.check_delta(context.call, context.habits)
        top = context.call.integer("$top") if context.habits.delta_top == "caps" else None
        state = delta.start(mailbox, folder, query, cap=page_size(top, None) if top is not None else 0)
    state = delta.resized(state, context.call.preferences.page_size)
    expand = None if context.habits.delta_expand == "ignored" else state.expand
    view = View.parse(state.select, expand, context.call.preferences).limited(basic=context.is_basic)
    view = replace(view, is_listed=True)
    page = delta.Walk(mailbox, folder, view, context.world.renderer, faults.settings.seed).page(state)
    refuse_bad_page(context, state.size, page.messages, view)
    return _delta_answer(context, folder, page)


def _delta_answer(context: Context, folder: Folder, page: delta.Page) -> Answer:
    link = f"{context.base}/users/{context.user.id}/mailFolders/{folder.id}/messages/delta?"
    key, option = ("@odata.deltaLink", "$deltatoken") if page.done else ("@odata.nextLink", "$skiptoken")
    payload = {
        "@odata.context": context.context_url("Collection(message)"),
        key: f"{link}{option}={page.state.token()}",
        "value": page.items,
    }
    applied = context.call.preferences.applied
    return Answer(payload=payload, headers={"Preference-Applied": applied} if applied else {})


@routes.on("GET", "/users/{user}/messages/{message}", options="select expand")
async def get_message(context: Context) -> Answer:
    """One message by either kind of id."""
    refusals.check_message(context.call, context.habits)
    return message_answer(context, context.mailbox.message(context.parameters["message"]))


@routes.on("GET", "/users/{user}/mailFolders/{folder}/messages/{message}", options="select expand")
async def get_message_in_folder(context: Context) -> Answer:
    """One message, which must lie in that folder."""
    refusals.check_message(context.call, context.habits)
    message = context.mailbox.message(context.parameters["message"])
    if message.folder is not context.mailbox.folder(context.parameters["folder"]):
        raise item_not_found()
    return message_answer(context, message)


@routes.on("GET", "/users/{user}/messages/{message}/$value")
async def get_mime(context: Context) -> Answer:
    """The MIME that Exchange makes anew."""
    message = context.mailbox.message(context.parameters["message"])
    context.world.stats.bodies_read[message.internet_message_id] += 1
    return Answer(raw=regenerate(message.content), content_type="text/plain")


def _check_version(context: Context, message: StoredMessage, changes: Mapping[str, object]) -> None:
    """Raises GraphError 412 for a change of something older than what is there; sometimes without a reason."""
    named = (context.call.headers.get("if-match", ""), str(changes.get("changeKey") or ""))
    versions = [re.sub(r'^W/|"', "", text.strip()) for text in named]
    is_stale = any(version not in ("", "*", message.change_key) for version in versions)
    if is_stale or context.world.faults.strikes("conflicts"):
        said = "The send or update operation could not be performed because the change key passed in the request "
        said += "does not match the current change key for the item."
        raise GraphError(412, "ErrorIrresolvableConflict", said)


@routes.on("PATCH", "/users/{user}/messages/{message}")
async def update_message(context: Context) -> Answer:
    """Read state, categories, flag; drafts may change in everything."""
    message, changes = context.mailbox.message(context.parameters["message"]), context.call.json()
    shapes.check(changes, shapes.MESSAGE, "message")
    _check_version(context, message, changes)
    now = datetime.now(UTC)
    content_changes = {
        name: value
        for name, value in changes.items()
        if name not in (*_ALWAYS_UPDATABLE, "changeKey") and not name.startswith("@")
    }
    if content_changes and not message.is_draft and set(content_changes) != {"singleValueExtendedProperties"}:
        raise bad_request(
            "The property cannot be updated because the message has been sent or received.",
            "ErrorInvalidPropertySet",
        )
    if message.is_draft or content_changes:
        edit_draft(context.mailbox, message, changes, now)
    context.mailbox.update(
        message, {name: value for name, value in changes.items() if not name.startswith("@")}, now
    )
    return message_answer(context, message)


@routes.on("POST", "/users/{user}/messages/{message}/move")
async def move_message(context: Context) -> Answer:
    """To another folder; the answer holds the new mutable id."""
    mailbox = context.mailbox
    message = mailbox.message(context.parameters["message"])
    named = {name.lower(): value for name, value in context.call.json().items()}
    mailbox.move(message, mailbox.folder(str(named.get("destinationid") or "")), datetime.now(UTC))
    return message_answer(context, message, status=201)


@routes.on("DELETE", "/users/{user}/messages/{message}")
async def delete_message(context: Context) -> Answer:
    """Into Deleted Items; from there for good."""
    mailbox = context.mailbox
    message = mailbox.message(context.parameters["message"])
    bin_, now = mailbox.well_known["deleteditems"], datetime.now(UTC)
    if message.folder in (bin_, mailbox.well_known["recoverableitemsdeletions"]):
        mailbox.delete(message, now)
    else:
        mailbox.move(message, bin_, now)
    return Answer(204)


@routes.on("GET", "/users/{user}/messages/{message}/attachments", options="select")
async def list_attachments(context: Context) -> Answer:
    """All attachments, inline ones too."""
    message = context.mailbox.message(context.parameters["message"])
    select = context.call.query.get("$select", "")
    refusals.check_attachment_fields(select, context.habits)
    wanted = chosen(select)
    shown = context.world.renderer.attachments(
        message, wanted, immutable=context.call.preferences.immutable_ids
    )
    return Answer(payload={"@odata.context": context.context_url("attachments"), "value": shown})


def _placed(context: Context) -> tuple[StoredMessage, int]:
    """The message, and where among its attachments the one that was asked for stands."""
    message, wanted = context.mailbox.message(context.parameters["message"]), context.parameters["attachment"]
    for place in range(len(message.content.attachments)):
        number = message.attachment_number(place)
        if wanted in (attachment_id(message.mutable_id, number), attachment_id(message.immutable_id, number)):
            return message, place
    raise item_not_found()


@routes.on("DELETE", "/users/{user}/messages/{message}/attachments/{attachment}")
async def delete_attachment(context: Context) -> Answer:
    """Of drafts and of received mail alike; the ids of the others stay."""
    message, place = _placed(context)
    remove_attachment(context.mailbox, message, place, datetime.now(UTC))
    return Answer(204)


@routes.on("GET", "/users/{user}/messages/{message}/attachments/{attachment}", options="select expand")
async def get_attachment(context: Context) -> Answer:
    """One attachment; of an embedded item its message with `$expand=microsoft.graph.itemattachment/item`."""
    message, place = _placed(context)
    attachment = message.content.attachments[place]
    immutable = context.call.preferences.immutable_ids
    context.world.stats.attachments_read[message.internet_message_id] += 1
    shown = attachment_json(message, place, attachment, immutable=immutable, with_bytes=True)
    if attachment.kind == "item" and "itemattachment/item" in context.call.query.get("$expand", "").lower():
        shown["item"] = embedded_item(attachment.data, context.call.preferences)
    return Answer(payload={"@odata.context": context.context_url("attachments/$entity"), **shown})


@routes.on("GET", "/users/{user}/messages/{message}/attachments/{attachment}/$value")
async def get_attachment_bytes(context: Context) -> Answer:
    """Raw bytes of a file, MIME of an embedded item; a link has none."""
    message, place = _placed(context)
    attachment = message.content.attachments[place]
    if attachment.kind == "reference":
        raise GraphError(
            405, "ErrorInvalidRequest", "The request is not supported for a reference attachment."
        )
    context.world.stats.attachments_read[message.internet_message_id] += 1
    content_type = (
        "text/plain" if attachment.kind == "item" else attachment.content_type or "application/octet-stream"
    )
    return Answer(raw=attachment.data, content_type=content_type)
