"""The mailbox test: from what reading could find out, the verdict that says what to do.

Knows neither Graph nor storage; the sentences are in `verdicts`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from shared.domain.connections.connections import AGENT, RBAC, SERVICE_ACCOUNT, SIGNED_IN, is_fresh
from shared.domain.connections.mailboxes import PERSONAL
from shared.domain.connections.verdicts import (
    ADDRESS_CHANGED,
    ALIAS,
    CONSENT_PENDING,
    DEPLOYMENT,
    GROUP,
    MISSING_RIGHT,
    NO_BODIES,
    NO_CONSENT,
    NO_MAILBOX,
    NO_USER,
    NOT_IN_SCOPE,
    NOT_PERMITTED,
    NOT_SIGNED_IN,
    OK,
    ON_CONTACT_CARD,
    PERMITTED,
    SEND,
    SENTENCES,
    STRAY_ROUTES,
    UNKNOWN,
    WITHOUT_DRAFTS,
    WRONG_PURPOSE,
    Verdict,
)

READING: Final = frozenset(("Mail.Read", "Mail.ReadWrite", "Mail.Read.Shared", "Mail.ReadWrite.Shared"))
# "All properties except body, previewBody, attachments and any extended properties" (Microsoft Graph permissions
# reference): mail would be filed with empty bodies, so these are no right to read.
_HEADERS_ONLY: Final = frozenset(("Mail.ReadBasic", "Mail.ReadBasic.All", "Mail.ReadBasic.Shared"))
_NOTHING_GRANTED: Final = (
    "The application got a token, but the token holds no permission to read mail. Where RBAC for Applications lets "
    "it in, name a mailbox: POST connect/verify."
)
# The smallest right that opens bodies, by the way to the mailbox.
_RIGHTS: Final = {RBAC: "Application Mail.Read (a role in Exchange)", SERVICE_ACCOUNT: "Mail.Read.Shared"}
_SMALLEST_RIGHT: Final = "Mail.Read"
SENDING: Final = "Mail.Send"
# Drafts are laid into the mailbox and looked for after a lost answer: with less, mail leaves in one call.
DRAFTING: Final = "Mail.ReadWrite"
# A mailbox with one of these purposes belongs to no single person.
_NOT_PERSONAL: Final = ("shared", "room", "equipment")


class Directory(StrEnum):
    """What the directory says of an address."""

    FOUND = "found"
    MISSING = "missing"
    CLOSED = "closed"


class Read(StrEnum):
    """The outcome of reading the preview of one mail from the inbox. EMPTY: the inbox holds none to read."""

    DONE = "done"
    EMPTY = "empty"
    HEADERS_ONLY = "headers_only"
    DENIED = "denied"
    NO_MAILBOX = "no_mailbox"
    NO_USER = "no_user"
    UNTRIED = "untried"


@dataclass(frozen=True, slots=True)
class Findings:
    """The findings on an address. `granted` are the token's permissions, None where there is no token.

    `refusal` says why Entra ID gives this deployment none, whatever the organisation grants.
    `primary` is the address that the directory gives the user, `aliases` the others; `group` the name of the
    group that has the address; `purpose` Exchange's word ('' = not known); `cards` the records that carry an
    address of the user; `stray_routes` are addresses of routes that neither the mailbox nor a group has. `is_known`:
    the mailbox was looked up by its object id, so its address may have changed. `proved_at` is the time at which some
    mailbox last proved the connection.
    """

    address: str
    kind: str = PERSONAL
    mode: str = ""
    account: str = ""
    granted: frozenset[str] | None = None
    refusal: str = ""
    directory: Directory = Directory.CLOSED
    primary: str = ""
    aliases: tuple[str, ...] = ()
    is_known: bool = False
    group: str = ""
    read: Read = Read.UNTRIED
    purpose: str = ""
    cards: tuple[str, ...] = ()
    stray_routes: tuple[str, ...] = ()
    consented_at: datetime | None = None
    proved_at: datetime | None = None

    @property
    def is_denied(self) -> bool:
        """Whether a fresh token may change the outcome."""
        return self.granted is None or self.read is Read.DENIED or self.lacks_bodies

    @property
    def lacks_bodies(self) -> bool:
        """Whether headers can be read at most. Where no mail proves it, the token's permissions decide."""
        if self.read in (Read.DENIED, Read.EMPTY):
            return is_basic(self.granted or frozenset())
        return self.read is Read.HEADERS_ONLY


