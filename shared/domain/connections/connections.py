"""How an organisation's mail is reached, and where that stands: asked for, consented to, proved, lost.

Decides from what was learnt; asks nobody. The sentences are what an admin reads; docs/connecting.md shows them all.
"""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Self

from shared.domain.connections.mailboxes import GRAPH_APP, GRAPH_DELEGATED, Mailbox
from shared.domain.connections.tenant_ids import is_tenant_id

# Ways to connect. The first two use application permissions, the others a person's sign-in.
ADMIN_CONSENT: Final = "admin_consent"
RBAC: Final = "rbac"
SERVICE_ACCOUNT: Final = "service_account"
AGENT: Final = "agent"
MODES: Final = (ADMIN_CONSENT, RBAC, SERVICE_ACCOUNT, AGENT)
SIGNED_IN: Final = (SERVICE_ACCOUNT, AGENT)

# What each way asks of Graph. Entra's own (openid, profile, offline_access) come with every sign-in.
SCOPES: Final[Mapping[str, tuple[str, ...]]] = {
    SERVICE_ACCOUNT: ("User.Read", "Mail.ReadWrite.Shared", "Mail.Send", "Mail.Send.Shared"),
    AGENT: ("email", "User.Read", "Mail.Read", "Mail.Send"),
}

NOT_CONNECTED: Final = "not_connected"
LINK_SENT: Final = "link_sent"
LINK_EXPIRED: Final = "link_expired"
CONSENT_DECLINED: Final = "consent_declined"
NEEDS_ADMINISTRATOR: Final = "needs_administrator"
WRONG_ACCOUNT: Final = "wrong_account"
CONSENT_PENDING: Final = "consent_pending"
SCOPE_PENDING: Final = "scope_pending"
NO_ACCESS: Final = "no_access"
VERIFIED: Final = "verified"
LOST: Final = "lost"
DISCONNECTED: Final = "disconnected"

MEANINGS: Final[Mapping[str, str]] = {
    NOT_CONNECTED: "Nobody has requested a connection yet. Request a link with POST connect.",
    LINK_SENT: (
        "Nobody has used the link yet. The administrator or the account's owner opens it within 7 days; POST "
        "connect makes a new link and ends this one."
    ),
    LINK_EXPIRED: "The link has expired. Request a new one with POST connect.",
    CONSENT_DECLINED: (
        "The person who opened the link declined. Nothing was changed. Request a new link with POST connect."
    ),
    NEEDS_ADMINISTRATOR: (
        "The person who opened the link may not give this consent: Entra ID requires an administrator of the "
        "tenant. Request a new link with POST connect and have an administrator open it."
    ),
    WRONG_ACCOUNT: (
        "The link was used with an account of another tenant or another person, so nothing was connected. "
        "Request a new link with POST connect, and open it in a private window with the right account."
    ),
    CONSENT_PENDING: (
        "Consent is given, but Microsoft 365 does not let the application in yet. That takes 30 minutes, "
        "sometimes 2 hours. Postledger tries again every half-hour, and at once with POST connect/verify."
    ),
    SCOPE_PENDING: (
        "The tenant knows the application, but Exchange does not let it into the mailbox yet. Run the "
        "commands for RBAC for Applications; Exchange takes 30 minutes to 2 hours to notice. Postledger "
        "tries again every half-hour, and at once with POST connect/verify."
    ),
    NO_ACCESS: (
        "Consent is given, but the mailbox cannot be read; 'detail' gives the reason. Check the mailbox that "
        "is named, the permissions and the scope; then call POST connect/verify, with another mailbox if "
        "necessary."
    ),
    VERIFIED: "Connected: Microsoft 365 lets the application in.",
    LOST: (
        "The application had access and has lost it: consent or sign-in was withdrawn, or the mailbox left "
        "the scope. Give access back and Postledger notices within half an hour, or request a new link with "
        "POST connect."
    ),
    DISCONNECTED: (
        "An admin disconnected the organisation. Timelines are kept and nothing is captured. POST connect or "
        "POST connect/verify continues where capture stopped."
    ),
}
STATES: Final = tuple(MEANINGS)
# What stands for an organisation that has several connections: the first of these that one of them is in.
_RANK: Final = (VERIFIED, LOST, CONSENT_PENDING, SCOPE_PENDING, NO_ACCESS)

