"""What a mailbox's test comes to: from what could be learnt by reading, a verdict that says what to do.

Knows neither Graph nor storage. The sentences are what an admin reads; docs/connecting.md shows them all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from shared.domain.connections.connections import AGENT, RBAC, SERVICE_ACCOUNT, SIGNED_IN, is_fresh
from shared.domain.connections.mailboxes import PERSONAL

READING: Final = frozenset(
    (
        "Mail.Read",
        "Mail.ReadWrite",
        "Mail.ReadBasic",
        "Mail.ReadBasic.All",
        "Mail.Read.Shared",
        "Mail.ReadWrite.Shared",
    )
)
SENDING: Final = "Mail.Send"
# Who a mailbox with another purpose belongs to is no single person.
_NOT_PERSONAL: Final = ("shared", "room", "equipment")


class Directory(StrEnum):
    """What the directory says of an address."""

    FOUND = "found"
    MISSING = "missing"
    CLOSED = "closed"


class Read(StrEnum):
    """What became of reading one id from the inbox."""

    DONE = "done"
    DENIED = "denied"
    NO_MAILBOX = "no_mailbox"
    NO_USER = "no_user"
    UNTRIED = "untried"


@dataclass(frozen=True, slots=True)
class Findings:
    """What was learnt of an address. `granted` are the token's permissions, None where there is no token.

    `primary` is the address that the directory gives the user, `aliases` the others; `group` the name of the
    group that has the address; `purpose` Exchange's word ('' = not known); `cards` the records that carry one of
    the addresses. `is_known`: the mailbox was asked for by its object id, so its address may have changed.
    `proved_at` is when the connection was last proved with some mailbox.
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
    consented_at: datetime | None = None
    proved_at: datetime | None = None

    @property
    def is_denied(self) -> bool:
        """Whether a fresh token may change the outcome."""
        return self.granted is None or self.read is Read.DENIED


OK: Final = "ok"
NO_CONSENT: Final = "no_consent"
CONSENT_PENDING: Final = "consent_pending"
NOT_SIGNED_IN: Final = "not_signed_in"
NOT_IN_SCOPE: Final = "not_in_scope"
MISSING_RIGHT: Final = "missing_right"
NO_MAILBOX: Final = "no_mailbox"
NO_USER: Final = "no_user"
ALIAS: Final = "alias"
GROUP: Final = "group"
WRONG_PURPOSE: Final = "wrong_purpose"
ON_CONTACT_CARD: Final = "on_contact_card"
ADDRESS_CHANGED: Final = "address_changed"
UNREACHABLE: Final = "unreachable"

# `{...}` is filled in from the findings.
SENTENCES: Final[Mapping[str, str]] = {
    OK: "The mailbox can be read.",
    NO_CONSENT: (
        "The application has no consent to read mail in this tenant. Have an administrator open the link that "
        "POST connect gives."
    ),
    CONSENT_PENDING: (
        "Consent is there, but Microsoft 365 does not let the application into this mailbox yet. Wait: it takes "
        "30 minutes, at times 2 hours; then test again."
    ),
    NOT_SIGNED_IN: (
        "Nobody is signed in for this mailbox, or the sign-in was withdrawn or has run out. Ask for a new link "
        "with POST connect and have the account's owner sign in."
    ),
    NOT_IN_SCOPE: (
        "The application may read mail in this tenant, but not in this mailbox. Add the mailbox to the management "
        "scope (or the group of the access policy) in Exchange; if you just did, wait 30 minutes to 2 hours."
    ),
    MISSING_RIGHT: (
        "The service account {account} lacks the right Full Access (Read and Manage) to this mailbox. Grant it in "
        "the Exchange admin center, or with Add-MailboxPermission -AccessRights FullAccess; it takes up to an hour."
    ),
    NO_MAILBOX: (
        "The user exists but has no mailbox in Exchange Online: not licensed, on-premises, or deleted. Assign a "
        "licence, or move the mailbox to the cloud."
    ),
    NO_USER: (
        "No user of this tenant has this address. Check the spelling and the tenant; where the directory may not "
        "be read, it may also be an alias or a group."
    ),
    ALIAS: "This is not the mailbox's main address. Use {primary}; mail to its aliases is captured as well.",
    GROUP: (
        "This address belongs to the group {group}, which is no mailbox of a person. Add the mailboxes of its "
        "members, or use a shared mailbox."
    ),
    WRONG_PURPOSE: (
        "This is a mailbox of the sort '{purpose}', not a person's own. Add it with the kind 'intake', or name "
        "the person's own mailbox."
    ),
    ON_CONTACT_CARD: (
        "The address of a colleague stands on {cards}: with it, colleagues' mail would be filed there for all to "
        "see. Take the address off the card, then add the mailbox."
    ),
    ADDRESS_CHANGED: (
        "The mailbox's main address is now {primary}. Take it over with PUT mailboxes/ADDRESS/address; cursor, "
        "history and notices stay."
    ),
    UNREACHABLE: (
        "Microsoft 365 did not answer just now. Nothing is wrong with the mailbox as far as is known; test again."
    ),
}
OUTCOMES: Final = tuple(SENTENCES)
# These are no reason not to save a mailbox.
_HARMLESS: Final = (OK, CONSENT_PENDING, ADDRESS_CHANGED, UNREACHABLE)
_MISNAMED: Final = (NO_MAILBOX, NO_USER, ALIAS, GROUP)
_READABLE: Final = (OK, WRONG_PURPOSE, ON_CONTACT_CARD, ADDRESS_CHANGED)

