"""Stored messages as message JSON, as far as a view shows them; counts the bodies and attachments that are read."""

import base64
from urllib.parse import quote as percent

from dev.simulator import body as bodies
from dev.simulator import ids
from dev.simulator.attachments import Attachment
from dev.simulator.call import Preferences
from dev.simulator.habits import Habits
from dev.simulator.items import StoredMessage, stamp
from dev.simulator.mailbox import Mailbox
from dev.simulator.mime import read_mail
from dev.simulator.properties import extended_value
from dev.simulator.stats import Stats
from dev.simulator.view import DEFAULTS, View

# Exchange's tables of contents hold so much of a text.
LISTED_TEXT = 255
_HIDDEN_HEADERS = ("x-ms-exchange-organization-", "x-ms-exchange-forest-")


def attachment_json(
    message: StoredMessage, place: int, attachment: Attachment, *, immutable: bool, with_bytes: bool
) -> dict[str, object]:
    """One attachment under its id, which is scoped to this instance of the message."""
    number = message.attachment_number(place)
    attachment_id = ids.attachment_id(message.id_for(immutable=immutable), number)
    return attachment.as_json(attachment_id, stamp(message.modified), with_bytes=with_bytes)


class Renderer:
    """Turns stored messages into JSON, and counts what was read."""

    def __init__(self, stats: Stats, habits: Habits) -> None:
        self.stats, self.habits = stats, habits

    def message(self, mailbox: Mailbox, message: StoredMessage, view: View) -> dict[str, object]:
        """The message resource as this view shows it."""
        immutable = view.preferences.immutable_ids
        content = message.content
        out: dict[str, object] = {}
        if content.is_event:
            out["@odata.type"] = content.odata_type
        out["@odata.etag"] = f'W/"{message.change_key}"'
        values = self._values(message, immutable=immutable)
        names = [name for name in DEFAULTS if name == "id" or view.wants(name)]
        out |= {name: values[name] for name in names if name in values}
        if content.is_event and (view.select is None or "meetingMessageType" in view.select):
            out["meetingMessageType"] = content.meeting or "none"
        self._add_bodies(out, mailbox, message, view)
        if view.wants("internetMessageHeaders") and self.habits.shows_headers(message):
            shown = [
                (name, value)
                for name, value in content.headers
                if not name.lower().startswith(_HIDDEN_HEADERS)
            ]
            out["internetMessageHeaders"] = [{"name": name, "value": value} for name, value in shown]
        longest = LISTED_TEXT if view.is_listed and self.habits.cut_properties else None
        if view.tags is not None and (found := _tags(message, view.tags, longest)):
            out["singleValueExtendedProperties"] = found
        if view.attachment_fields is not None:
            out["attachments"] = self.attachments(message, view.attachment_fields, immutable=immutable)
        return out

    def _values(self, message: StoredMessage, *, immutable: bool) -> dict[str, object]:
        content = message.content
        item_id = message.id_for(immutable=immutable)
        values: dict[str, object] = {
            "id": item_id,
            "createdDateTime": stamp(message.created),
            "lastModifiedDateTime": stamp(message.modified),
            "changeKey": message.change_key,
            "categories": message.categories,
            "receivedDateTime": stamp(message.received),
            "sentDateTime": stamp(content.sent or message.received),
            "parentFolderId": message.folder.id,
            "conversationId": message.conversation_id,
            "conversationIndex": base64.b64encode(message.index).decode("ascii"),
            "isDeliveryReceiptRequested": True if content.header("Return-Receipt-To") else None,
            "isRead": message.is_read,
            "isDraft": message.is_draft,
            "webLink": f"https://outlook.office365.com/owa/?ItemID={percent(item_id)}&exvsurl=1&viewmodel=ReadMessageItem",
            "inferenceClassification": message.inference,
            "flag": message.flag,
            "internetMessageId": message.internet_message_id,
        }
        values |= _fixed(message)
        return values | ({"importance": message.importance} if message.importance else {})

    def _add_bodies(
        self, out: dict[str, object], mailbox: Mailbox, message: StoredMessage, view: View
    ) -> None:
        content = message.content
        if not (view.wants("body") or view.wants("uniqueBody")):
            return
        self.stats.bodies_read[message.internet_message_id] += 1
        markup = content.markup if view.preferences.unsafe_html else bodies.without_scripts(content.markup)
        as_text = view.preferences.text_body or (self.habits.plain_body_as_text and content.plain is not None)
        if view.wants("body"):
            out["body"] = {
                "contentType": "text" if as_text else "html",
                "content": content.text if as_text else markup,
            }
        if view.wants("uniqueBody"):
            unique = bodies.unique_part(markup, has_parent=mailbox.parent_of(content) is not None)
            shown = bodies.html_to_text(unique) if as_text else unique
            out["uniqueBody"] = {"contentType": "text" if as_text else "html", "content": shown}

    def attachments(
        self, message: StoredMessage, wanted: frozenset[str], *, immutable: bool
    ) -> list[dict[str, object]]:
        """All attachments, inline ones too; `wanted` empty means every field."""
        with_bytes = not wanted or "contentBytes" in wanted
        if with_bytes and message.content.attachments:
            self.stats.attachments_read[message.internet_message_id] += 1
        whole = [
            attachment_json(message, place, attachment, immutable=immutable, with_bytes=with_bytes)
            for place, attachment in enumerate(message.content.attachments)
        ]
        if not wanted:
            return whole
        return [
            {k: v for k, v in one.items() if k in wanted or k == "id" or k.startswith("@")} for one in whole
        ]

    def partial(
        self, message: StoredMessage, item_id: str, changed: frozenset[str], view: View
    ) -> dict[str, object]:
        """What delta says of an item that the sync state already knows: id, etag, and what changed."""
        values = self._values(message, immutable=view.preferences.immutable_ids)
        shown = {name: values[name] for name in sorted(changed) if name in values and view.wants(name)}
        return {"@odata.etag": f'W/"{message.change_key}"', **shown, "id": item_id}


