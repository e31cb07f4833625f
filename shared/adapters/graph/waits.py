"""How long Graph wants to be left alone, by mailbox: no call is made before a Retry-After is over.

Microsoft: requests made while throttled count against the limit as well. All calls for a mailbox are made by
the one process that holds its lease, so remembering it here is enough while the lease is held.
"""

import re
import time
from collections.abc import Callable
from threading import Lock
from typing import Final
from urllib.parse import unquote

from shared.domain.errors import Throttled, TransientError

_USER: Final = re.compile(r"/users/([^/?]+)")
_MOST_REMEMBERED: Final = 10_000


class Waits:
    """Moments (monotonic) until which mailboxes are not to be asked for anything."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[tuple[str, str], float] = {}
        self._lock = Lock()

    def check(self, tenant_id: str, where: str) -> None:
        """Raise Throttled with the rest of the wait, if there is one for the mailbox that `where` is about."""
        with self._lock:
            rest = self._until.get(_mailbox(tenant_id, where), 0.0) - self._clock()
        if rest > 0:
            raise Throttled("Microsoft Graph asked to wait.", rest)

    def note(self, tenant_id: str, where: str, error: Exception) -> None:
        """Remember the wait that an answer asked for."""
        if not isinstance(error, TransientError) or not error.retry_after:
            return
        key = _mailbox(tenant_id, where)
        with self._lock:
            if len(self._until) >= _MOST_REMEMBERED:
                now = self._clock()
                self._until = {place: until for place, until in self._until.items() if until > now}
            self._until[key] = max(self._until.get(key, 0.0), self._clock() + error.retry_after)


def _mailbox(tenant_id: str, where: str) -> tuple[str, str]:
    found = _USER.search(where)
    return tenant_id, unquote(found[1]).casefold() if found else ""
