"""An organisation: one customer, one Entra tenant, with the policies its admin has set."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Self

from shared.domain.connections.fields import Fields
from shared.domain.connections.from_rules import from_rules
from shared.domain.errors import InvalidInput
from shared.domain.mail.addresses import domain_of, mailbox_domain, mailbox_key, mailbox_keys

DISABLED: Final = "disabled"
ENABLED: Final = "enabled"
VERIFIED: Final = "verified"
DISCONNECTED: Final = "disconnected"
DELETING: Final = "deleting"
# The values of `notify_on`.
ON_SENT: Final = "sent"
ON_ALL: Final = "all"
# Each is looked for in every subject.
MOST_PREFIXES: Final = 20
# Each is compared with the beginning of every mail.
MOST_NOTICES: Final = 20
LONGEST_NOTICE: Final = 1_000
STATES: Final = (DISABLED, ENABLED, VERIFIED, DELETING)


@dataclass(frozen=True, slots=True)
class Organisation:
    """Policies of one tenant. `never_log` holds addresses and domains; hours are whole hours.

    `retention_days` is 0 where mail is kept for good. `notify_on` says to which mail an answer raises a notice:
    `sent` (through the outbox) or `all` that agents have sent.

    `self_service`: an agent who signs in has the own mailbox captured without an admin.

    `earlier_code_prefixes` are those that codes in use may still bear, the last one first.

    `mails_per_minute` and `recipients_per_day` are what each of its mailboxes may send: the defaults are those of
    Exchange Online (Microsoft, "Exchange Online limits", sending limits).

    `external_notices` are what the organisation's own server puts above mail from outside.

    `erased` are keyed hashes of erased persons' addresses. `deleting`: all of it is being taken away.
    `connection` is how its connection stands, as far as others need to know: `verified`, `disconnected` or ''.
    """

    tenant_id: str
    name: str = ""
    enabled: bool = False
    services: tuple[str, ...] = ()
    own_domains: tuple[str, ...] = ()
    hide_email_chain: bool = False
    file_thread: bool = True
    excluded_types: tuple[str, ...] = ()
    never_log: tuple[str, ...] = ()
    capture_hours: int = 24
    late_contact_hours: int = 24
    sensitivity: bool = True
    from_rules: dict[str, dict[str, str]] = field(default_factory=dict)
    retention_days: int = 0
    notify_on: str = ON_SENT
    self_service: bool = False
    external_notices: tuple[str, ...] = ()
    code_prefix: str = "PL"
    mails_per_minute: int = 30
    recipients_per_day: int = 10_000
    earlier_code_prefixes: tuple[str, ...] = ()
    erased: frozenset[str] = frozenset()
    deleting: bool = False
    connection: str = ""
    etag: str = field(default="", compare=False)

    @property
    def state(self) -> str:
        """What the admin sees: `enabled` once the operator has let the tenant in, `verified` once it is connected."""
        if self.deleting:
            return DELETING
        if not self.enabled:
            return DISABLED
        return VERIFIED if self.connection == VERIFIED else ENABLED

    @property
    def is_served(self) -> bool:
        """Whether its mail may be captured: the operator lets it in, and its admin has not disconnected it."""
        return self.enabled and self.connection != DISCONNECTED

    def changed(self, fields: Fields) -> Self:
        """This organisation with the given settings put in place. Raises InvalidInput."""
        prefix = _prefix(fields.text("code_prefix", self.code_prefix, 16))
        return type(self)(
            tenant_id=self.tenant_id,
            name=fields.text("name", self.name, 256),
            enabled=fields.flag("enabled", self.enabled),
            services=fields.texts("services", self.services),
            own_domains=fields.domains("own_domains", self.own_domains),
            hide_email_chain=fields.flag("hide_email_chain", self.hide_email_chain),
            file_thread=fields.flag("file_thread", self.file_thread),
            excluded_types=fields.texts("excluded_types", self.excluded_types),
            never_log=fields.addresses_or_domains("never_log", self.never_log),
            capture_hours=fields.number("capture_hours", self.capture_hours, 0, 24 * 365),
            late_contact_hours=fields.number("late_contact_hours", self.late_contact_hours, 0, 24 * 365),
            sensitivity=fields.flag("sensitivity", self.sensitivity),
            from_rules=from_rules(fields, self.from_rules),
            notify_on=fields.choice("notify_on", self.notify_on, (ON_SENT, ON_ALL)),
            self_service=fields.flag("self_service", self.self_service),
            retention_days=fields.number("retention_days", self.retention_days, 0, 36500),
            external_notices=_notices(fields, self.external_notices),
            code_prefix=prefix,
            mails_per_minute=fields.number("mails_per_minute", self.mails_per_minute, 1, 10_000),
            recipients_per_day=fields.number("recipients_per_day", self.recipients_per_day, 1, 10_000_000),
            earlier_code_prefixes=self._earlier(prefix),
            erased=self.erased,
            deleting=self.deleting,
            connection=self.connection,
            etag=self.etag,
        )

    @property
    def code_prefixes(self) -> tuple[str, ...]:
        """Every prefix that a reference code of this organisation may bear."""
        return (self.code_prefix, *self.earlier_code_prefixes)

    def _earlier(self, prefix: str) -> tuple[str, ...]:
        """The earlier prefixes under a new one: clients go on answering to codes for years."""
        if prefix == self.code_prefix:
            return self.earlier_code_prefixes
        earlier = tuple(each for each in self.code_prefixes if each != prefix)
        if len(earlier) > MOST_PREFIXES:
            raise InvalidInput(
                f"'code_prefix' has been changed {MOST_PREFIXES} times; choose an earlier one."
            )
        return earlier

    def with_own_domain(self, domain: str) -> Self:
        """This organisation, knowing `domain` as its own: its mailboxes live there."""
        return self.changed(Fields({"own_domains": sorted({*self.own_domains, domain})}))


def _notices(fields: Fields, default: tuple[str, ...]) -> tuple[str, ...]:
    found = tuple(filter(None, fields.texts("external_notices", default)))
    if len(found) > MOST_NOTICES or any(len(notice) > LONGEST_NOTICE for notice in found):
        raise InvalidInput(
            f"'external_notices' may hold at most {MOST_NOTICES} texts of at most {LONGEST_NOTICE} characters."
        )
    return found


def _prefix(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2,6}", text):
        raise InvalidInput("'code_prefix' must be 2 to 6 letters A to Z, such as PL.")
    return text.upper()


def in_domains(domain: str, domains: Iterable[str]) -> bool:
    """Whether `domain` is one of `domains` or lies below one."""
    return any(domain == upper or domain.endswith(f".{upper}") for upper in domains)


def is_listed(address: str, listed: Iterable[str]) -> bool:
    """Whether an address, in whatever spelling of its mailbox, stands in a list of addresses and domains."""
    listed = tuple(listed)
    if mailbox_key(address) in mailbox_keys(entry for entry in listed if "@" in entry):
        return True
    domains = (mailbox_domain(entry) for entry in listed if "@" not in entry)
    return in_domains(mailbox_domain(domain_of(address)), domains)
