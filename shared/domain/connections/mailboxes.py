"""A captured mailbox: whose it is, how it is reached, and what its admin wants of it."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Self

from shared.domain.connections.fields import Fields
from shared.domain.errors import InvalidInput

# What each means is on the page for those who operate this; a test compares the two.
NEW: Final = "new"
OK: Final = "ok"
POLLING: Final = "polling"
FAILING: Final = "failing"
NO_ACCESS: Final = "no_access"
REMOVING: Final = "removing"
STATES: Final = (NEW, OK, POLLING, FAILING, NO_ACCESS, REMOVING)
# Shown instead of the state while capture is switched off.
PAUSED: Final = "paused"
PERSONAL = "personal"
INTAKE = "intake"
# Ways to a mailbox: with the application's own permissions, or over somebody's sign-in.
GRAPH_APP: Final = "graph-app"
GRAPH_DELEGATED: Final = "graph-delegated"
CONNECTIONS: Final = (GRAPH_APP, GRAPH_DELEGATED)
SETTINGS = (
    "kind",
    "agent",
    "connection",
    "enabled",
    "capture",
    "poll_minutes",
    "matching",
    "matched_to",
    "matching_type",
    "unmatched",
    "sent_items",
    "never_log",
    "mark_read",
    "backlog",
)


# So many earlier agents of a mailbox are remembered.
MOST_FORMER = 20


@dataclass(frozen=True, slots=True)
class Mailbox:
    """`mailbox_id` is ours and outlives a changed address; `user_id` is Entra's object id once known.

    `agent_id` is the object id of the agent who owns it; `former_agents` had it before, the last one first, and
    mail that waited for them waits under their names. `lost_at` is when access was lost, until it returns;
    `paused_at` when capture was paused, until it is resumed and what was missed has been asked for.
    `reconciled` is what the last reconciliation counted, as JSON. `untested`: it was saved while Microsoft 365
    did not answer. `address_offered` is the main address that the directory has for it now. Times are UTC.
    """

    tenant_id: str
    mailbox_id: str
    address: str
    kind: str = PERSONAL
    agent: str = ""
    connection: str = GRAPH_APP
    enabled: bool = True
    capture: str = "known"
    poll_minutes: int = 10
    matching: bool = True
    matched_to: str | None = None
    matching_type: str = "address_and_subject"
    unmatched: str = "inbox"
    sent_items: bool = True
    never_log: tuple[str, ...] = ()
    mark_read: bool = False
    backlog: str = ""
    connected_at: datetime | None = None
    user_id: str = ""
    agent_id: str = ""
    former_agents: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    state: str = NEW
    last_error: str = ""
    last_sync_at: datetime | None = None
    next_poll_at: datetime | None = None
    blocked_until: datetime | None = None
    lost_at: datetime | None = None
    paused_at: datetime | None = None
    reconciled: str = ""
    untested: bool = False
    address_offered: str = ""
    etag: str = ""

    @property
    def is_readable(self) -> bool:
        """Whether mail is captured, and Graph lets it be read as far as is known."""
        return self.enabled and self.state not in (NO_ACCESS, REMOVING)

    @property
    def is_polled_only(self) -> bool:
        """Whether it has no subscription: Graph refuses those on other people's mailboxes to a person's token."""
        return self.connection == GRAPH_DELEGATED

    @property
    def shown_state(self) -> str:
        """The state as an admin sees it."""
        return self.state if self.enabled or self.state == REMOVING else PAUSED

    @property
    def own_addresses(self) -> frozenset[str]:
        """Every address that means this mailbox or its agent."""
        return frozenset((self.address, self.agent, *self.aliases)) - {""}

    @property
    def inboxes(self) -> tuple[str, ...]:
        """The agents with whom mail of this mailbox may wait, today's first."""
        return (self.agent, *self.former_agents)

    def handed_over(self, to: str) -> Self:
        """With another agent. The one before must lose access, so the object id is to be learnt anew."""
        former = [one for one in self.inboxes if one not in (to, "")]
        return replace(self, agent=to, agent_id="", former_agents=tuple(former[:MOST_FORMER]))

    def changed(self, fields: Fields) -> Self:
        """This mailbox with the given settings. Raises InvalidInput with a sentence."""
        fields.only(SETTINGS)
        kind = fields.choice("kind", self.kind, (PERSONAL, INTAKE)) or PERSONAL
        intake = kind == INTAKE
        mark_read = fields.flag("mark_read", intake if kind != self.kind else self.mark_read)
        if mark_read and not intake:
            raise InvalidInput("'mark_read' is for intake mailboxes; mail in personal ones is never touched.")
        connection = fields.choice("connection", self.connection, CONNECTIONS)
        default_poll = 1 if intake and kind != self.kind else self.poll_minutes
        return replace(
            self,
            kind=kind,
            agent=fields.address("agent", self.agent or self.address),
            connection=connection or GRAPH_APP,
            enabled=fields.flag("enabled", self.enabled),
            capture=fields.choice("capture", self.capture, ("known", "everything")) or "known",
            poll_minutes=fields.number("poll_minutes", default_poll, 1, 24 * 60),
            matching=fields.flag("matching", self.matching),
            matched_to=fields.choice("matched_to", self.matched_to, (None, "opportunity", "project")),
            matching_type=fields.choice(
                "matching_type", self.matching_type, ("address_and_subject", "domain")
            )
            or "address_and_subject",
            unmatched=fields.choice("unmatched", self.unmatched, ("inbox", "new")) or "inbox",
            sent_items=fields.flag("sent_items", self.sent_items),
            never_log=fields.addresses_or_domains("never_log", self.never_log),
            mark_read=mark_read,
            backlog=fields.choice(
                "backlog", self.backlog or ("unread" if intake else ""), ("", "unread", "none")
            )
            or "",
        )

    def readdressed(self, address: str, aliases: tuple[str, ...]) -> Self:
        """Under its new main address; the old one stays an alias. `aliases` are those the directory knows.

        The agent keeps the name under which history, inbox and notices are filed.
        """
        own = {*self.aliases, *aliases, self.address} - {address}
        return replace(self, address=address, aliases=tuple(sorted(own)), address_offered="")

    def captures_from(self, capture_hours: int) -> datetime | None:
        """The oldest receipt time that is captured without a backfill; none before it is connected."""
        return self.connected_at - timedelta(hours=capture_hours) if self.connected_at else None

    def is_due(self, now: datetime) -> bool:
        """Whether the poll timer should have this mailbox walked now."""
        return self.enabled and (self.next_poll_at is None or self.next_poll_at <= now)

    def lag(self, now: datetime) -> timedelta:
        """How long ago its last complete walk began; before the first, how long it has been connected."""
        return now - (self.last_sync_at or self.connected_at or now)

    def next_poll(self, now: datetime) -> datetime:
        """The next moment to poll: one interval on, on this mailbox's own second of the interval.

        The offset comes from the mailbox's id, so that many mailboxes spread over the interval.
        """
        interval = self.poll_minutes * 60
        offset = int(self.mailbox_id[:8], 16) % interval
        start = int(now.timestamp()) - offset
        return datetime.fromtimestamp((start // interval + 1) * interval + offset, tz=now.tzinfo)


def is_tenant_id(text: str) -> bool:
    """Whether a text is an Entra tenant id: a lower-case GUID."""
    return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) is not None
