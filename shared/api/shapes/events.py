"""The feed of changes as JSON."""

from shared.api.models.events import EventModel, EventRecordModel, EventsModel
from shared.domain.events.events import Event
from shared.domain.records.records import RecordRef
from shared.services.events.read_events import EventPage


def page(found: EventPage) -> EventsModel:
    return EventsModel(
        events=[_event(event) for event in found.events], cursor=found.cursor, has_more=found.has_more
    )


def _event(event: Event) -> EventModel:
    change = event.change
    return EventModel(
        id=event.name,
        at=event.at,
        kind=change.what.value,
        record=_record(change.ref) if change.ref else None,
        entry_id=change.entry_id,
        message_id=change.message_key,
        outbox_id=change.outbox_id or None,
    )


def _record(ref: RecordRef) -> EventRecordModel:
    return EventRecordModel.model_validate({"kind": ref.kind, "id": ref.id})
