"""Sessions with mail servers: one an account, opened when something is asked and closed when nothing more is.

Sign-ins are the scarce thing: a server that sees one each minute from many places locks its user out. After any
break of the line a session is given up, never gone on with.
"""

import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, TypeVar

from imapclient.exceptions import CapabilityError, IMAPClientError, LoginError

from shared.adapters.imap.accounts import STARTTLS, Account, Accounts
from shared.adapters.imap.errors import (
    ASCII_ONLY,
    BASIC_AUTH_OFF,
    REFUSALS,
    Broken,
    of_command,
    of_connecting,
    of_sign_in,
)
from shared.adapters.imap.wire import Dial, WiredClient
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import AccessDenied, PostledgerError
from shared.telemetry.user_agent import user_agent

# A turn's steps follow each other faster than this; then the session is closed.
IDLE: Final = 10.0
# Credentials that somebody has removed or replaced open a session no longer than this.
TRUSTED: Final = 15.0
_PLAIN: Final = "AUTH=PLAIN"

Answer = TypeVar("Answer")
Key = tuple[str, str, str]


class Session:
    """A signed-in session. Any error that is no plain refusal ends it."""

    def __init__(self, client: WiredClient) -> None:
        self._client = client
        self.is_open = True
        self.has_labels = client.has_capability("X-GM-EXT-1")
        self.has_namespaces = client.has_capability("NAMESPACE")

    def ask(self, command: Callable[[WiredClient], Answer], octets: int = 0) -> Answer:
        """The answer to one command; `octets` is what it may be answered with beyond lines and headers."""
        try:
            self._client.allow(octets)
            return command(self._client)
        except (IMAPClientError, OSError, ValueError) as error:
            translated = of_command(error)
            # A ValueError is an answer that cannot be parsed: what comes next may be its rest.
            if isinstance(translated, Broken) or not _is_refusal(error):
                self.drop()
                if not isinstance(error, IMAPClientError | OSError):
                    raise Broken("The mail server's answer cannot be read.") from error
            raise translated from error

    def drop(self) -> None:
        """Without a word: the line is not to be trusted."""
        self.is_open = False
        with suppress(OSError, IMAPClientError):
            self._client.shutdown()

    def close(self) -> None:
        """With LOGOUT, as servers count sessions."""
        if not self.is_open:
            return
        try:
            self._client.allow()
            self._client.logout()
        except (IMAPClientError, OSError):
            pass
        self.drop()


def _own_name() -> dict[str, str]:
    """What the command ID (RFC 2971) says: who asks, and in which version."""
    name, _, version = user_agent().partition("/")
    return {"name": name, "version": version} if version else {"name": name}


def _is_refusal(error: Exception) -> bool:
    """NO or BAD to the command, with the line in order."""
    return type(error) in (IMAPClientError, CapabilityError) or isinstance(error, LoginError)


@dataclass(slots=True)
class _Held:
    lock: threading.Lock = field(default_factory=threading.Lock)
    session: Session | None = None
    account: Account | None = None
    looked_at: float = 0.0
    used_at: float = 0.0


