"""One exchange with a storage service over urllib3's pools. Knows nothing of signatures, retries or meaning.

Proxies and certificates are not taken from the environment.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared.adapters.storage.direct.exchange import Answer, Patience

if TYPE_CHECKING:
    from urllib3 import HTTPConnectionPool


class NoAnswerError(Exception):
    """The request may have been carried out all the same, unless `was_sent` is false."""

    def __init__(self, reason: str, *, was_sent: bool) -> None:
        super().__init__(reason)
        self.was_sent = was_sent


@dataclass(frozen=True, slots=True)
class Parcel:
    """A request ready to go: `target` is path and query, encoded."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """A pool of kept-open connections for each host. Threads may share it."""

    def __init__(self, *, size: int, ca_bundle: str | None = None) -> None:
        self._size = size
        self._ca_bundle = ca_bundle
        self._lock = Lock()
        self._pools: dict[str, HTTPConnectionPool] = {}

    def exchange(self, origin: str, parcel: Parcel, patience: Patience) -> Answer:
        """`origin` is scheme, host and port. Raises NoAnswerError."""
        from urllib3 import Timeout
        from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

        try:
            response = self._pool(origin).urlopen(
                parcel.method,
                parcel.target,
                body=parcel.body or None,
                headers=parcel.headers,
                timeout=Timeout(connect=patience.connect, read=patience.read),
                # The sender retries and dates each try anew; both together would multiply the tries.
                retries=False,
                redirect=False,
                assert_same_host=False,
                decode_content=False,
            )
        except (NewConnectionError, ConnectTimeoutError) as error:
            raise NoAnswerError(type(error).__name__, was_sent=False) from error
        except HTTPError as error:
            raise NoAnswerError(type(error).__name__, was_sent=True) from error
        return Answer(response.status, response.headers, response.data)

    def _pool(self, origin: str) -> "HTTPConnectionPool":
        pool = self._pools.get(origin)
        if pool is not None:
            return pool
        with self._lock:
            return self._pools.setdefault(origin, self._new_pool(origin))

    def _new_pool(self, origin: str) -> "HTTPConnectionPool":
        from urllib3 import HTTPConnectionPool, HTTPSConnectionPool

        place = urlsplit(origin)
        host = place.hostname or ""
        if place.scheme == "http":
            return HTTPConnectionPool(host, place.port, maxsize=self._size)
        return HTTPSConnectionPool(host, place.port, maxsize=self._size, ssl_context=self._trust())

    def _trust(self) -> ssl.SSLContext:
        import certifi

        return ssl.create_default_context(cafile=self._ca_bundle or certifi.where())
