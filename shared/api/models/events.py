"""The feed of changes in JSON: ids, and nothing of what they stand for."""

from datetime import datetime
from typing import Final

from pydantic import Field

from shared.api.models.schema import KEY, Answer, Example, shown_as
from shared.api.models.words import EventKind, RecordKind

_EVENT: Final[Example] = {
    "id": "3b241101e2bb4255938cd6b7a1b2c3d4",
    "at": "2026-03-02T09:00:03.250000Z",
    "kind": "entry_added",
    "record": {"kind": "contact", "id": "C-1"},
    "entry_id": f"098227540800000-{KEY}",
    "message_id": KEY,
    "outbox_id": None,
}


class EventRecordModel(Answer):
    """The record on whose timeline something has changed."""

    model_config = shown_as({"kind": "contact", "id": "C-1"})
    kind: RecordKind
    id: str = Field(description="The record's id.")


class EventModel(Answer):
    """Something that has changed. Read it anew; an event says neither what was nor what is."""

    model_config = shown_as(_EVENT)
    id: str = Field(description="The event's id; the same when it is read again.")
    at: datetime = Field(description="When the event was written, in UTC.")
    kind: EventKind
    record: EventRecordModel | None = Field(
        description="The record that has changed, or whose timeline has; else null."
    )
    entry_id: str = Field(
        description="The id of the timeline's entry, or the place in My Inbox; of a notice, the place of its mail."
    )
    message_id: str = Field(description="The message's id in this API; empty while a mail has not left.")
    outbox_id: str | None = Field(description="The mail of the outbox that has changed; else null.")


class EventsModel(Answer):
    """A page of what has changed, oldest first."""

    model_config = shown_as({"events": [_EVENT], "cursor": "69a554ac", "has_more": False})
    events: list[EventModel] = Field(
        description="What has changed. Events of the last minutes come again with the next page, under the same ids."
    )
    cursor: str = Field(description="Send this value as `after` next time.")
    has_more: bool = Field(description="Whether more can be read at once; otherwise poll again later.")
