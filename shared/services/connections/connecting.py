"""Connecting an organisation: links are asked for, and opened by people who need no account here.

Nothing that comes back in a link's answer is believed: access is proved by a token of our own and a mailbox.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from shared import telemetry
from shared.domain.connections import connections
from shared.domain.connections.connections import MailConnection
from shared.domain.connections.consent import FAILED, GRANTED, NOTICES, UNKNOWN_LINK, Notice, outcome_of
from shared.domain.errors import Conflict, Forbidden, InvalidInput, PermanentError, TransientError, WrongState
from shared.domain.mail.addresses import normalise
from shared.domain.privacy.callers import ADMIN, AGENT, OPERATOR, Caller
from shared.ports.credentials import SignedIn, SignIns
from shared.ports.stores.connections import Connections, Mailboxes, Organisations
from shared.ports.work import Clock
from shared.services.conflicts import persistently
from shared.services.connections.connection_care import ProveAccess
from shared.services.connections.self_service import CaptureOwn

Change = Callable[[MailConnection], MailConnection]

SECRET_BYTES: Final = 32
# The token of an application shows nothing of RBAC, and an agent's sign-in opens one mailbox alone.
_NEED_MAILBOX: Final = (connections.RBAC, connections.AGENT)


@dataclass(frozen=True, slots=True)
class Asked:
    """A connection with its new link. Nobody is told the link again: only a hash of it is kept."""

    connection: MailConnection
    link: str
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class AskToConnect:
    """Make a link with which whoever has to can let the application in. Asking again ends the one before."""

    organisations: Organisations
    connections: Connections
    mailboxes: Mailboxes
    sign_ins: SignIns
    clock: Clock

    def __call__(self, caller: Caller, mode: str, mailbox: str) -> Asked:
        """Raises InvalidInput, Forbidden, WrongState while the operator has not let the organisation in."""
        address = self._address(caller, mode, mailbox)
        organisation = self.organisations.get(caller.tenant_id)
        if organisation is None or not organisation.enabled:
            raise WrongState(
                'Enable the organisation first: the operator\'s PUT organisation with {"enabled": true}.'
            )
        state = connections.link_state(caller.tenant_id, secrets.token_urlsafe(SECRET_BYTES))
        return persistently(lambda: self._asked(caller.tenant_id, mode, address, state))

    def _asked(self, tenant_id: str, mode: str, address: str, state: str) -> Asked:
        key = connections.connection_id(mode, address)
        stored = self.connections.get(tenant_id, key) or MailConnection(tenant_id, key, mode)
        wanted = replace(stored, mode=mode)
        link = self.sign_ins.link(wanted, state)
        wanted = wanted.asked(
            link_hash=connections.hash_of(state), flow=link.flow, mailbox=address, now=self.clock()
        )
        return Asked(self.connections.put(wanted), link.url, self.sign_ins.redirect_uri)

    def _address(self, caller: Caller, mode: str, mailbox: str) -> str:
        """The mailbox to prove access with; an agent's own. Raises InvalidInput, Forbidden."""
        address = _wanted(mode, mailbox)
        if caller.roles.isdisjoint((ADMIN, OPERATOR)):
            self._check_agent(caller, mode, address)
        if mode == connections.AGENT:
            address = address or caller.address
        if mode in connections.SIGNED_IN and not self.sign_ins.can_keep_tokens:
            raise WrongState(
                "This deployment keeps no sign-ins: its operator must set POSTLEDGER_TOKEN_KEYS."
            )
        if not address and mode in _NEED_MAILBOX:
            raise InvalidInput("Name a 'mailbox': access is proved by opening it.")
        return address

    def _check_agent(self, caller: Caller, mode: str, address: str) -> None:
        caller.needs(AGENT)
        own = self.mailboxes.get(caller.tenant_id, address) if address else None
        is_own = address in ("", caller.address) or (own is not None and caller.owns(own))
        if mode != connections.AGENT or not is_own:
            raise Forbidden(
                "An agent may ask for a link to sign in for the own mailbox, and for nothing else."
            )