LINK_LIFETIME: Final = timedelta(days=7)
# "Changes may take between 30 minutes and 2 hours" (Microsoft, RBAC for Applications).
CACHED: Final = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class MailConnection:
    """One way to an organisation's mail. `mailbox` is the one that access is proved with; an agent's own.

    Of a link only the hash of its state is kept; `flow` is what its sign-in has to be redeemed with, sealed, and
    `token` the sealed refresh token of who signed in, whose object id is `user_id`. Times are UTC.
    """

    tenant_id: str
    connection_id: str
    mode: str
    state: str = NOT_CONNECTED
    mailbox: str = ""
    detail: str = ""
    link_hash: str = ""
    link_expires_at: datetime | None = None
    flow: str = ""
    consented_at: datetime | None = None
    verified_at: datetime | None = None
    checked_at: datetime | None = None
    user_id: str = ""
    account: str = ""
    token: str = ""
    etag: str = ""

    @property
    def connection(self) -> str:
        """The name by which mailboxes choose it."""
        return GRAPH_DELEGATED if self.mode in SIGNED_IN else GRAPH_APP

    @property
    def is_usable(self) -> bool:
        """Whether a mailbox may be reached over it, as far as is known."""
        return bool(self.token) if self.mode in SIGNED_IN else self.state != DISCONNECTED

    def shown_state(self, now: datetime) -> str:
        """The state as an admin sees it: a link runs out, and a consent does not stay new, by themselves."""
        if self.state == LINK_SENT and (self.link_expires_at is None or self.link_expires_at <= now):
            return LINK_EXPIRED
        if self.state == CONSENT_PENDING and not is_fresh(self.consented_at, now):
            return NO_ACCESS
        return self.state

    def asked(self, *, link_hash: str, flow: str, mailbox: str, now: datetime) -> Self:
        """With a new link, which ends the one before. What works goes on working until the link is used."""
        return replace(
            self,
            state=VERIFIED if self.state == VERIFIED else LINK_SENT,
            mailbox=mailbox or self.mailbox,
            link_hash=link_hash,
            link_expires_at=now + LINK_LIFETIME,
            flow=flow,
        )

    def spent(self) -> Self:
        """Without its link: it is good for one use, however that ends."""
        return replace(self, link_hash="", link_expires_at=None, flow="")

    def refused(self, state: str) -> Self:
        """After a link that came to nothing; what was verified before still is."""
        return self if self.state == VERIFIED else replace(self, state=state)

    def ended(self) -> Self:
        """Disconnected: without token and link. How it was connected is kept, so that it can be again."""
        return replace(
            self.spent(), state=DISCONNECTED, token="", user_id="", account="", detail="", consented_at=None
        )

    def misnamed(self, detail: str, now: datetime) -> Self:
        """After a try that said something of the mailbox and nothing of the way to it."""
        state = VERIFIED if self.state == VERIFIED else NO_ACCESS
        return replace(self, checked_at=now, detail=detail, state=state)

    def proved(
        self, *, readable: bool, detail: str, has_token: bool, now: datetime, may_pass: bool = True
    ) -> Self:
        """After a try. `has_token`: Entra ID gave a token; `detail` is what the mailbox's test says.

        `may_pass`: a refusal may pass by itself while the grant is new.
        """
        tried = replace(self, checked_at=now, detail="" if readable else detail)
        if readable:
            return replace(tried, state=VERIFIED, verified_at=now)
        if self.state in (VERIFIED, LOST) and not is_fresh(self.consented_at, now):
            return replace(tried, state=LOST)
        # Entra ID grants no mail here: what is missing are the commands in Exchange, or the time it takes to notice.
        if self.mode == RBAC and has_token:
            return replace(tried, state=SCOPE_PENDING)
        if self.consented_at is not None:
            is_pending = may_pass and is_fresh(self.consented_at, now)
            return replace(tried, state=CONSENT_PENDING if is_pending else NO_ACCESS)
        return tried


def connection_id(mode: str, mailbox: str = "") -> str:
    """Under what a connection is kept: one for the application, one for the service account, one per agent."""
    if mode == AGENT:
        return f"{AGENT}:{mailbox}"
    return GRAPH_DELEGATED if mode == SERVICE_ACCOUNT else GRAPH_APP


def link_state(tenant_id: str, secret: str) -> str:
    """The `state` of a link: names its tenant, so that its row is found, and proves itself by the secret."""
    return f"{tenant_id}.{secret}"


def tenant_of(state: str) -> str:
    """The tenant that a link's state names, or ''. Proves nothing until the whole is compared."""
    named = state.partition(".")[0]
    return named if is_tenant_id(named) else ""


def hash_of(state: str) -> str:
    """What is kept of a link's state. It holds 256 random bits, so a plain hash cannot be guessed."""
    return sha256(state.encode()).hexdigest()


def asked_by(state: str, connections: Iterable[MailConnection]) -> MailConnection | None:
    """The connection whose link this state is of, if it is one."""
    wanted = hash_of(state)
    linked = (connection for connection in connections if connection.link_hash)
    # In constant time: whoever guesses states must not learn from the clock how near a guess was.
    matching = (connection for connection in linked if hmac.compare_digest(connection.link_hash, wanted))
    return next(matching, None)


def is_fresh(consented_at: datetime | None, now: datetime) -> bool:
    """Whether a grant is so new that Microsoft 365 may not know of it everywhere."""
    return consented_at is not None and now - consented_at < CACHED


def serving(mailbox: Mailbox, connections: Iterable[MailConnection]) -> MailConnection | None:
    """The connection over which a mailbox is reached: for delegated ones its own agent's sign-in comes first."""
    chosen = (connection for connection in connections if connection.connection == mailbox.connection)
    usable = [connection for connection in chosen if connection.is_usable]
    own = (connection for connection in usable if _is_own_sign_in(connection, mailbox))
    shared = (connection for connection in usable if connection.mode != AGENT)
    return next(own, None) or next(shared, None)


def _is_own_sign_in(connection: MailConnection, mailbox: Mailbox) -> bool:
    """Whether the mailbox's agent signed in. The object id still says so after the address has changed."""
    if connection.mode != AGENT:
        return False
    has_same_user = bool(connection.user_id) and connection.user_id == mailbox.user_id
    return has_same_user or connection.mailbox == mailbox.address


def overall(connections: Iterable[MailConnection], now: datetime) -> str:
    """The state of the whole organisation."""
    states = [connection.shown_state(now) for connection in connections]
    ranked = [state for state in _RANK if state in states]
    return next(iter([*ranked, *states]), NOT_CONNECTED)
