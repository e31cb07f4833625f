"""The account by which a mailbox outside Microsoft 365 is reached, as its owner types it, checked. Asks no server."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Self

from shared.domain.connections.fields import Fields
from shared.domain.errors import InvalidInput

TLS: Final = "tls"
STARTTLS: Final = "starttls"
SECURITIES: Final = (TLS, STARTTLS)
FIELDS: Final = ("user_name", "password", "host", "use_autodiscover", "port", "security", "smtp")
# A server locks out a user after some refused passwords: it is asked again only with new credentials.
MOST_REFUSALS: Final = 2
IMAP_PORTS: Final = {TLS: 993, STARTTLS: 143}
SMTP_PORTS: Final = {TLS: 465, STARTTLS: 587}
_NOT_SUBMISSION: Final = (25, 143, 993)
LONGEST_PASSWORD: Final = 512

_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_ADDRESS: Final = re.compile(r"[0-9a-f:.]*:[0-9a-f:.]*")
# Microsoft 365 and personal Outlook.com: neither takes a password by IMAP or SMTP any more.
_MICROSOFT: Final = (
    "outlook.com",
    "office365.com",
    "office365.us",
    "office.com",
    "office.de",
    "outlook.de",
    "outlook.cn",
    "hotmail.com",
    "live.com",
    "microsoft.com",
)
_SIGN_IN: Final = (
    "{host} is a server of Microsoft, which takes no password: basic authentication is off there. A mailbox of "
    "Microsoft 365 is reached through Microsoft Graph: request a sign-in with POST connect, and set 'connection' to "
    "graph-app or graph-delegated. Personal mailboxes of Outlook.com and Hotmail cannot be captured."
)
INVALID_SERVER: Final = "The specified Server address is invalid"


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server; `security` is `tls` from the first octet, or `starttls`."""

    host: str
    port: int
    security: str = TLS


@dataclass(frozen=True, slots=True)
class MailAccount:
    """Where a mailbox lies, and who signs in there. `sealed` is the password, which only its store opens.

    `smtp` is where its mail leaves, None where nobody has said. `refusals` counts sign-ins that were refused since the
    credentials were saved, `smtp_refusals` those at the server for outgoing mail.
    """

    tenant_id: str
    mailbox_id: str
    user_name: str
    server: Server
    use_autodiscover: bool = False
    smtp: Server | None = None
    saved_at: datetime | None = None
    refusals: int = 0
    smtp_refusals: int = 0
    sealed: str = field(default="", repr=False)
    etag: str = ""

    @property
    def is_parked(self) -> bool:
        """Whether no further sign-in is tried with this password."""
        return self.refusals >= MOST_REFUSALS

    @property
    def is_parked_for_sending(self) -> bool:
        """Whether none is tried at the server for outgoing mail; reading may go on."""
        return self.smtp_refusals >= MOST_REFUSALS

    def after_sending(self, *, refused: bool) -> Self:
        """After a sign-in at the server for outgoing mail."""
        return replace(self, smtp_refusals=self.smtp_refusals + 1 if refused else 0)

    def after(self, *, refused: bool) -> Self:
        """After a sign-in."""
        return replace(self, refusals=self.refusals + 1 if refused else 0)


@dataclass(frozen=True, slots=True)
class GivenAccount:
    """What a person typed. `server` is None where it is to be found, with its port and its encryption."""

    user_name: str
    password: str = field(repr=False)
    server: Server | None = None
    smtp: Server | None = None

    @classmethod
    def of(cls, fields: Fields) -> "GivenAccount":
        """Raises InvalidInput with a sentence that repeats no password."""
        fields.only(FIELDS)
        is_found = fields.flag("use_autodiscover", default=False)
        if is_found == (fields.given.get("host") is not None):
            raise InvalidInput("Give either 'host' or 'use_autodiscover': true.")
        if is_found and (fields.given.get("port") or fields.given.get("security")):
            raise InvalidInput("'port' and 'security' go with 'host': autodiscovery finds them.")
        smtp = fields.mapping("smtp", {})
        return cls(
            _user_name(fields),
            _password(fields),
            None if is_found else _server(fields, IMAP_PORTS),
            _submission(Fields(smtp).only(("host", "port", "security"))) if smtp else None,
        )


def _user_name(fields: Fields) -> str:
    name = fields.text("user_name", "", 320)
    if not name or not name.isprintable():
        raise InvalidInput("'user_name' is missing: it is usually your email address.")
    return name


def _password(fields: Fields) -> str:
    """As it was typed, blanks at its ends too: nobody but the server knows what belongs to it."""
    password = fields.given.get("password")
    is_usable = isinstance(password, str) and 0 < len(password) <= LONGEST_PASSWORD
    if not is_usable or any(sign in str(password) for sign in "\0\r\n"):
        raise InvalidInput(f"'password' must be a text of 1 to {LONGEST_PASSWORD} characters on one line.")
    return str(password)


def _server(fields: Fields, ports: dict[str, int], path: str = "") -> Server:
    security = fields.choice("security", TLS, SECURITIES)
    port = fields.number("port", ports[security], 1, 65_535)
    # Port 587 begins unencrypted everywhere (RFC 6409), and so does 143: nobody has to say so.
    if fields.given.get("security") is None and port in (IMAP_PORTS[STARTTLS], SMTP_PORTS[STARTTLS]):
        security = STARTTLS
    return Server(host_of(fields.text("host", "", 253), f"{path}host"), port, security)


def _submission(fields: Fields) -> Server:
    """Mail is handed in where people sign in, which port 25 is not for (RFC 6409)."""
    server = _server(fields, SMTP_PORTS, "smtp.")
    if server.port in _NOT_SUBMISSION:
        raise InvalidInput("'smtp.port' is not for outgoing mail: it is usually 465, or 587 with starttls.")
    return server


def host_of(text: str, name: str = "host") -> str:
    """The name of a server. Raises InvalidInput for what is none, and for Microsoft's own."""
    try:
        host = text.strip().casefold().rstrip(".").encode("idna").decode("ascii")
    except UnicodeError:
        host = ""
    if not _HOST_NAME.fullmatch(host) and not _ADDRESS.fullmatch(host):
        raise InvalidInput(f"{INVALID_SERVER}: '{name}' is a name such as mail.contoso.example.")
    if is_of_microsoft(host):
        raise InvalidInput(_SIGN_IN.format(host=host))
    return host


def is_of_microsoft(host: str) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in _MICROSOFT)
