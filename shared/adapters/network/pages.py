"""Small files from web servers that a customer's domain names: over TLS, at public addresses, without a sign-in."""

import http.client
import socket
import ssl
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from shared.domain.errors import PostledgerError
from shared.telemetry.user_agent import user_agent

PORTS: Final = frozenset((443,))
_MOST_REDIRECTS: Final = 2
_LARGEST: Final = 64 * 1024
_WITHIN: Final = 5.0
_MOVED: Final = (301, 302, 303, 307, 308)

Dial = Callable[[str, int], socket.socket]


class Pages:
    """Reads a page, wherever it was moved to: each place is dialled with the same guard."""

    def __init__(self, dial: Dial, context: ssl.SSLContext, port: int = 443) -> None:
        self._dial = dial
        self._context = context
        self._port = port

    def get(self, url: str) -> str:
        """The text of a page; '' where there is none."""
        for _ in range(_MOST_REDIRECTS + 1):
            parts = urlsplit(url)
            if parts.scheme != "https" or not parts.hostname:
                return ""
            try:
                text, url = self._answer(parts.hostname, f"{parts.path}?{parts.query}".rstrip("?"))
            except (OSError, http.client.HTTPException, PostledgerError, ValueError):
                return ""
            if not url:
                return text
        return ""

    def _answer(self, host: str, target: str) -> tuple[str, str]:
        """The text, or where it was moved to."""
        with self._context.wrap_socket(self._dial(host, self._port), server_hostname=host) as line:
            line.settimeout(_WITHIN)
            connection = http.client.HTTPConnection(host, timeout=_WITHIN)
            connection.sock = line
            connection.request("GET", target, headers={"Host": host, "User-Agent": user_agent()})
            answer = connection.getresponse()
            if answer.status in _MOVED:
                return "", answer.getheader("Location") or ""
            return answer.read(_LARGEST).decode("utf-8", "replace") if answer.status == 200 else "", ""
