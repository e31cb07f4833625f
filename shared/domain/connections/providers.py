"""Known providers of mailboxes: where their servers are, what a person needs to sign in, and how often they are asked.

As their public help describes them in December 2026; docs/imap.md shows the same table.
"""

from dataclasses import dataclass
from typing import Final

from shared.domain.connections.accounts import STARTTLS, TLS, MailAccount, Server
from shared.domain.mail.addresses import domain_of

BY_IMAP: Final = "imap"
BY_GRAPH: Final = "graph"
NOT_AT_ALL: Final = "none"

# A sign-in each time: 144 a day of a personal mailbox, 1,440 of an intake mailbox on a server of the own.
PERSONAL_MINUTES: Final = 10
INTAKE_MINUTES: Final = 1
# Public providers lock out who signs in each minute from many places.
PUBLIC_INTAKE_MINUTES: Final = 5

_TWO_STEPS: Final = (
    "An app password: switch two-step verification on, make an app password in the account's security settings, and "
    "give it as 'password'. The account's own password is refused."
)


@dataclass(frozen=True, slots=True)
class Provider:
    """`reach` is how its mailboxes are captured; `needs` is a sentence for the person who signs in."""

    id: str
    label: str
    domains: tuple[str, ...]
    reach: str
    needs: str
    imap: Server | None = None
    smtp: Server | None = None


def _yahoo(id_: str, label: str, domains: tuple[str, ...], name: str) -> Provider:
    """Aol and Yahoo are one house with one kind of account."""
    servers = (Server(f"imap.{name}", 993, TLS), Server(f"smtp.{name}", 465, TLS))
    return Provider(id_, label, domains, BY_IMAP, _TWO_STEPS, *servers)


PROVIDERS: Final = (
    _yahoo("aol", "Aol.com", ("aol.com",), "aol.com"),
    _yahoo("aim", "Aim.com", ("aim.com",), "aol.com"),
    Provider(
        "gmail",
        "Gmail.com",
        ("gmail.com", "googlemail.com"),
        BY_IMAP,
        f"{_TWO_STEPS} Signing in by OAuth is not supported.",
        Server("imap.gmail.com", 993, TLS),
        Server("smtp.gmail.com", 465, TLS),
    ),
    Provider(
        "icloud",
        "iCloud.com",
        ("icloud.com", "me.com", "mac.com"),
        BY_IMAP,
        f"{_TWO_STEPS} The user name is the whole address: sending takes no other.",
        Server("imap.mail.me.com", 993, TLS),
        Server("smtp.mail.me.com", 587, STARTTLS),
    ),
    Provider(
        "office365",
        "Outlook.com/Office 365",
        ("outlook.com",),
        BY_GRAPH,
        "A mailbox of Microsoft 365 is reached through Microsoft Graph, without any password: POST connect. A personal "
        "mailbox of Outlook.com cannot be captured: since 16 September 2024 it takes no password by IMAP.",
    ),
    Provider(
        "hotmail",
        "Hotmail.com",
        ("hotmail.com", "live.com", "msn.com"),
        NOT_AT_ALL,
        "It cannot be captured: since 16 September 2024 a personal mailbox of Hotmail takes no password by IMAP.",
    ),
    _yahoo("yahoo", "Yahoo.com", ("yahoo.com", "ymail.com", "rocketmail.com"), "mail.yahoo.com"),
)


def provider_of(address: str) -> Provider | None:
    """The provider of an address."""
    domain = domain_of(address)
    return next((provider for provider in PROVIDERS if domain in provider.domains), None)


def submission_server(account: MailAccount | None, address: str) -> Server | None:
    """Where mail of an account is handed in: as somebody has said, else as is known of its provider.

    An own domain may lie with a provider as well, which its IMAP server tells.
    """
    if account is None or account.smtp is not None:
        return account.smtp if account else None
    by_server = (
        provider for provider in PROVIDERS if provider.imap and provider.imap.host == account.server.host
    )
    provider = next(by_server, None) or provider_of(address)
    return provider.smtp if provider else None


def poll_minutes(address: str, *, is_intake: bool) -> int:
    """How often a mailbox that is reached by IMAP is read, where nobody says otherwise."""
    if not is_intake:
        return PERSONAL_MINUTES
    return INTAKE_MINUTES if provider_of(address) is None else PUBLIC_INTAKE_MINUTES