def _wanted(mode: str, mailbox: str) -> str:
    if mode not in connections.MODES:
        raise InvalidInput(f"'mode' must be one of {', '.join(connections.MODES)}.")
    address = normalise(mailbox) if mailbox else ""
    if address is None:
        raise InvalidInput(f"'mailbox' holds {mailbox[:320]!r}, which is no e-mail address.")
    return address


@dataclass(frozen=True, slots=True)
class TakeAnswer:
    """A link was opened, and this is what came back. Anybody may say this, so nothing of it is believed."""

    organisations: Organisations
    connections: Connections
    mailboxes: Mailboxes
    sign_ins: SignIns
    prove: ProveAccess
    capture_own: CaptureOwn
    clock: Clock

    def __call__(self, answer: Mapping[str, str]) -> Notice:
        """What the person is told. Raises TransientError only before the link is spent."""
        state = answer.get("state", "")
        tenant_id = connections.tenant_of(state)
        link = self._spend(state, tenant_id) if tenant_id else None
        if link is None:
            return NOTICES[UNKNOWN_LINK]
        outcome = outcome_of(answer, tenant_id)
        if outcome == GRANTED:
            outcome = self._granted(link, answer)
        elif outcome != FAILED:
            self._change(link, lambda row: row.refused(outcome))
        telemetry.event("link_opened", tenant=tenant_id, mode=link.mode, outcome=outcome)
        return NOTICES[outcome]

    def _spend(self, state: str, tenant_id: str) -> MailConnection | None:
        """The connection as its link was made, if the link is good; of several that come at once, for one."""
        organisation = self.organisations.get(tenant_id)
        if organisation is None or not organisation.enabled:
            return None
        found = connections.asked_by(state, self.connections.of(tenant_id))
        if found is None or found.link_expires_at is None or found.link_expires_at <= self.clock():
            return None
        try:
            self.connections.put(found.spent())
        except Conflict:
            return None
        return found

    def _granted(self, link: MailConnection, answer: Mapping[str, str]) -> str:
        now = self.clock()
        if link.mode not in connections.SIGNED_IN:
            return self._proved(self._change(link, lambda row: replace(row, consented_at=now)))
        if "code" not in answer:
            return FAILED
        try:
            signed_in = self.sign_ins.redeem(link, answer)
        except (PermanentError, TransientError) as error:
            telemetry.event("sign_in_failed", tenant=link.tenant_id, code=getattr(error, "code", ""))
            return FAILED
        if not self._is_wanted(link, signed_in):
            self._change(link, lambda row: row.refused(connections.WRONG_ACCOUNT))
            return connections.WRONG_ACCOUNT
        connection = self._change(link, lambda row: _signed_in(row, signed_in, now))
        outcome = self._proved(connection)
        if link.mode != connections.AGENT:
            return outcome
        return self.capture_own(connection, signed_in.user_id, outcome)

    def _is_wanted(self, link: MailConnection, signed_in: SignedIn) -> bool:
        """The tenant and the person by Entra's signed word; an agent signs in for the own mailbox only."""
        if signed_in.tenant_id != link.tenant_id:
            return False
        if link.mode != connections.AGENT or link.mailbox in signed_in.addresses:
            return True
        saved = self.mailboxes.get(link.tenant_id, link.mailbox)
        return saved is not None and signed_in.user_id in (saved.user_id, saved.agent_id)

    def _proved(self, connection: MailConnection) -> str:
        """What the person is told; a proof that cannot be had now is made up for by the timer."""
        try:
            proved = self.prove(connection)
        except TransientError:
            proved = self._change(connection, lambda row: replace(row, state=connections.CONSENT_PENDING))
        return proved.state if proved.state in NOTICES else connections.CONSENT_PENDING

    def _change(self, link: MailConnection, change: Change) -> MailConnection:
        def write() -> MailConnection:
            row = self.connections.get(link.tenant_id, link.connection_id)
            return self.connections.put(change(row or replace(link.spent(), etag="")))

        return persistently(write)


def _signed_in(row: MailConnection, signed_in: SignedIn, now: datetime) -> MailConnection:
    """With who signed in, in place of whoever did before."""
    return replace(
        row,
        user_id=signed_in.user_id,
        account=signed_in.account,
        token=signed_in.token,
        consented_at=now,
    )
