"""The feed of changes as a caller may see it: a page, and the cursor with which the caller goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.domain.errors import NotKept
from shared.domain.events.events import Event, place_of, time_of
from shared.domain.events.feed import LAG, Sweep, kept_from
from shared.domain.privacy.callers import ADMIN, AGENT, SERVICE, Caller
from shared.ports.stores.connections import Mailboxes, Organisations
from shared.ports.stores.events import Events
from shared.ports.work import Clock
from shared.services.filing.visible_pages import VisiblePages

_TOO_OLD: Final = (
    "Events are not kept that long: some since then are gone. Read the feed without 'after' and keep its cursor, then "
    "read the timelines and My Inbox anew, and go on from that cursor."
)


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events oldest first. `cursor` goes on behind them; `has_more`: at once, else when the caller polls next."""

    events: tuple[Event, ...]
    cursor: str
    has_more: bool


@dataclass(frozen=True, slots=True)
class ReadEvents:
    """A page of what has changed in the caller's organisation.

    Agents hear what is in their own mailboxes alone of what others may not see: a mail in My Inbox, and an entry that
    rests on a Bcc; of notices, each hears the own; of mail on its way out, who sees it in the outbox. Neither a page's
    length nor its cursor tells of such an event to anybody else. Costs a query for each day since the cursor, and one
    for the organisation's mailboxes where a page has such events.
    """

    events: Events
    organisations: Organisations
    mailboxes: Mailboxes
    pages: VisiblePages
    clock: Clock

    def __call__(self, caller: Caller, *, limit: int, after: str) -> EventPage:
        """Raises NotKept for a cursor that is too old, and InvalidInput for a foreign one."""
        caller.needs(AGENT, ADMIN, SERVICE)
        now = self.clock()
        sweep = Sweep.of(after, now)
        oldest = self._oldest(caller.tenant_id, now)

        def read(count: int, place: str) -> tuple[list[Event], str]:
            begin = place or place_of(sweep.start)
            if time_of(begin) < oldest:
                raise NotKept(_TOO_OLD)
            # A writer's clock may be ahead of this one.
            return self.events.page(caller.tenant_id, after=begin, until=now + LAG, limit=count)

        found, following = self.pages(
            read,
            lambda events: self._visible(caller, events),
            about=f"{caller.tenant_id}/events/{caller.oid}",
            limit=limit,
            cursor=sweep.page,
        )
        return EventPage(tuple(found), sweep.cursor(following), following is not None)

    def _oldest(self, tenant_id: str, now: datetime) -> datetime:
        organisation = self.organisations.get(tenant_id)
        return kept_from(now, organisation.retention_days if organisation else 0)

    def _visible(self, caller: Caller, events: Sequence[Event]) -> list[Event]:
        own = self._own(caller) if any(event.change.only_for for event in events) else frozenset()
        return [event for event in events if _is_for(event, own, caller)]

    def _own(self, caller: Caller) -> frozenset[str]:
        # Nobody but persons has mailboxes: an application's page costs nothing for them.
        mailboxes = () if caller.app_only else self.mailboxes.of(caller.tenant_id)
        return frozenset(mailbox.mailbox_id for mailbox in mailboxes if caller.owns(mailbox))


def _is_for(event: Event, own: frozenset[str], caller: Caller) -> bool:
    change = event.change
    person = caller.oid if caller.is_person else ""
    if change.outbox_id:
        is_agent = bool(person) and change.agent == person
        is_theirs = is_agent or change.by == caller.audit_name
        return ADMIN in caller.roles or is_theirs or not own.isdisjoint(change.only_for or ())
    if change.agent:
        return change.agent == person
    return change.only_for is None or not own.isdisjoint(change.only_for)
