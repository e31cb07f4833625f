"""The organisation's own settings: read and changed by its admin, enabled and listed by the operator."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from shared.domain.commands.commands import MaintainSubscription
from shared.domain.connections.fields import Fields
from shared.domain.connections.from_rules import addresses_in
from shared.domain.connections.mailbox_state import paused
from shared.domain.connections.organisations import Organisation
from shared.domain.errors import Forbidden, Unknown, WrongState
from shared.domain.privacy.callers import ADMIN, OPERATOR, Caller
from shared.domain.sending.from_addresses import check_named
from shared.ports.stores.connections import Mailboxes, Organisations
from shared.ports.work import Clock, CommandQueue
from shared.services.conflicts import persistently

SETTINGS: Final = (
    "name",
    "enabled",
    "services",
    "own_domains",
    "hide_email_chain",
    "file_thread",
    "excluded_types",
    "never_log",
    "capture_hours",
    "late_contact_hours",
    "sensitivity",
    "from_rules",
    "retention_days",
    "notify_on",
    "self_service",
    "external_notices",
    "code_prefix",
    "mails_per_minute",
    "recipients_per_day",
)
OPERATORS_OWN: Final = ("enabled", "services")


@dataclass(frozen=True, slots=True)
class GetOrganisation:
    """Read the settings. Raises Unknown for a tenant that the operator has never put."""

    organisations: Organisations

    def __call__(self, tenant_id: str) -> Organisation:
        organisation = self.organisations.get(tenant_id)
        if organisation is None:
            raise Unknown("There is no such organisation.")
        return organisation


@dataclass(frozen=True, slots=True)
class PutOrganisation:
    """Change settings; what is absent stays. Enabling or disabling puts every mailbox's subscription in order.

    That is done whenever `enabled` is given: a request that broke off half-way is finished by the next one.
    """

    organisations: Organisations
    mailboxes: Mailboxes
    queue: CommandQueue
    clock: Clock

    def __call__(self, caller: Caller, given: Mapping[str, Any]) -> Organisation:
        """Raises Forbidden when an admin changes what is the operator's, InvalidInput, Conflict."""
        caller.needs(ADMIN, OPERATOR)
        organisation = persistently(lambda: self._written(caller, given))
        if "enabled" in given:
            maintain_all(organisation, self.mailboxes, self.queue, self.clock())
        return organisation

    def _written(self, caller: Caller, given: Mapping[str, Any]) -> Organisation:
        stored = self.organisations.get(caller.tenant_id)
        before = stored or Organisation(caller.tenant_id)
        if before.deleting:
            raise WrongState("This organisation is being deleted. It can be let in anew once that is done.")
        after = before.changed(Fields(given).only(SETTINGS))
        if OPERATOR not in caller.roles and _operators_part(after) != _operators_part(before):
            raise Forbidden(f"Only the operator may change {' and '.join(OPERATORS_OWN)}.")
        if after.from_rules != before.from_rules:
            check_named(addresses_in(after.from_rules), self.mailboxes.of(caller.tenant_id))
        return self.organisations.put(after)


@dataclass(frozen=True, slots=True)
class ListOrganisations:
    """A page of all organisations by tenant id, from behind `after`."""

    organisations: Organisations

    def __call__(self, *, limit: int, after: str) -> tuple[list[Organisation], str]:
        """The second is the tenant id to go on behind, '' at the end."""
        behind = (organisation for organisation in self.organisations.all() if organisation.tenant_id > after)
        ordered = sorted(behind, key=lambda organisation: organisation.tenant_id)
        page = ordered[:limit]
        return page, page[-1].tenant_id if len(ordered) > limit else ""


def note_connection(organisations: Organisations, tenant_id: str, connection: str) -> Organisation | None:
    """Write down how the organisation's connection stands; the organisation, if capture begins anew with that."""

    def write() -> Organisation | None:
        before = organisations.get(tenant_id)
        if before is None or before.connection == connection:
            return None
        after = organisations.put(replace(before, connection=connection))
        return after if after.is_served and not before.is_served else None

    return persistently(write)


def maintain_all(
    organisation: Organisation, mailboxes: Mailboxes, queue: CommandQueue, now: datetime
) -> None:
    """Have every mailbox's subscription put in order, now that capture was switched on or off.

    A pause is dated at once: commands that are dropped from now on are made up for from then.
    """
    for mailbox in mailboxes.of(organisation.tenant_id):
        if not organisation.is_served:
            mailboxes.change(mailbox, paused(now))
        queue.send(MaintainSubscription.of(mailbox, now))


def _operators_part(organisation: Organisation) -> tuple[object, ...]:
    return tuple(getattr(organisation, name) for name in OPERATORS_OWN)
