"""Access tokens of people who signed in, and the session with Graph that a mailbox's connection calls for.

A refresh token is rotated on use, under its row's ETag: of two processes that refresh at once, one writes, and the
other goes on with what it finds.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock
from typing import Final

from shared.adapters.graph.session import GraphSession
from shared.adapters.graph.sign_ins import EntraSignIns
from shared.domain.connections.connections import MailConnection, serving
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import AccessDenied, Conflict
from shared.ports.stores.connections import Connections

# A token is not used in its last minutes: a request may take one.
MARGIN: Final = 120.0
# Which connection serves a mailbox is looked up this often.
LOOK_AGAIN: Final = 60.0
_ATTEMPTS: Final = 3
_NOBODY: Final = "Nobody has signed in for this mailbox. Ask for a link with POST connect."

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Held:
    token: str
    until: float


class DelegatedTokens:
    """Access tokens by connection, cached in process until shortly before they run out."""

    def __init__(
        self,
        connections: Connections,
        sign_ins: EntraSignIns,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connections = connections
        self._sign_ins = sign_ins
        self._clock = clock
        self._held: dict[Key, _Held] = {}
        self._locks: defaultdict[Key, Lock] = defaultdict(Lock)
        self._lock = Lock()

    def token(self, key: Key) -> str:
        """Raises AccessDenied where nobody is signed in any more."""
        with self._lock:
            lock = self._locks[key]
        with lock:
            held = self._held.get(key)
            if held is None or held.until <= self._clock():
                held = self._held[key] = self._refreshed(key)
            return held.token

    def forget(self, key: Key) -> None:
        """The token was refused."""
        self._held.pop(key, None)

    def _refreshed(self, key: Key) -> _Held:
        row = self._row(key)
        for attempt in range(_ATTEMPTS):
            try:
                new = self._sign_ins.refresh(row)
            except AccessDenied:
                # Another process may have rotated the token since it was read.
                current = self._row(key)
                if current.token == row.token or attempt == _ATTEMPTS - 1:
                    raise
                row = current
                continue
            self._keep(key, row, new.token)
            lifetime = max(new.lifetime - MARGIN, new.lifetime / 2)
            return _Held(new.access_token, self._clock() + lifetime)
        raise AccessDenied(_NOBODY, "NotSignedIn")

    def _keep(self, key: Key, row: MailConnection, token: str) -> None:
        """Where others changed the row, the newest token goes into what they made of it."""
        for _ in range(_ATTEMPTS):
            try:
                self._connections.put(replace(row, token=token))
                return
            except Conflict:
                current = self._row(key)
                if current.user_id != row.user_id or current.token != row.token:
                    return
                row = current

    def _row(self, key: Key) -> MailConnection:
        row = self._connections.get(*key)
        if row is None or not row.token:
            raise AccessDenied(_NOBODY, "NotSignedIn")
        return row


@dataclass(frozen=True, slots=True)
class _Person:
    """The tokens of one connection, as a session's TokenSource."""

    tokens: DelegatedTokens
    connection_id: str

    def token(self, tenant_id: str) -> str:
        return self.tokens.token((tenant_id, self.connection_id))

    def forget(self, tenant_id: str) -> None:
        self.tokens.forget((tenant_id, self.connection_id))


class Sessions:
    """The session for each mailbox: the application's own, or that of whoever signed in for it."""

    def __init__(
        self,
        application: GraphSession,
        tokens: DelegatedTokens,
        connections: Connections,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.application = application
        self._tokens = tokens
        self._connections = connections
        self._clock = clock
        self._known: dict[str, tuple[float, list[MailConnection]]] = {}

    def of(self, mailbox: Mailbox) -> GraphSession:
        """Raises AccessDenied where nobody has signed in."""
        if not mailbox.is_polled_only:
            return self.application
        connection = serving(mailbox, self._of_tenant(mailbox.tenant_id))
        if connection is None:
            self._known.pop(mailbox.tenant_id, None)
            raise AccessDenied(_NOBODY, "NotSignedIn")
        return self.application.speaking_as(_Person(self._tokens, connection.connection_id))

    def renew(self, mailbox: Mailbox) -> None:
        """Look again at who signed in, and get new tokens."""
        self._known.pop(mailbox.tenant_id, None)
        for connection in self._of_tenant(mailbox.tenant_id):
            self._tokens.forget((mailbox.tenant_id, connection.connection_id))

    def _of_tenant(self, tenant_id: str) -> list[MailConnection]:
        until, known = self._known.get(tenant_id, (0.0, []))
        if until <= self._clock():
            known = self._connections.of(tenant_id)
            self._known[tenant_id] = self._clock() + LOOK_AGAIN, known
        return known