PERMITTED: Final = "permitted"
NOT_PERMITTED: Final = "not_permitted"
UNKNOWN: Final = "unknown"
_SEND: Final[Mapping[tuple[str, str], str]] = {
    (PERMITTED, "app"): "Mail may be sent: the token carries the application role Mail.Send.",
    (NOT_PERMITTED, "app"): (
        "Mail may not be sent: the token lacks the application role Mail.Send. (A right given by RBAC for "
        "Applications would not show in it.)"
    ),
    (UNKNOWN, "app"): (
        "Not known: the token carries no roles, and a right given by RBAC for Applications cannot be seen without "
        "sending. Ask Exchange with Test-ServicePrincipalAuthorization."
    ),
    (PERMITTED, AGENT): "Mail may be sent: the agent agreed to Mail.Send.",
    (
        NOT_PERMITTED,
        AGENT,
    ): "Mail may not be sent: the agent did not agree to Mail.Send. Have the agent sign in again.",
    (UNKNOWN, SERVICE_ACCOUNT): (
        "Not known: the service account agreed to Mail.Send.Shared, but whether Exchange gave it Send As or Send "
        "on Behalf for this mailbox cannot be seen without sending."
    ),
    (NOT_PERMITTED, SERVICE_ACCOUNT): (
        "Mail may not be sent: the service account did not agree to Mail.Send.Shared. Have it sign in again."
    ),
    (UNKNOWN, ""): "Not known: there is no token to look at.",
}
SEND_SENTENCES: Final = tuple(_SEND.values())


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome and its sentence. `primary` is the main address where it is another; `send` and how it is known."""

    outcome: str
    sentence: str
    send: str = UNKNOWN
    send_sentence: str = ""
    primary: str = ""
    purpose: str = ""
    cards: tuple[str, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Whether such a mailbox is not to be added."""
        return self.outcome not in _HARMLESS

    @property
    def is_about_the_address(self) -> bool:
        """Whether the address is at fault, and not the way to it."""
        return self.outcome in _MISNAMED

    @property
    def is_readable(self) -> bool:
        """Whether the application was let into the mailbox."""
        return self.outcome in _READABLE


def unreachable() -> Verdict:
    """For when Microsoft 365 did not answer."""
    return Verdict(UNREACHABLE, SENTENCES[UNREACHABLE], UNKNOWN, _SEND[UNKNOWN, ""])


def judge(found: Findings, now: datetime) -> Verdict:
    """The first thing that is wrong, in the order in which it has to be put right."""
    outcome = next(filter(None, (rule(found, now) for rule in _RULES)), OK)
    send, send_sentence = _sending(found)
    return Verdict(
        outcome,
        SENTENCES[outcome].format(
            account=found.account or "of this organisation",
            primary=found.primary,
            group=f"'{found.group}'",
            purpose=found.purpose,
            cards=", ".join(found.cards),
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
    if found.mode in SIGNED_IN:
        return NOT_SIGNED_IN
    return CONSENT_PENDING if is_fresh(found.consented_at, now) else NO_CONSENT


def _misnamed(found: Findings, _now: datetime) -> str:
    if found.group:
        return GROUP
    if found.directory is not Directory.FOUND or found.primary == found.address:
        return ""
    return "" if found.is_known else ALIAS


def _absent(found: Findings, _now: datetime) -> str:
    if found.directory is Directory.MISSING or found.read is Read.NO_USER:
        return NO_USER
    return NO_MAILBOX if found.read is Read.NO_MAILBOX else ""


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
    if granted & READING or found.mode == RBAC or found.proved_at is not None:
        return NOT_IN_SCOPE
    return NO_CONSENT


def _readable_but(found: Findings, _now: datetime) -> str:
    if found.cards:
        return ON_CONTACT_CARD
    if found.kind == PERSONAL and found.purpose in _NOT_PERSONAL:
        return WRONG_PURPOSE
    changed = found.is_known and found.directory is Directory.FOUND and found.primary != found.address
    return ADDRESS_CHANGED if changed else ""


_RULES: Final[tuple[Callable[[Findings, datetime], str], ...]] = (
    _without_token,
    _misnamed,
    _absent,
    _denied,
    _readable_but,
)


def _sending(found: Findings) -> tuple[str, str]:
    """Whether mail may be sent, and how that is known."""
    if found.granted is None:
        return UNKNOWN, _SEND[UNKNOWN, ""]
    way = found.mode if found.mode in SIGNED_IN else "app"
    if way == SERVICE_ACCOUNT:
        send = UNKNOWN if "Mail.Send.Shared" in found.granted else NOT_PERMITTED
    elif SENDING in found.granted:
        send = PERMITTED
    else:
        send = UNKNOWN if way == "app" and not found.granted & READING else NOT_PERMITTED
    return send, _SEND[send, way]
