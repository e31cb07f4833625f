"""Brings a mailbox's Graph subscription in order: created, renewed, or ended with the mailbox."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime

from shared import telemetry
from shared.domain.commands import MaintainSubscription
from shared.domain.errors import AccessDenied, NotFound, PermanentError
from shared.domain.mailboxes import OK, POLLING, REMOVING, Mailbox
from shared.domain.subscriptions import LIFETIME, Action, Subscription, client_state, next_action
from shared.ports import (
    Clock,
    CommandQueue,
    FolderStates,
    Mailboxes,
    MailSource,
    RecordIndex,
    Subscriptions,
    SubscriptionSource,
)
from shared.services.ingest import walk_of
from shared.services.scopes import Scope
from shared.services.turns import Turns


@dataclass(frozen=True, slots=True)
class MaintainSubscriptions:
    """Run only from the queue: Graph's handshake calls back while the request that asks for it is open."""

    turns: Turns
    mailboxes: Mailboxes
    subscriptions: Subscriptions
    source: SubscriptionSource
    mail: MailSource
    index: RecordIndex
    folders: FolderStates
    queue: CommandQueue
    clock: Clock

    def __call__(self, command: MaintainSubscription) -> None:
        with self.turns.walk(command) as scope:
            if scope is not None:
                self._maintain(scope, command)

    def _maintain(self, scope: Scope, command: MaintainSubscription) -> None:
        held = self.subscriptions.get(command.tenant_id, command.mailbox_id)
        action = next_action(held, wanted=scope.is_active, event=command.event, now=self.clock())
        mailbox = scope.mailbox
        if scope.is_active:
            mailbox = self._identified(mailbox)
        telemetry.event("subscription", mailbox=mailbox.mailbox_id, action=action.value)
        self._carry_out(action, mailbox, held)
        if scope.is_active and (action is Action.CREATE or command.event):
            # Subscribe first, then the first delta: what arrives in between is seen by both.
            self.queue.put(walk_of(mailbox, self.clock()))
        if mailbox.state == REMOVING:
            self._forget(mailbox)

    def _carry_out(self, action: Action, mailbox: Mailbox, held: Subscription | None) -> None:
        if action is Action.CREATE:
            self._create(mailbox, held)
        elif action is Action.RENEW and held is not None:
            self._renew(mailbox, held)
        elif action is Action.END and held is not None:
            self.source.end(mailbox, held.subscription_id)
            self.subscriptions.delete(mailbox.tenant_id, mailbox.mailbox_id)

    def _create(self, mailbox: Mailbox, held: Subscription | None) -> None:
        """The clientState is stored before the request, since notifications may come before its answer."""
        state = client_state(mailbox.mailbox_id, secrets.token_urlsafe(32))
        planned = Subscription(mailbox.mailbox_id, state, etag=held.etag if held else "")
        planned = self.subscriptions.put(mailbox.tenant_id, planned)
        try:
            made = self.source.create(mailbox, state, self._expiry())
        except PermanentError as error:
            # Polling still brings the mail, if it may be read at all; the admin sees why it comes late.
            telemetry.alert("subscription_refused", mailbox=mailbox.mailbox_id, code=error.code)
            self.mailboxes.note(mailbox, state=POLLING, last_error=str(error))
            return
        self._keep(mailbox, planned, made.subscription_id, made.expires_at)
        if mailbox.state == POLLING:
            self.mailboxes.note(mailbox, state=OK, last_error="")

    def _renew(self, mailbox: Mailbox, held: Subscription) -> None:
        try:
            made = self.source.renew(mailbox, held.subscription_id, self._expiry())
        except NotFound:
            self._create(mailbox, held)
            return
        self._keep(mailbox, held, made.subscription_id, made.expires_at)

    def _keep(self, mailbox: Mailbox, row: Subscription, subscription_id: str, expires_at: datetime) -> None:
        kept = replace(row, subscription_id=subscription_id, expires_at=expires_at)
        self.subscriptions.put(mailbox.tenant_id, kept)

    def _expiry(self) -> datetime:
        return self.clock() + LIFETIME

    def _identified(self, mailbox: Mailbox) -> Mailbox:
        """Learn the object ids behind the addresses, and the aliases, where the directory may be read."""
        if mailbox.user_id and mailbox.agent_id:
            return mailbox
        try:
            user = self.mail.user(mailbox)
            agent = user
            if mailbox.agent not in (mailbox.address, user.address, *user.aliases):
                agent = self.mail.user(replace(mailbox, address=mailbox.agent, user_id=""))
        except (AccessDenied, NotFound) as error:
            telemetry.event("directory_closed", mailbox=mailbox.mailbox_id, code=error.code)
            return mailbox
        everyone = {user.address, *user.aliases, agent.address, *agent.aliases}
        aliases = tuple(sorted(everyone - {mailbox.address}))
        known = replace(mailbox, user_id=user.user_id, agent_id=agent.user_id, aliases=aliases)
        self.mailboxes.note(mailbox, user_id=known.user_id, agent_id=known.agent_id, aliases=aliases)
        former = mailbox.own_addresses - known.own_addresses
        if former:
            self.index.drop_staff(mailbox.tenant_id, mailbox.mailbox_id, former)
        self.index.put_staff(mailbox.tenant_id, mailbox.mailbox_id, known.own_addresses)
        return known

    def _forget(self, mailbox: Mailbox) -> None:
        """A removed mailbox keeps its timelines; its cursors and its place among the staff go."""
        current = self.mailboxes.by_id(mailbox.tenant_id, mailbox.mailbox_id)
        if current is None or current.state != REMOVING:
            return
        self.folders.forget(mailbox)
        self.index.drop_staff(mailbox.tenant_id, mailbox.mailbox_id, mailbox.own_addresses)
        self.mailboxes.delete(mailbox.tenant_id, mailbox.address)
