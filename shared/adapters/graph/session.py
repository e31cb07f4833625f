"""HTTP to Microsoft Graph: bearer, immutable ids, time limits, errors. Knows nothing of mail.

Transient errors are not tried again here, but for one connection that broke: the queue does that. Links hold
tokens, so neither they nor bodies are ever logged.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final, Protocol
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from shared import telemetry
from shared.adapters.graph.errors import retry_after, translate
from shared.adapters.graph.options import Memory, NoMemory, Options
from shared.adapters.graph.waits import Waits
from shared.domain.errors import Rejected, Throttled, Unavailable, Unreadable
from shared.domain.foreign_text import json_value
from shared.telemetry.user_agent import user_agent

Json = dict[str, Any]

IMMUTABLE_IDS: Final = 'IdType="ImmutableId"'
# Creating a subscription takes two handshakes of up to 10 s; wide pages answer 504 after about 30 s.
TIME_LIMITS: Final = (5.0, 60.0)
CHUNK: Final = 64 * 1024
# Filing a body takes six times its size: with this one a worker of 512 MB still has room. Bytes.
LARGEST_ANSWER: Final = 32_000_000
# The host runs at most 24 queue commands side by side; connections beyond these are not kept.
CONNECTIONS: Final = 32


class TokenSource(Protocol):
    """Access tokens for Graph, by tenant."""

    def token(self, tenant_id: str) -> str: ...

    def forget(self, tenant_id: str) -> None:
        """The token was refused: get a new one next time."""


class _Bearer(AuthBase):
    """As an auth object, because requests would else prefer what a .netrc file says."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def path(*segments: str) -> str:
    """A path below /v1.0 of segments that may hold anything: ids from outside contain `/`, `+` and `=`."""
    return "".join("/" + quote(segment, safe="@$") for segment in segments)


def query(**options: str | None) -> str:
    """OData system options, without their `$`; those that are None are left out."""
    given = [f"${name}={quote(value, safe=_ODATA)}" for name, value in options.items() if value is not None]
    return "?" + "&".join(given) if given else ""


_ODATA: Final = "$(),='/:;"


