"""Authorizes requests with a token of the app's identity, fetched once and kept until shortly before it ends."""

import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Final

from shared.adapters.storage.direct.exchange import Request
from shared.domain.errors import Unavailable

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential

SCOPE: Final = "https://storage.azure.com/.default"
# A token is replaced so long before it ends. Seconds.
EARLY: Final = 300.0


class Bearer:
    """Implements `sending.Authority`. Threads that need a new token wait for the one that fetches it."""

    def __init__(self, credential: "TokenCredential", *, clock: Callable[[], float] = time.time) -> None:
        self._credential = credential
        self._clock = clock
        self._lock = Lock()
        self._token: AccessToken | None = None

    def authorization(self, request: Request, path: str, headers: Mapping[str, str]) -> str:  # noqa: ARG002
        """Raises Unavailable where the identity gives no token."""
        token = self._token
        if token is None or token.expires_on - self._clock() < EARLY:
            token = self._fetched(token)
        return f"Bearer {token.token}"

    def renewed(self) -> bool:
        """Forgets the token: one may have been revoked before its end."""
        with self._lock:
            self._token = None
        return True

    def _fetched(self, seen: "AccessToken | None") -> "AccessToken":
        from azure.core.exceptions import AzureError

        with self._lock:
            if self._token is not None and self._token is not seen:
                return self._token
            try:
                self._token = self._credential.get_token(SCOPE)
            except AzureError as error:
                # The old one is still good for some minutes, and the next request asks again.
                if seen is None or seen.expires_on <= self._clock():
                    raise Unavailable(f"no token for storage ({type(error).__name__})") from error
                return seen
            return self._token
