"""ETags in memory, and the rule of every write under one."""

from shared.domain.errors import Conflict


class Etags:
    """A new ETag with every write."""

    def __init__(self) -> None:
        self._last = 0

    def __call__(self) -> str:
        self._last += 1
        return f'W/"{self._last}"'


def check_etag(found: str | None, given: str) -> None:
    """The rule of every write under an ETag: '' creates, anything else must be the stored one."""
    if (found or "") != given:
        raise Conflict("the row changed since it was read")
