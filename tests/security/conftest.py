"""The API over fakes, as the unit tests have it; sockets are blocked here as well, but for tests over Azurite."""

from collections.abc import Iterator

import pytest
import pytest_socket

from tests.unit.api.conftest import api, issuer, storage
from tests.unit.conftest import _no_line_is_held_back

__all__ = ["_no_line_is_held_back", "api", "issuer", "storage"]


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.node.get_closest_marker("stack") is None:
        pytest_socket.disable_socket(allow_unix_socket=True)
    yield
    pytest_socket.enable_socket()
