"""What the service has logged: its lines, and the events that they are or have noted."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

Line = dict[str, Any]


def lines(caplog: pytest.LogCaptureFixture) -> list[Line]:
    """Every line of ours, in order."""
    return [json.loads(record.message) for record in caplog.records if record.name == "postledger"]


def events(said: Iterable[Line], name: str) -> list[Line]:
    """The events of this name, whether each is a line or was noted in a command's line, with the line's ids."""
    found = []
    for line in said:
        ids = {key: line[key] for key in ("tenant", "mailbox") if key in line}
        members = [line, *({**ids, **noted} for noted in line.get("noted", []))]
        found += [member for member in members if member["event"] == name]
    return found
