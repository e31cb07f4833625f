"""A captured mailbox: whose it is, how it is reached, and what its admin wants of it."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Self

from shared.domain.connections.fields import Fields
from shared.domain.connections.handovers import MOST_HANDOVERS, Handover
from shared.domain.connections.locales import language_in, time_zone_in
from shared.domain.connections.mailbox_state import (
    NO_ACCESS,
    PAUSED,
    REMOVING,
    MailboxState,
    Transition,
    follow,
    offered,
)
from shared.domain.connections.providers import poll_minutes
from shared.domain.errors import InvalidInput
from shared.domain.intake.settings import CASE, Intake
from shared.domain.mail.addresses import mailbox_key, mailbox_keys

PERSONAL: Final = "personal"
INTAKE: Final = "intake"
# Ways to a mailbox: with the application's own permissions, with a person's sign-in, or outside Microsoft 365.
GRAPH_APP: Final = "graph-app"
GRAPH_DELEGATED: Final = "graph-delegated"
IMAP: Final = "imap"
CONNECTIONS: Final = (GRAPH_APP, GRAPH_DELEGATED, IMAP)
SETTINGS: Final = (
    "kind",
    "agent",
    "agents",
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
    "senders",
    "language",
    "time_zone",
    "intake",
)
# Whose mail is captured: known people's, or everybody's.
KNOWN: Final = "known"
EVERYTHING: Final = "everything"
# What becomes of incoming mail that reached no record: it waits, or has one opened.
INBOX: Final = "inbox"
NEW: Final = "new"
# The word of a setting that is not there.
NOTHING: Final = "none"
_MATCHED_TO: Final = (NOTHING, "opportunity", "project")
_MATCHING_TYPES: Final = ("address_and_subject", "domain")
# Earlier agents that a mailbox remembers.
MOST_FORMER: Final = 20
# Agents of an intake mailbox.
MOST_AGENTS: Final = 50


@dataclass(frozen=True, slots=True)
class Mailbox:
    """What its admin wants of it, whose it is, and `state`: what is known of its capture, which workers change.

    `mailbox_id` is ours and outlives a changed address; `user_id` is Entra's object id once known. `agent_id` is
    the object id of the agent who owns the mailbox; `former_agents` owned it before, the last one first, and mail
    that waited for them waits under their names. `handovers` tells when and by whom, the last one first. `senders`
    are agents who may send from it besides its own agent; in `language` and `time_zone` its answers quote mail.
    `agents` are all agents of an intake mailbox, `agent` the first of them; empty where that is the only one.
    `agent_ids` are object ids of the others, as `address id`.
    `display_name` is the directory's, under which its mail leaves.
    """

    tenant_id: str
    mailbox_id: str
    address: str
    kind: str = PERSONAL
    agent: str = ""
    connection: str = GRAPH_APP
    enabled: bool = True
    capture: str = KNOWN
    poll_minutes: int = 10
    matching: bool = True
    matched_to: str | None = None
    matching_type: str = "address_and_subject"
    unmatched: str = INBOX
    sent_items: bool = True
    never_log: tuple[str, ...] = ()
    mark_read: bool = False
    backlog: str = NOTHING
    senders: tuple[str, ...] = ()
    language: str = ""
    time_zone: str = ""
    agents: tuple[str, ...] = ()
    intake: Intake = field(default_factory=Intake)
    connected_at: datetime | None = None
    user_id: str = ""
    agent_id: str = ""
    agent_ids: tuple[str, ...] = ()
    former_agents: tuple[str, ...] = ()
    handovers: tuple[Handover, ...] = ()
    aliases: tuple[str, ...] = ()
    display_name: str = ""
    state: MailboxState = field(default_factory=MailboxState)
    etag: str = ""

    @property
    def is_removed(self) -> bool:
        """Whether an admin has deleted it; nobody sees it any more, and a worker clears it away."""
        return self.state.name == REMOVING

    @property
    def has_lost_access(self) -> bool:
        """Whether Graph refuses it, as far as is known."""
        return self.state.name == NO_ACCESS

    @property
    def is_served(self) -> bool:
        """Whether mail is captured: nobody has paused or removed it."""
        return self.enabled and not self.is_removed

    @property
    def is_readable(self) -> bool:
        """Whether mail is captured, and Graph lets it be read as far as is known."""
        return self.is_served and not self.has_lost_access

    @property
    def is_polled_only(self) -> bool:
        """Whether it has no subscription: Graph refuses those on other people's mailboxes to a person's token.

        IMAP tells of new mail only while a connection is open.
        """
        return self.connection in (GRAPH_DELEGATED, IMAP)

    @property
    def is_outside(self) -> bool:
        """Whether it lies on another server than Microsoft's, and is known to no directory."""
        return self.connection == IMAP

    @property
    def shown_state(self) -> str:
        """The state as an admin sees it."""
        return self.state.name if self.enabled or self.is_removed else PAUSED

    @property
    def own_addresses(self) -> frozenset[str]:
        """Every address that means this mailbox or one of its agents."""
        return frozenset((self.address, self.agent, *self.agents, *self.aliases)) - {""}

    @property
    def colleagues(self) -> tuple[str, ...]:
        """The agents of an intake mailbox besides its first one."""
        return tuple(agent for agent in self.agents if agent != self.agent) if self.kind == INTAKE else ()

    @property
    def has_unidentified_agents(self) -> bool:
        """Whether the object id of any of these is to be asked for."""
        known = {pair.partition(" ")[0] for pair in self.agent_ids}
        return not known.issuperset(self.colleagues)

    @property
    def opens(self) -> str:
        """The kind of record that it opens where no route says another: its own, else the one it is matched to."""
        if self.kind != INTAKE:
            return self.matched_to or "opportunity"
        return self.intake.opens or self.matched_to or CASE

    def is_own(self, address: str) -> bool:
        """Whether an address means this mailbox or its agent, in whatever spelling."""
        return mailbox_key(address) in mailbox_keys(self.own_addresses)

    @property
    def desk_addresses(self) -> frozenset[str]:
        """The addresses of an intake mailbox itself, its agent's not among them; none of a personal mailbox."""
        return frozenset((self.address, *self.aliases)) if self.kind == INTAKE else frozenset()

    @property
    def inbox(self) -> str:
        """The name under which its mail waits: its agent's; of an intake mailbox its id, whoever its agents are."""
        return self.mailbox_id if self.kind == INTAKE else self.agent

    @property
    def inboxes(self) -> tuple[str, ...]:
        """The names under which mail of this mailbox may wait, today's first."""
        return tuple(dict.fromkeys((self.inbox, self.agent, *self.former_agents)))

    def after(self, transition: Transition) -> Self:
        """With its state one transition on; while it is being removed, as it is."""
        state = follow(self.state, transition)
        return self if state == self.state else replace(self, state=state)

    def handed_over(self, to: str) -> Self:
        """With another agent. Its object id is unknown, so that the one before loses access at once."""
        former = [agent for agent in (self.agent, *self.former_agents) if agent not in (to, "")]
        others = tuple(agent for agent in self.agents if agent != self.agent)
        agents = self.agents if not self.agents or to in self.agents else (to, *others)
        former_agents = tuple(former[:MOST_FORMER])
        return replace(self, agent=to, agent_id="", agents=agents, former_agents=former_agents)

    def handed_over_by(self, by: str, to: str, at: datetime) -> Self:
        """The same, with a trace for those who had it before."""
        handover = Handover(at, by, self.agent, self.agent_id, to)
        return replace(self.handed_over(to), handovers=(handover, *self.handovers)[:MOST_HANDOVERS])

    def changed(self, fields: Fields) -> Self:
        """This mailbox with the given settings. Raises InvalidInput with a sentence."""
        fields.only(SETTINGS)
        kind = fields.choice("kind", self.kind, (PERSONAL, INTAKE))
        base = self if kind == self.kind else self._of_kind(kind)
        base = base._reached_by(fields.choice("connection", base.connection, CONNECTIONS))
        agents = _agents(fields, base)
        changed = replace(
            base,
            agent=fields.address("agent", agents[0] if agents else self.agent or self.address),
            agents=agents,
            enabled=fields.flag("enabled", base.enabled),
            capture=fields.choice("capture", base.capture, (KNOWN, EVERYTHING)),
            poll_minutes=fields.number("poll_minutes", base.poll_minutes, 1, 24 * 60),
            matching=fields.flag("matching", base.matching),
            matched_to=_matched_to(fields, base.matched_to),
            matching_type=fields.choice("matching_type", base.matching_type, _MATCHING_TYPES),
            unmatched=fields.choice("unmatched", base.unmatched, (INBOX, NEW)),
            sent_items=fields.flag("sent_items", base.sent_items),
            never_log=fields.addresses_or_domains("never_log", base.never_log),
            mark_read=fields.flag("mark_read", base.mark_read),
            backlog=fields.choice("backlog", base.backlog, ("unread", NOTHING)),
            senders=fields.addresses("senders", base.senders),
            language=language_in(fields, base.language),
            time_zone=time_zone_in(fields, base.time_zone),
            intake=base.intake.changed(Fields(fields.mapping("intake", {}))),
        )
        changed.check()
        return changed

    def check(self) -> None:
        """Raises InvalidInput for settings that contradict each other."""
        if self.mark_read and self.kind != INTAKE:
            raise InvalidInput("'mark_read' is for intake mailboxes; mail in personal ones is never touched.")
        if self.kind != INTAKE and (self.agents or self.intake != Intake()):
            raise InvalidInput("'agents' and 'intake' are for intake mailboxes: set 'kind' to intake.")
        if self.agents and self.agent not in self.agents:
            raise InvalidInput("'agent' is the first of 'agents': name it there, or leave it out.")

    def _of_kind(self, kind: str) -> Self:
        """With the defaults of another kind: intake mail is read by the minute, marked as read, and opens cases."""
        if kind != INTAKE:
            return replace(
                self, kind=kind, mark_read=False, backlog=NOTHING, unmatched=INBOX, agents=(), intake=Intake()
            )
        return replace(self, kind=kind, mark_read=True, poll_minutes=1, backlog="unread", unmatched=NEW)

    def _reached_by(self, connection: str) -> Self:
        """Over another connection: over IMAP with the interval of its provider."""
        if connection == self.connection:
            return self
        if connection != IMAP:
            return replace(self, connection=connection)
        minutes = poll_minutes(self.address, is_intake=self.kind == INTAKE)
        return replace(self, connection=connection, poll_minutes=minutes)

    def readdressed(self, address: str, aliases: tuple[str, ...]) -> Self:
        """Under its new main address; the old one stays an alias. `aliases` are those the directory knows.

        The agent keeps the name under which history, inbox and notices are filed.
        """
        own = {*self.aliases, *aliases, self.address} - {address}
        return replace(self.after(offered("")), address=address, aliases=tuple(sorted(own)))

    def captures_from(self, capture_hours: int) -> datetime | None:
        """The oldest receipt time that is captured without a backfill; none before it is connected.

        An intake mailbox without a backlog is read from its connection on.
        """
        if self.kind == INTAKE and self.backlog == NOTHING:
            return self.connected_at
        return self.connected_at - timedelta(hours=capture_hours) if self.connected_at else None

    def is_due(self, now: datetime) -> bool:
        """Whether the poll timer should have this mailbox walked now."""
        planned = self.state.next_poll_at
        return self.is_served and (planned is None or planned <= now)

    def lag(self, now: datetime) -> timedelta:
        """How long ago its last complete walk began; before the first, how long it has been connected."""
        return now - (self.state.last_sync_at or self.connected_at or now)

    def next_poll(self, now: datetime) -> datetime:
        """The next moment to poll: one interval on, on this mailbox's own second of the interval.

        The offset comes from the mailbox's id, so that many mailboxes spread over the interval.
        """
        interval = self.poll_minutes * 60
        offset = int(self.mailbox_id[:8], 16) % interval
        start = int(now.timestamp()) - offset
        return datetime.fromtimestamp((start // interval + 1) * interval + offset, tz=now.tzinfo)


def _matched_to(fields: Fields, stored: str | None) -> str | None:
    chosen = fields.choice("matched_to", stored or NOTHING, _MATCHED_TO)
    return None if chosen == NOTHING else chosen


def _agents(fields: Fields, mailbox: Mailbox) -> tuple[str, ...]:
    """All agents, the first one first. A change of the agent alone leaves the others."""
    agents = fields.addresses("agents", mailbox.agents)
    if len(agents) > MOST_AGENTS:
        raise InvalidInput(f"'agents' may name at most {MOST_AGENTS} agents.")
    first = fields.address("agent")
    if not agents or not first or fields.given.get("agents") is not None:
        return agents
    return tuple(dict.fromkeys((first, *(agent for agent in agents if agent != mailbox.agent))))