def is_basic(granted: frozenset[str]) -> bool:
    """Whether the permissions open headers and nothing else of a mail."""
    return bool(granted & _HEADERS_ONLY) and not granted & READING


def judge_token(granted: frozenset[str], mode: str) -> Verdict:
    """The verdict on a connection whose token is all that can be looked at, since no mailbox is named."""
    if granted & READING:
        return Verdict(OK, "")
    if is_basic(granted):
        return Verdict(NO_BODIES, SENTENCES[NO_BODIES].format(right=_RIGHTS.get(mode, _SMALLEST_RIGHT)))
    return Verdict(NOT_IN_SCOPE, _NOTHING_GRANTED)


def judge(found: Findings, now: datetime) -> Verdict:
    """The first fault, in the order in which faults have to be put right."""
    outcome = next(filter(None, (rule(found, now) for rule in _RULES)), OK)
    send, send_sentence = _sending(found)
    return Verdict(
        outcome,
        SENTENCES[outcome].format(
            account=found.account or "of this organisation",
            right=_RIGHTS.get(found.mode, _SMALLEST_RIGHT),
            primary=found.primary,
            group=f"'{found.group}'",
            purpose=found.purpose,
            cards=", ".join(found.cards),
            routes=", ".join(found.stray_routes),
            refusal=found.refusal,
        ),
        send,
        send_sentence,
        found.primary if found.primary != found.address else "",
        found.purpose,
        found.cards,
    )


def _without_token(found: Findings, now: datetime) -> str:
    if found.granted is not None:
        return ""
    if found.refusal:
        return DEPLOYMENT
    if found.mode in SIGNED_IN:
        return NOT_SIGNED_IN
    return CONSENT_PENDING if is_fresh(found.consented_at, now) else NO_CONSENT


def _misnamed(found: Findings, _now: datetime) -> str:
    if found.group:
        return GROUP
    if found.directory is not Directory.FOUND or found.primary == found.address:
        return ""
    # Looked up by its object id it is the same mailbox under a new address, which `_readable_but` tells.
    return "" if found.is_known else ALIAS


def _absent(found: Findings, _now: datetime) -> str:
    if found.directory is Directory.MISSING or found.read is Read.NO_USER:
        return NO_USER
    return NO_MAILBOX if found.read is Read.NO_MAILBOX else ""


def _headers_only(found: Findings, _now: datetime) -> str:
    return NO_BODIES if found.lacks_bodies else ""


def _denied(found: Findings, now: datetime) -> str:
    if found.read is not Read.DENIED:
        return ""
    granted = found.granted or frozenset()
    if found.mode == SERVICE_ACCOUNT:
        return MISSING_RIGHT if granted & READING else NOT_SIGNED_IN
    if found.mode == AGENT:
        return NOT_SIGNED_IN
    if is_fresh(found.consented_at, now):
        return CONSENT_PENDING
    # Rights by RBAC for Applications stand in no token: a connection proved before tells that they are there.
    if granted & READING or found.mode == RBAC or found.proved_at is not None:
        return NOT_IN_SCOPE
    return NO_CONSENT


def _readable_but(found: Findings, _now: datetime) -> str:
    if found.cards:
        return ON_CONTACT_CARD
    if found.kind == PERSONAL and found.purpose in _NOT_PERSONAL:
        return WRONG_PURPOSE
    changed = found.is_known and found.directory is Directory.FOUND and found.primary != found.address
    if changed:
        return ADDRESS_CHANGED
    return STRAY_ROUTES if found.stray_routes else ""


_RULES: Final[tuple[Callable[[Findings, datetime], str], ...]] = (
    _without_token,
    _misnamed,
    _absent,
    # Before `_denied`: waiting for Exchange to notice a grant does not help where the grant is too small.
    _headers_only,
    _denied,
    _readable_but,
)


def _sending(found: Findings) -> tuple[str, str]:
    """Whether mail may be sent, and how that is known."""
    if found.granted is None:
        return UNKNOWN, SEND[UNKNOWN, ""]
    way = found.mode if found.mode in SIGNED_IN else "app"
    if way == SERVICE_ACCOUNT:
        send = UNKNOWN if "Mail.Send.Shared" in found.granted else NOT_PERMITTED
    elif SENDING in found.granted:
        send = PERMITTED
    else:
        send = UNKNOWN if way == "app" and not found.granted & READING else NOT_PERMITTED
    lacks_drafts = way == "app" and send != UNKNOWN and DRAFTING not in found.granted
    return send, SEND[send, WITHOUT_DRAFTS if lacks_drafts else way]
