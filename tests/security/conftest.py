"""The API over fakes, as the unit tests have it; sockets are blocked here as well."""

from tests.unit.api.conftest import api, issuer, storage
from tests.unit.conftest import _no_line_is_held_back, _no_network

__all__ = ["_no_line_is_held_back", "_no_network", "api", "issuer", "storage"]
