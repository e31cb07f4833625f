"""Brings a mailbox's Graph subscription in order: created, renewed, or ended with the mailbox."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime

from shared import telemetry
from shared.domain.commands.commands import MaintainSubscription, ReconcileMailbox, SyncMailbox
from shared.domain.connections.mailbox_state import paused, polled, resumed, subscribed
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.subscriptions import (
    LIFETIME,
    STRAY,
    Action,
    Subscription,
    client_state,
    next_action,
)
from shared.domain.errors import AccessDenied, NotFound, PermanentError
from shared.ports.directory import Directory, DirectoryUser
from shared.ports.notifications import SubscriptionSource
from shared.ports.stores.capture import FolderStates
from shared.ports.stores.connections import Credentials, Mailboxes, Subscriptions
from shared.ports.stores.records import RecordIndex
from shared.ports.work import Clock, CommandQueue
from shared.services.capture.scopes import Scope
from shared.services.connections.mailboxes import Register


@dataclass(frozen=True, slots=True)
class MaintainSubscriptions:
    """Run only from the queue: Graph's handshake calls back while the request that asks for it is open."""

    mailboxes: Mailboxes
    subscriptions: Subscriptions
    credentials: Credentials
    source: SubscriptionSource
    directory: Directory
    index: RecordIndex
    register: Register
    folders: FolderStates
    queue: CommandQueue
    clock: Clock

    def __call__(self, scope: Scope, command: MaintainSubscription) -> None:
        if not scope.mailbox.is_removed:
            # Before Graph is asked. The request that saved the mailbox may have ended before it did so.
            self.register(scope.mailbox)
        mailbox = self._identified(scope.mailbox) if scope.is_readable else scope.mailbox
        held = self.subscriptions.get(command.tenant_id, command.mailbox_id)
        if command.event == STRAY:
            held = self._without_strays(mailbox, held)
        wanted = scope.is_readable and not mailbox.is_polled_only
        action = next_action(held, wanted=wanted, event=command.event, now=self.clock())
        telemetry.event("subscription", mailbox=mailbox.mailbox_id, action=action.value)
        self._carry_out(action, mailbox, held)
        if scope.is_readable:
            self._walk(mailbox, action, command.event)
        self._date_pause(scope, mailbox)
        if mailbox.is_removed:
            self._forget(mailbox)

    def _walk(self, mailbox: Mailbox, action: Action, event: str) -> None:
        if mailbox.is_polled_only:
            self._note_polled(mailbox)
        if action is Action.CREATE or event or mailbox.state.paused_at:
            # Subscribe first, then the first delta: what arrives in between is seen by both.
            self.queue.send(SyncMailbox.of(mailbox, self.clock()))

    def _note_polled(self, mailbox: Mailbox) -> None:
        """Over a person's sign-in there are no notifications of others' mail: the first walk begins it."""
        change = self.mailboxes.change(mailbox, polled())
        if change is not None and change.after != change.before:
            self.queue.send(SyncMailbox.of(mailbox, self.clock()))

    def _carry_out(self, action: Action, mailbox: Mailbox, held: Subscription | None) -> None:
        if action is Action.CREATE:
            self._create(mailbox, held)
        elif action is Action.RENEW and held is not None:
            self._renew(mailbox, held)
        elif action is Action.END and held is not None:
            self._end(mailbox, held)

    def _without_strays(self, mailbox: Mailbox, held: Subscription | None) -> Subscription | None:
        """End what Graph has for this mailbox beside the stored one. Under the lease: nobody is making one."""
        names = (mailbox.user_id, mailbox.address)
        named = (entry for entry in self.source.living(mailbox.tenant_id) if entry.user)
        living = {entry.subscription_id for entry in named if entry.user in names}
        own = held.subscription_id if held else ""
        for stray in sorted(living - {own}):
            telemetry.event("subscription_stray", mailbox=mailbox.mailbox_id)
            self.source.end(mailbox.tenant_id, stray)
        return replace(held, subscription_id="") if held and own not in living else held

    def _date_pause(self, scope: Scope, mailbox: Mailbox) -> None:
        """Remember when capture was paused; resumed, ask for what was missed, and only then forget it."""
        now = self.clock()
        if not scope.is_enabled:
            self.mailboxes.change(mailbox, paused(now))
        elif scope.is_readable and mailbox.state.paused_at is not None:
            since = scope.missed_since(mailbox.state.paused_at)
            self.queue.send(ReconcileMailbox.of(mailbox, now, since=since))
            self.mailboxes.change(mailbox, resumed)

    def _create(self, mailbox: Mailbox, held: Subscription | None) -> None:
        """The clientState is stored before the request, since notifications may come before its answer."""
        state = client_state(mailbox.mailbox_id, secrets.token_urlsafe(32))
        etag = held.etag if held else ""
        planned = Subscription(mailbox.mailbox_id, state, asked_at=self.clock(), etag=etag)
        planned = self.subscriptions.put(mailbox.tenant_id, planned)
        try:
            made = self.source.create(mailbox, state, self._expiry())
        except PermanentError as error:
            self._refused(mailbox, error)
            return
        self._keep(mailbox, planned, made.subscription_id, made.expires_at)

    def _renew(self, mailbox: Mailbox, held: Subscription) -> None:
        try:
            made = self.source.renew(mailbox, held.subscription_id, self._expiry())
        # Graph has dropped it, and a PATCH cannot bring it back.
        except NotFound:
            self._create(mailbox, held)
            return
        except PermanentError as error:
            self._refused(mailbox, error)
            return
        self._keep(mailbox, held, made.subscription_id, made.expires_at)

    def _refused(self, mailbox: Mailbox, error: PermanentError) -> None:
        """Polling still brings the mail, if it may be read at all; the admin is told once why it comes late."""
        change = self.mailboxes.change(mailbox, polled(str(error)))
        if change is not None and change.after != change.before:
            telemetry.alert("subscription_refused", mailbox=mailbox.mailbox_id, code=error.code)

    def _end(self, mailbox: Mailbox, held: Subscription) -> None:
        """Without access Graph may refuse even this: then it runs out by itself within a week."""
        try:
            if held.subscription_id:
                self.source.end(mailbox.tenant_id, held.subscription_id)
        except PermanentError as error:
            if not mailbox.has_lost_access:
                raise
            telemetry.event("subscription_left", mailbox=mailbox.mailbox_id, code=error.code)
        self.subscriptions.delete(mailbox.tenant_id, mailbox.mailbox_id)

    def _keep(self, mailbox: Mailbox, row: Subscription, subscription_id: str, expires_at: datetime) -> None:
        kept = replace(row, subscription_id=subscription_id, expires_at=expires_at)
        self.subscriptions.put(mailbox.tenant_id, kept)
        self.mailboxes.change(mailbox, subscribed)

    def _expiry(self) -> datetime:
        return self.clock() + LIFETIME

    def _identified(self, mailbox: Mailbox) -> Mailbox:
        """Learn the object ids behind the addresses, and the aliases, where the directory may be read."""
        is_known = bool(mailbox.user_id) or mailbox.is_outside
        if is_known and mailbox.agent_id and not mailbox.has_unidentified_agents:
            return mailbox
        try:
            # A mailbox outside is nobody's in the directory; its agents are users of the tenant.
            user = DirectoryUser("", mailbox.address) if mailbox.is_outside else self.directory.user(mailbox)
            agent = user
            if mailbox.is_outside or mailbox.agent not in (mailbox.address, user.address, *user.aliases):
                agent = self.directory.user(replace(mailbox, address=mailbox.agent, user_id=""))
            colleagues = self._colleagues(mailbox)
        # RBAC for Applications opens mailboxes and never the directory (docs/permissions.md): capture works without.
        except (AccessDenied, NotFound) as error:
            telemetry.event("directory_closed", mailbox=mailbox.mailbox_id, code=error.code)
            return mailbox
        everyone = {user.address, *user.aliases, agent.address, *agent.aliases}
        aliases = tuple(sorted(everyone - {mailbox.address}))
        # Under its ETag: a mailbox that has got another agent meanwhile must not be given the id of this one.
        known = self.mailboxes.save(
            replace(
                mailbox,
                user_id=user.user_id,
                agent_id=agent.user_id,
                aliases=aliases,
                display_name=user.name or mailbox.display_name,
                agent_ids=colleagues,
            )
        )
        former = mailbox.own_addresses - known.own_addresses
        if former:
            self.index.drop_staff(mailbox.tenant_id, mailbox.mailbox_id, former)
        self.index.put_staff(mailbox.tenant_id, mailbox.mailbox_id, known.own_addresses)
        return known

    def _colleagues(self, mailbox: Mailbox) -> tuple[str, ...]:
        """The further agents of an intake mailbox with their object ids; who has left the directory has none."""
        found = {}
        for address in mailbox.colleagues:
            try:
                found[address] = self.directory.user(replace(mailbox, address=address, user_id="")).user_id
            except NotFound:
                telemetry.event("agent_unknown", mailbox=mailbox.mailbox_id)
        return tuple(f"{address} {user_id}" for address, user_id in found.items())

    def _forget(self, mailbox: Mailbox) -> None:
        """A removed mailbox keeps its timelines; its cursors and its place among the staff go."""
        current = self.mailboxes.by_id(mailbox.tenant_id, mailbox.mailbox_id)
        # Read again: an admin may have connected it anew meanwhile, under the same id.
        if current is None or not current.is_removed:
            return
        self.folders.forget(mailbox)
        self.credentials.delete(mailbox.tenant_id, mailbox.mailbox_id)
        self.index.drop_staff(mailbox.tenant_id, mailbox.mailbox_id, mailbox.own_addresses)
        self.mailboxes.delete(mailbox.tenant_id, mailbox.address)