@dataclass(slots=True)
class Sessions:
    """`opened` counts sign-ins. `context` verifies; there is no way to switch that off."""

    accounts: Accounts
    dial: Dial
    context: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    silence: float = 30.0
    idle: float = IDLE
    trusted: float = TRUSTED
    client: type[WiredClient] = WiredClient
    opened: int = 0
    _held: dict[Key, _Held] = field(default_factory=lambda: defaultdict(_Held))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _reaper: threading.Thread | None = None

    @contextmanager
    def of(self, mailbox: Mailbox) -> Iterator[Session]:
        """The mailbox's session, for one caller at a time."""
        with self._lock:
            held = self._held[mailbox.tenant_id, mailbox.mailbox_id, mailbox.address]
        with held.lock:
            self._renew(held, mailbox)
            assert held.session is not None
            try:
                yield held.session
            finally:
                held.used_at = time.monotonic()
        self._look_after()

    def _renew(self, held: _Held, mailbox: Mailbox) -> None:
        """Sign in where nobody is, and look now and then whether the account is still the one that was saved."""
        if held.session is not None and not held.session.is_open:
            held.session = None
        if held.session is not None and time.monotonic() - held.looked_at < self.trusted:
            return
        account = self.accounts.of(mailbox)
        if held.session is not None and account != held.account:
            self._end(held)
        if held.session is None:
            held.session = self._signed_in(account)
        held.account, held.looked_at = account, time.monotonic()

    def fresh(self, mailbox: Mailbox) -> Session:
        """A session of its own, which the caller closes: a held one says nothing of a new password."""
        return self._signed_in(self.accounts.of(mailbox))

    def _signed_in(self, account: Account) -> Session:
        try:
            session = self.sign_in(account)
        except AccessDenied as error:
            if error.code in REFUSALS:
                self.accounts.tried(account, refused=True)
            raise
        self.accounts.tried(account, refused=False)
        return session

    def sign_in(self, account: Account) -> Session:
        """A session of its own. Raises AccessDenied, Throttled or Unavailable."""
        client = self._connected(account)
        try:
            self._secure(client, account)
            self._enter(client, account)
            return Session(client)
        except BaseException:
            with suppress(OSError, IMAPClientError):
                client.shutdown()
            raise

    def close(self) -> None:
        """Every session."""
        for held in list(self._held.values()):
            with held.lock:
                self._end(held)

    def _connected(self, account: Account) -> WiredClient:
        is_tls = account.security != STARTTLS
        try:
            return self.client(
                account.host,
                account.port,
                is_tls=is_tls,
                dial=self.dial,
                context=self.context,
                silence=self.silence,
            )
        except PostledgerError:
            raise
        except (IMAPClientError, OSError, ValueError) as error:
            raise of_connecting(error) from error

    def _secure(self, client: WiredClient, account: Account) -> None:
        """A session that began as somebody's is nobody's that we know; what is not encrypted gets no password."""
        if client.is_signed_in:
            raise of_connecting(CapabilityError("PREAUTH"))
        if account.security != STARTTLS:
            return
        try:
            client.allow()
            client.starttls(self.context)
        except (ssl.SSLError, OSError) as error:
            raise of_connecting(error) from error
        except IMAPClientError as error:
            raise of_connecting(CapabilityError(str(error))) from error

    def _enter(self, client: WiredClient, account: Account) -> None:
        self.opened += 1
        try:
            client.allow()
            _sign_in(client, account)
            _introduce(client)
        except LoginError as error:
            raise of_sign_in(error) from error
        except (IMAPClientError, OSError, ValueError) as error:
            raise of_connecting(error) from error

    def _look_after(self) -> None:
        with self._lock:
            if self._reaper is None or not self._reaper.is_alive():
                self._reaper = threading.Thread(target=self._reap, name="imap-sessions", daemon=True)
                self._reaper.start()

    def _reap(self) -> None:
        """Close what nobody uses, until nothing is open."""
        while any(held.session is not None for held in list(self._held.values())):
            time.sleep(self.idle / 4)
            for held in list(self._held.values()):
                self._end_if_idle(held)

    def _end_if_idle(self, held: _Held) -> None:
        if time.monotonic() - held.used_at < self.idle or not held.lock.acquire(blocking=False):
            return
        try:
            self._end(held)
        finally:
            held.lock.release()

    def _end(self, held: _Held) -> None:
        if held.session is not None:
            held.session.close()
            held.session = None


def _introduce(client: WiredClient) -> None:
    """Some providers let nobody select a folder who has not said who they are."""
    if client.has_capability("ID"):
        try:
            client.id_(_own_name())
        except IMAPClientError as error:
            # Who is refused that may be let in all the same.
            if not _is_refusal(error):
                raise


def _sign_in(client: WiredClient, account: Account) -> None:
    """By AUTHENTICATE PLAIN in UTF-8 (RFC 4616) where there is that, else by LOGIN, which knows ASCII only."""
    if client.has_capability(_PLAIN):
        answer = f"\0{account.user_name}\0{account.password}".encode("utf-8", "replace")
        client.sasl_login("PLAIN", lambda _: answer)
        return
    if client.has_capability("LOGINDISABLED"):
        raise AccessDenied("The mail server takes no passwords.", BASIC_AUTH_OFF)
    secret = account.user_name + account.password
    # A line end within it would begin a command of its own.
    if not (secret.isascii() and secret.isprintable()):
        raise AccessDenied(
            "This mail server takes user names and passwords in ASCII only: choose a password without accents.",
            ASCII_ONLY,
        )
    client.login(account.user_name, account.password)