class GraphSession:
    """One pool of connections for all tenants; may be used by many threads.

    `memory` gives what is known of a tenant beyond this process.
    """

    def __init__(
        self, url: str, tokens: TokenSource, memory: Callable[[str], Memory] = lambda _: NoMemory()
    ) -> None:
        self._host = url.rstrip("/").removesuffix("/v1.0") + "/"
        self._tokens = tokens
        self.waits = Waits()
        self._memory = memory
        self._options: dict[str, Options] = {}
        self.http = requests.Session()
        self.http.headers["User-Agent"] = user_agent()
        # All tenants share this session: a cookie of one answer must not go along with the next request.
        self.http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.http.mount(self._host, HTTPAdapter(pool_connections=1, pool_maxsize=CONNECTIONS))

    def speaking_as(self, tokens: TokenSource) -> "GraphSession":
        """The same connections, waits and options with somebody else's tokens."""
        other = copy(self)
        other._tokens = tokens
        return other

    def options(self, tenant_id: str) -> Options:
        """What Graph takes and refuses in a tenant: what one tenant's back end refuses, others need not do without."""
        if tenant_id not in self._options:
            made = Options(tenant_id, memory=self._memory(tenant_id))
            return self._options.setdefault(tenant_id, made)
        return self._options[tenant_id]

    def token(self, tenant_id: str) -> str:
        """The token that requests are made with."""
        return self._tokens.token(tenant_id)

    def get(self, tenant_id: str, where: str, *, prefer: str = "") -> Json:
        """A JSON object, by a path below /v1.0 or by a link that Graph gave."""
        return _object(self._send("GET", tenant_id, where, prefer=prefer, repeatable=True, stream=True))

    def pages(self, tenant_id: str, where: str) -> Iterator[Json]:
        """The items of a list, page after page."""
        while where:
            page = self.get(tenant_id, where)
            yield from (item for item in page.get("value") or () if isinstance(item, dict))
            where = page.get("@odata.nextLink") or ""

    def post(
        self, tenant_id: str, where: str, body: Json, *, repeatable: bool = False, about: str = ""
    ) -> Json:
        """`repeatable`: sending it twice does no harm. `about`: a path of the mailbox it is about."""
        return _object(
            self._send("POST", tenant_id, where, body=body, repeatable=repeatable, about=about, stream=True)
        )

    def post_mime(self, tenant_id: str, where: str, mime: bytes) -> Json:
        """A JSON object for a message given as MIME, made once."""
        return _object(self._send("POST", tenant_id, where, text=b64encode(mime)))

    def hand_over(self, tenant_id: str, where: str, mime: bytes = b"") -> float | None:
        """Give Graph something that it carries out behind its answer; the seconds that it asks to wait afterwards.

        Tried once, but for a token that was refused before anything was done.
        """
        with self._send("POST", tenant_id, where, text=b64encode(mime)) as response:
            if response.status_code != HTTPStatus.ACCEPTED:
                raise Unavailable(f"Microsoft Graph answered {response.status_code} where it says 202.")
            return retry_after(response.headers.get("Retry-After"))

    def patch(self, tenant_id: str, where: str, body: Json) -> Json:
        return _object(self._send("PATCH", tenant_id, where, body=body))

    def delete(self, tenant_id: str, where: str) -> None:
        self._send("DELETE", tenant_id, where).close()

    @contextmanager
    def stream(self, tenant_id: str, where: str) -> Iterator[Iterator[bytes]]:
        """The raw bytes of an answer, in chunks."""
        with self._send("GET", tenant_id, where, repeatable=True, stream=True) as response:
            yield _chunks(response)

    def _send(
        self,
        method: str,
        tenant_id: str,
        where: str,
        *,
        body: Json | None = None,
        text: bytes | None = None,
        prefer: str = "",
        repeatable: bool = False,
        stream: bool = False,
        about: str = "",
    ) -> requests.Response:
        about = about or where
        headers = {
            "Accept": "application/json",
            "Prefer": ", ".join(filter(None, (IMMUTABLE_IDS, prefer))),
        }
        if text is not None:
            headers["Content-Type"] = "text/plain"
        request = requests.Request(method, self._address(where), headers=headers, json=body, data=text)
        response = self._once(request, tenant_id, about, repeatable=repeatable, stream=stream)
        # A token can be revoked before it ends: a new one is tried once.
        if response.status_code == 401:
            response.close()
            self._tokens.forget(tenant_id)
            response = self._once(request, tenant_id, about, repeatable=repeatable, stream=stream)
        if not 200 <= response.status_code < 300:
            with response:
                error = translate(response.status_code, response.headers, _json(response))
            if isinstance(error, Throttled):
                telemetry.count(telemetry.Counted.GRAPH_THROTTLED)
            self.waits.note(tenant_id, about, error)
            raise error
        return response

    def _once(
        self, request: requests.Request, tenant_id: str, about: str, *, repeatable: bool, stream: bool
    ) -> requests.Response:
        """One request, or two where a connection broke. Others may have been told to wait since the last look."""
        request.auth = _Bearer(self._tokens.token(tenant_id))
        prepared = self.http.prepare_request(request)
        settings = self.http.merge_environment_settings(prepared.url or "", {}, stream, None, None)
        try:
            self.waits.check(tenant_id, about)
            try:
                return self._go(prepared, settings)
            except requests.Timeout:
                raise
            except requests.ConnectionError:
                # A pooled connection may have been closed meanwhile; but the request may also have arrived.
                if not repeatable:
                    raise
                self.waits.check(tenant_id, about)
                return self._go(prepared, settings)
        except _BROKEN as error:
            raise _unavailable(error) from error

    def _go(self, prepared: requests.PreparedRequest, settings: Mapping[str, Any]) -> requests.Response:
        telemetry.count(telemetry.Counted.GRAPH_CALLS)
        # Following a redirect would take our token to another host.
        return self.http.send(prepared, timeout=TIME_LIMITS, allow_redirects=False, **settings)

    def _address(self, where: str) -> str:
        """The URL to call. Raises Rejected for a link to another host: it would be sent our token."""
        if where.startswith("/"):
            return f"{self._host}v1.0{where}"
        if where[: len(self._host)].casefold() != self._host.casefold():
            raise Rejected("A link leads away from Microsoft Graph.", "ForeignLink")
        return where


_BROKEN: Final = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)


def _unavailable(error: Exception) -> Unavailable:
    return Unavailable(f"Microsoft Graph could not be reached ({type(error).__name__}).")


def _chunks(response: requests.Response) -> Iterator[bytes]:
    try:
        yield from response.iter_content(CHUNK)
    except _BROKEN as error:
        raise _unavailable(error) from error


def _content(response: requests.Response) -> bytes:
    """The answer's body. Raises Unreadable for one that is too large to be held, before it is held."""
    found = bytearray()
    for chunk in response.iter_content(CHUNK):
        found += chunk
        if len(found) > LARGEST_ANSWER:
            raise Unreadable(
                f"The mail is larger than {LARGEST_ANSWER // 1_000_000} MB without its attachments."
            )
    return bytes(found)


def _json(response: requests.Response) -> object:
    """The answer's JSON, or None: gateways answer in HTML."""
    try:
        return json_value(_content(response))
    except _BROKEN as error:
        raise _unavailable(error) from error
    except ValueError:
        return None


def _object(response: requests.Response) -> Json:
    with response:
        found = _json(response)
    if not isinstance(found, dict):
        raise Unavailable("Microsoft Graph answered something that is no JSON object.")
    return found
