"""Unit tests reach nobody: sockets are blocked, but for the pipes that an event loop wakes itself by."""

from collections.abc import Iterator

import pytest
import pytest_socket

from shared import telemetry
from shared.telemetry.limits import Limit


@pytest.fixture(autouse=True)
def _no_network() -> Iterator[None]:
    pytest_socket.disable_socket(allow_unix_socket=True)
    yield
    pytest_socket.enable_socket()


@pytest.fixture(autouse=True)
def _no_line_is_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests write as many alerts a minute as many days do."""
    monkeypatch.setattr(telemetry, "_limit", Limit())
