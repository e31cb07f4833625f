"""A server's refusals as errors of this service: the one place that knows the codes of RFC 5530.

Messages never carry what the server said: its sentences may name addresses.
"""

import re
import ssl
from typing import Final

from imapclient.exceptions import (
    CapabilityError,
    IMAPClientAbortError,
    IMAPClientError,
    IMAPClientReadOnlyError,
    LoginError,
)

from shared.domain.errors import (
    AccessDenied,
    MailboxUnavailable,
    NotFound,
    PostledgerError,
    Rejected,
    Throttled,
    Unavailable,
)

# Names by which callers tell these errors apart.
REFUSED: Final = "PasswordRefused"
NO_ENCRYPTION: Final = "NoEncryption"
BAD_CERTIFICATE: Final = "BadCertificate"
NO_ACCESS: Final = "NoMailbox"
READ_ONLY: Final = "FolderReadOnly"
WANTS_APP_PASSWORD: Final = "AppPasswordWanted"
SWITCHED_OFF: Final = "ImapSwitchedOff"
BASIC_AUTH_OFF: Final = "BasicAuthOff"
ASCII_ONLY: Final = "AsciiOnly"

# Each further try with the same password brings its owner nearer to being locked out.
REFUSALS: Final = frozenset((REFUSED, WANTS_APP_PASSWORD))

# Two letters at least: `imaplib` shows what a server said as a list of octets, `[b'...']`.
_CODE: Final = re.compile(r"\[([A-Z][A-Z0-9/-]+)[^\]]*\]", re.IGNORECASE)
# The last ones are those of POP3 (RFC 2449, RFC 3206), which servers for both give here as well.
BUSY_CODES: Final = frozenset(
    (
        "UNAVAILABLE",
        "LIMIT",
        "INUSE",
        "OVERQUOTA",
        "CONTACTADMIN",
        "SERVERBUG",
        "SYS/TEMP",
        "IN-USE",
        "LOGIN-DELAY",
    )
)
# What a server says is as long as it likes, and is searched by several patterns.
_LONGEST: Final = 1_000
# With these a single mail may be had later.
PASSING_CODES: Final = frozenset(("UNAVAILABLE", "LIMIT", "INUSE", "SERVERBUG"))
_BUSY_WORDS: Final = re.compile(
    r"too many|temporar|try (?:again )?later|rate limit|exceeded|bandwidth|unavailable|busy|timed? ?out|"
    r"(?:internal|system|server|backend) (?:error|failure)|lookup failed",
    re.IGNORECASE,
)
_APP_PASSWORD: Final = re.compile(
    r"app(?:lication)?[- ]specific|app password|2-step|two-factor", re.IGNORECASE
)
_SWITCHED_OFF: Final = re.compile(
    r"not enabled for imap|imap access is disabled|imap (?:is )?(?:disabled|not enabled)",
    re.IGNORECASE,
)
_BASIC_AUTH: Final = re.compile(
    r"basic ?auth|oauth.{0,20}required|modern auth|no login (?:is )?permitted", re.IGNORECASE
)
# Exchange: the sign-in was right, and no mailbox is opened for it.
_NOT_CONNECTED: Final = re.compile(r"authenticated but not connected", re.IGNORECASE)
WAIT: Final = 60.0


class Broken(Unavailable):
    """The connection is of no use any more: what comes over it next may belong to an earlier command."""


class Refused(Rejected):
    """The server said NO or BAD to a command other than a sign-in; others may fare better."""


def of_connecting(error: Exception) -> PostledgerError:
    """Why no connection was made. Nothing has been sent by then."""
    if isinstance(error, ssl.CertificateError):
        return AccessDenied(
            "The mail server's certificate cannot be trusted, so nothing was sent.", BAD_CERTIFICATE
        )
    # What speaks no TLS on this port, or none that is safe.
    if isinstance(error, CapabilityError | ssl.SSLError):
        return AccessDenied("The mail server does not offer encryption, so nothing was sent.", NO_ENCRYPTION)
    if isinstance(error, IMAPClientError) and _BUSY_WORDS.search(_said(error)):
        return Throttled("The mail server takes no more connections for now.", WAIT)
    return Unavailable("The mail server cannot be reached.")


def of_sign_in(error: LoginError) -> PostledgerError:
    """Whether a sign-in is refused for good or for now: the code decides, not the NO (RFC 5530)."""
    said = _said(error)
    code = _code(said)
    if code in BUSY_CODES or (code != "AUTHENTICATIONFAILED" and _BUSY_WORDS.search(said)):
        return Throttled("The mail server cannot check passwords at the moment.", WAIT)
    if _APP_PASSWORD.search(said):
        return AccessDenied("The mail server wants an app password.", WANTS_APP_PASSWORD)
    if _BASIC_AUTH.search(said):
        return AccessDenied("The mail server takes no passwords.", BASIC_AUTH_OFF)
    if _SWITCHED_OFF.search(said):
        return AccessDenied("IMAP is switched off for this mailbox.", SWITCHED_OFF)
    return AccessDenied("The mail server refuses the user name or the password.", REFUSED)


def of_command(error: Exception) -> PostledgerError:
    """What a command's failure means for the mail that it was about."""
    said = _said(error)
    if _NOT_CONNECTED.search(said):
        return MailboxUnavailable(
            "The sign-in was accepted, but the mail server opens no mailbox for it.", NO_ACCESS
        )
    # imaplib makes it a kind of lost connection, which it is not.
    if isinstance(error, IMAPClientReadOnlyError):
        return AccessDenied("The mail server lets nobody change this folder.", READ_ONLY)
    if isinstance(error, IMAPClientAbortError | OSError):
        return Broken("The connection to the mail server was lost.")
    code = _code(said)
    if code in ("NONEXISTENT", "NOPERM", "CANNOT", "NOTFOUND"):
        return NotFound("The mail server has no such folder.", code)
    if code in ("LIMIT", "INUSE") or "too many" in said.casefold():
        return Throttled("The mail server asks to slow down.", WAIT)
    if not code and _BUSY_WORDS.search(said):
        code = "UNAVAILABLE"
    return Refused("The mail server refuses the command.", code)


def _said(error: Exception) -> str:
    return str(error)[:_LONGEST]


def _code(said: str) -> str:
    found = _CODE.search(said)
    return found[1].upper() if found else ""