def _fixed(message: StoredMessage) -> dict[str, object]:
    """The fields that depend on the content alone, made once per content."""
    content = message.content
    if (cached := content.__dict__.get("_json")) is None:
        people = {
            key: [one.as_json() for one in content.people(header)]
            for key, header in (
                ("toRecipients", "To"),
                ("ccRecipients", "Cc"),
                ("replyTo", "Reply-To"),
                ("bccRecipients", "Bcc"),
            )
        }
        cached = {
            "hasAttachments": content.has_attachments,
            "subject": content.subject,
            "bodyPreview": content.preview,
            "importance": content.importance,
            "isReadReceiptRequested": content.header("Disposition-Notification-To") is not None,
            **people,
        }
        if content.from_ and content.sender:
            cached |= {"sender": content.sender.as_json(), "from": content.from_.as_json()}
        content.__dict__["_json"] = cached
    if message.origin in ("inbound", "internal"):
        return {**cached, "bccRecipients": []}
    return dict(cached)


def _tags(message: StoredMessage, wanted: tuple[str, ...], longest: int | None) -> list[dict[str, str]]:
    """The extended properties that were asked for and that the item has, each cut to a length."""
    values = {tag: extended_value(message, tag) for tag in wanted}
    return [{"id": tag, "value": value[:longest]} for tag, value in values.items() if value]


def embedded_item(raw: bytes, preferences: Preferences) -> dict[str, object]:
    """The message inside an itemAttachment: its id is empty, its headers partial."""
    content = read_mail(raw)
    body = (
        {"contentType": "text", "content": content.text}
        if preferences.text_body
        else {"contentType": "html", "content": content.markup}
    )
    people = {
        key: [one.as_json() for one in content.people(name)]
        for key, name in (("toRecipients", "To"), ("ccRecipients", "Cc"))
    }
    item: dict[str, object] = {
        "@odata.type": content.odata_type,
        "id": "",
        "subject": content.subject,
        "internetMessageId": content.message_id,
        "hasAttachments": content.has_attachments,
        "isDraft": False,
        "body": body,
        **people,
    }
    if content.sent:
        item["sentDateTime"] = stamp(content.sent)
    if content.from_:
        item["from"] = content.from_.as_json()
    return item
