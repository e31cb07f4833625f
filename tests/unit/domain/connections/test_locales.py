"""Time zones of mailboxes: known wherever the app runs, whatever the machine has."""

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.connections.locales import zone_of


@pytest.fixture
def _machine_without_zones() -> Iterator[None]:
    zoneinfo.reset_tzpath(to=[])
    zoneinfo.ZoneInfo.clear_cache()
    zone_of.cache_clear()
    yield
    zoneinfo.reset_tzpath()
    zoneinfo.ZoneInfo.clear_cache()
    zone_of.cache_clear()


@pytest.mark.usefixtures("_machine_without_zones")
@pytest.mark.parametrize(("name", "hours"), [("Europe/Berlin", 1), ("Asia/Kolkata", 5.5), ("UTC", 0)])
def test_zones_are_known_on_a_machine_that_has_none(name: str, hours: float) -> None:
    zone = zone_of(name)
    assert zone is not None
    assert datetime(2026, 12, 1, tzinfo=UTC).astimezone(zone).utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize("name", ["", "Europe", "Europe/Nowhere", "../etc/passwd", "/etc/localtime", "a\0b"])
def test_what_is_no_zone_is_none(name: str) -> None:
    assert zone_of(name) is None
