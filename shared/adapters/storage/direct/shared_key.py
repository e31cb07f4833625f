"""Signs requests with the account's key.

Source: Microsoft, "Authorize with Shared Key": tables sign five lines, blobs and queues all standard headers.
"""

import base64
import hmac
from collections.abc import Mapping
from typing import Final

from shared.adapters.storage.direct.exchange import Request, Service

_SIGNED: Final = (
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-MD5",
    "Content-Type",
    "Date",
    "If-Modified-Since",
    "If-Match",
    "If-None-Match",
    "If-Unmodified-Since",
    "Range",
)


class SharedKey:
    """Implements `sending.Authority`."""

    def __init__(self, account: str, key: str) -> None:
        self._account = account
        self._key = base64.b64decode(key)

    def authorization(self, request: Request, path: str, headers: Mapping[str, str]) -> str:
        is_table = request.service is Service.TABLE
        text = table_text if is_table else service_text
        signed = text(self._account, request, path, headers)
        digest = hmac.digest(self._key, signed.encode(), "sha256")
        return f"SharedKey {self._account}:{base64.b64encode(digest).decode()}"

    def renewed(self) -> bool:
        """A key that was refused once is refused again."""
        return False


def table_text(account: str, request: Request, path: str, headers: Mapping[str, str]) -> str:
    """What is signed for a table. `path` is the whole one, as it is sent; its query is not signed."""
    kind, date = headers.get("Content-Type", ""), headers["x-ms-date"]
    return f"{request.method}\n\n{kind}\n{date}\n/{account}{path}"


def service_text(account: str, request: Request, path: str, headers: Mapping[str, str]) -> str:
    """What is signed for a blob or a queue: standard headers, `x-ms-` headers, path and query by name."""
    # An empty body is signed as no length at all (since version 2015-02-21).
    lengths = {"Content-Length": str(len(request.body))} if request.body else {}
    standard = {**headers, **lengths}
    lines = [request.method, *(standard.get(name, "") for name in _SIGNED)]
    lines += [f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-ms-")]
    lines.append(f"/{account}{path}")
    lines += [f"{name}:{value}" for name, value in sorted(request.query)]
    return "\n".join(lines)
