"""The application's own credential: warned of from thirty days before it ends."""

import json
from datetime import timedelta

import pytest

from tests.builders import NOW
from tests.composed import Composed


def warnings(caplog: pytest.LogCaptureFixture) -> list[int]:
    """The days of each warning."""
    said = [json.loads(record.message) for record in caplog.records]
    return [line["days"] for line in said if line["event"] == "credential_expires"]


@pytest.mark.parametrize(("days", "told"), [(31, []), (30, [30]), (1, [1]), (0, [0]), (-3, [-3])], ids=str)
def test_an_ending_credential_is_told_from_thirty_days_before(
    caplog: pytest.LogCaptureFixture, days: int, told: list[int]
) -> None:
    house = Composed()
    house.storage.own_credential.ends = NOW + timedelta(days=days)
    house.watch_credential()
    assert warnings(caplog) == told


def test_an_identity_never_ends(caplog: pytest.LogCaptureFixture) -> None:
    Composed().watch_credential()
    assert warnings(caplog) == []
