"""What has changed, as ids alone: entries, My Inbox, notices, records that were opened here, mail of the outbox.

It never says what was or is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.domain.filing.entries import foreign_cursor
from shared.domain.records.records import RecordRef

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)
_PLACE: Final = re.compile(r"(\d{16})-[A-Za-z0-9]{0,64}", re.ASCII)


class What(StrEnum):
    """What has become of an entry, of a mail in My Inbox, of a notice, of a record of ours, or of a mail sent here."""

    ENTRY_ADDED = "entry_added"
    ENTRY_CHANGED = "entry_changed"
    ENTRY_REMOVED = "entry_removed"
    INBOX_ADDED = "inbox_added"
    INBOX_REMOVED = "inbox_removed"
    NOTICE_ADDED = "notice_added"
    NOTICE_REMOVED = "notice_removed"
    RECORD_ADDED = "record_added"
    RECORD_CHANGED = "record_changed"
    OUTBOX_CHANGED = "outbox_changed"


@dataclass(frozen=True, slots=True)
class Change:
    """Something that readers may have to read anew; that it is told again, or told too often, does no harm.

    `ref` is the record on whose timeline it is; None: in My Inbox. `only_for` are the ids of the mailboxes whose
    agents alone hear of it; None: it is for everybody in the organisation. `agent` is the only person who hears of it
    (object id), '' where it is not a single one.

    Of the mail `outbox_id` those hear who see it in the outbox: admins, the `agent` for whom it leaves, `by` whom it
    was asked for (as the audit names a caller), and the agents of `only_for`.
    """

    what: What
    message_key: str
    entry_id: str
    ref: RecordRef | None = None
    only_for: frozenset[str] | None = None
    agent: str = ""
    outbox_id: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """A change as it stands in the feed: `name` is its stable id, `at` the time just before it was written."""

    name: str
    at: datetime
    change: Change

    @property
    def id(self) -> str:
        """Its place in the feed; ascending order is oldest first."""
        return place_of(self.at, self.name)


@dataclass(frozen=True, slots=True)
class Announce:
    """An effect of filing: readers are told of a change, which stands by now."""

    change: Change


def place_of(at: datetime, name: str = "") -> str:
    """The place of an event; without a name, the one before all events of that time."""
    return f"{(at - _EPOCH) // _MICROSECOND:016d}-{name}"


def time_of(place: str) -> datetime:
    """The time of an event's place. Raises InvalidInput for what is none."""
    found = _PLACE.fullmatch(place)
    if found is None:
        raise foreign_cursor()
    return _EPOCH + int(found[1]) * _MICROSECOND


def days(first: datetime, last: datetime) -> Iterator[date]:
    """The days, in UTC, from one time to another, both included."""
    day = first.astimezone(UTC).date()
    while day <= last.astimezone(UTC).date():
        yield day
        day += _DAY
