"""Contacts that came after their mail: what is announced when a record is new, and which ledger rows it catches.

Knows people as keyed hashes only.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.domain.capture.sightings import Sighting
from shared.domain.mail.identity import Hasher
from shared.domain.records.records import Record, RecordRef

# Mail that was decided for want of a known address. All other reasons stand, whoever is a contact now.
REASONS: Final = ("unknown_people", "foreign_report", "no_open_record", "no_match")
_PEOPLE: Final = ("address:", "domain:")


@dataclass(frozen=True, slots=True)
class Announcement:
    """Keyed hashes of addresses and domains that records have newly got, announced at a time."""

    id: str
    at: datetime
    hashes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Announced:
    """Announcements that a pass takes together. `more`: others have come after them."""

    first_at: datetime
    until: datetime
    hashes: Set[str]
    ids: tuple[str, ...]
    more: bool


def taken_together(
    announcements: Iterable[Announcement],
    *,
    behind: datetime | None,
    until: datetime | None,
    most: int,
) -> Announced | None:
    """The oldest ones behind a time, up to another or until there are `most` hashes; those of one time together."""
    times: list[datetime] = []  # ids are in order by the millisecond
    hashes: set[str] = set()
    ids: list[str] = []
    more = False
    for announcement in announcements:
        if behind is not None and announcement.at <= behind:
            continue
        # A pass goes on behind a time, so announcements of one time may not be torn apart.
        is_full = until is None and len(hashes) >= most and announcement.at > max(times)
        if is_full or (until is not None and announcement.at > until):
            more = True
            break
        times.append(announcement.at)
        hashes.update(announcement.hashes)
        ids.append(announcement.id)
    return Announced(min(times), max(times), hashes, tuple(ids), more) if times else None


def new_keys(records: Iterable[Record], standing: Mapping[RecordRef, Record]) -> frozenset[str]:
    """The addresses and domains under which a record does not stand yet, or stands with another card."""
    new: set[str] = set()
    for record in records:
        new |= record.index_keys - _known_keys(record, standing.get(record.ref))
    return frozenset(key for key in new if key.startswith(_PEOPLE))


def _known_keys(record: Record, stored: Record | None) -> frozenset[str]:
    same = stored is not None and stored.card == record.card
    return stored.index_keys if stored and same else frozenset()


def hashes_of(keys: Iterable[str], hasher: Hasher) -> frozenset[str]:
    """Index keys as the ledger's hashes."""
    parts = (key.partition(":") for key in keys)
    return frozenset(hasher(what, text) for what, _, text in parts)


def catches(hashes: Set[str], sighting: Sighting) -> bool:
    """Whether a ledger row was decided without one of these addresses or domains, and names it."""
    if sighting.reason not in REASONS:
        return False
    return not hashes.isdisjoint((*sighting.address_hashes, *sighting.domain_hashes))
