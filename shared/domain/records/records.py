"""A record: a thing in the CRM that has a timeline. Pushed by the CRM, indexed by address and domain."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from shared.domain.connections.fields import Fields
from shared.domain.errors import InvalidInput
from shared.domain.mail import subjects
from shared.domain.mail.public_domains import registrable

KINDS: Final = ("contact", "property", "client", "opportunity", "project", "case")
_ID = re.compile(r"[A-Za-z0-9._:~-]{1,128}")

# What mailboxes are matched to: found by the subject of a mail, and by the domain of a contact of theirs.
MATTERS: Final = ("opportunity", "project")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EVERY = ("name", "details", "status", "type", "owner")
SETTINGS: Final = {
    "contact": (*_EVERY, "addresses", "client", "properties"),
    "property": (*_EVERY, "client", "contacts"),
    "client": (*_EVERY, "domains", "contacts", "overrides"),
    "opportunity": (*_EVERY, "summary", "client", "contacts"),
    "project": (*_EVERY, "summary", "client", "contacts"),
    "case": (*_EVERY, "summary", "client", "contacts"),
}


@dataclass(frozen=True, slots=True, order=True)
class RecordRef:
    """Kind and id of a record. Raises InvalidInput for a kind or id that cannot be."""

    kind: str
    id: str

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InvalidInput(f"'{self.kind}' is no kind of record; the kinds are {', '.join(KINDS)}.")
        if not _ID.fullmatch(self.id):
            raise InvalidInput("A record id is 1 to 128 characters of A-Z a-z 0-9 . _ : ~ -")

    def __str__(self) -> str:
        return f"{self.kind}/{self.id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The reference behind `kind/id`."""
        kind, _, record_id = text.partition("/")
        return cls(kind, record_id)


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a client has otherwise than its organisation; '' and None follow the organisation.

    `from_address` is what mail to the client is sent from.
    """

    from_address: str = ""
    hide_email_chain: bool | None = None
    file_thread: bool | None = None

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Raises InvalidInput."""
        fields.only(OVERRIDES)
        return cls(
            fields.address("from_address"),
            fields.flag_or_none("hide_email_chain"),
            fields.flag_or_none("file_thread"),
        )


OVERRIDES: Final = ("from_address", "hide_email_chain", "file_thread")


@dataclass(frozen=True, slots=True)
class Card:
    """The part of a record that decisions rest on; the index carries it, so that a look-up brings it along.

    `contacts` are those of an opportunity or project, `domains` those of a client, as the CRM gave them.
    """

    ref: RecordRef
    client: str = ""
    status: str = "open"
    type: str = ""
    contacts: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.status == "open"


@dataclass(frozen=True, slots=True)
class Record:
    """What matching and timelines need to know of a record. Addresses and domains are normalised.

    `contact_domains`, of an opportunity or project, are the domains of its contacts' addresses when it was
    written, `missing` those of its contacts that were not there; a contact that changes has both renewed.
    `merged_into` is the id of the record that has taken its place: this one is only a pointer then.
    `opened_at` is when Postledger opened it, None for one that the CRM made. `keys` and `leaving` are what
    storage has found it by: index keys with a row, and ones whose row may have stayed behind.
    """

    ref: RecordRef
    name: str = ""
    summary: str = ""
    details: str = ""
    addresses: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    client: str = ""
    contacts: tuple[str, ...] = ()
    status: str = "open"
    type: str = ""
    owner: str = ""
    properties: tuple[str, ...] = ()
    overrides: Overrides = Overrides()
    origin: str = "crm"
    opened_at: datetime | None = None
    contact_domains: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    merged_into: str = ""
    etag: str = ""
    keys: frozenset[str] = field(default=frozenset(), compare=False, repr=False)
    leaving: frozenset[str] = field(default=frozenset(), compare=False, repr=False)

    @property
    def is_deal(self) -> bool:
        return self.ref.kind in MATTERS

    @property
    def survivor(self) -> RecordRef:
        """The record that stands for this one: itself, unless it was merged."""
        return RecordRef(self.ref.kind, self.merged_into) if self.merged_into else self.ref

    @property
    def card(self) -> Card:
        contacts = self.contacts if self.is_deal else ()
        return Card(self.ref, self.client, self.status, self.type, contacts, self.domains)

    @property
    def index_keys(self) -> frozenset[str]:
        """What the record is found by: `address:` and `domain:` keys, `opened:` where Postledger opened it.

        A matter also by `subject:` and `contact:`, and by `missing:` for those contacts that are not there.
        """
        keys = [f"address:{one}" for one in self.addresses]
        keys += [f"domain:{indexed_domain(one)}" for one in (*self.domains, *self.contact_domains)]
        if self.opened_at and not self.merged_into:
            keys.append(f"opened:{opened_key(self.opened_at)}")
        if self.is_deal:
            subject = subjects.normalise(self.summary)
            keys += [f"subject:{subject}"] if subject else []
            keys += [f"contact:{one}" for one in self.contacts]
            keys += [f"missing:{one}" for one in self.missing]
        return frozenset(keys)

    def is_as(self, other: "Record") -> bool:
        """Whether writing this one over `other`, which was read, would change nothing."""
        if other.leaving or other.keys != self.index_keys:
            return False
        return all(getattr(self, name) == getattr(other, name) for name in _SAID)

    @classmethod
    def from_fields(cls, ref: RecordRef, fields: Fields) -> Self:
        """The record that a CRM pushed, whole: what is absent is empty. Raises InvalidInput."""
        fields.only(SETTINGS[ref.kind])
        client = fields.text("client", "")
        return cls(
            ref=ref,
            name=fields.text("name", "", 512),
            summary=fields.text("summary", "", 1_024),
            details=fields.text("details", "", 8_192),
            addresses=fields.addresses("addresses"),
            domains=fields.domains("domains"),
            client=RecordRef("client", client).id if client else "",
            contacts=tuple(RecordRef("contact", one).id for one in fields.texts("contacts")),
            status=fields.choice("status", "open", ("open", "closed")) or "open",
            type=fields.text("type", "", 128),
            owner=fields.address("owner"),
            properties=tuple(RecordRef("property", one).id for one in fields.texts("properties")),
            overrides=Overrides.from_fields(Fields(fields.mapping("overrides", {}))),
        )


_SAID: Final = tuple(name for name in Record.__dataclass_fields__ if name not in ("etag", "keys", "leaving"))


def opened_key(at: datetime) -> str:
    """A time as digits that sort by time, to the millisecond."""
    return f"{(at - _EPOCH) // timedelta(milliseconds=1):015d}"


def indexed_domain(domain: str) -> str:
    """The domain under which the index finds what belongs to a domain."""
    return registrable(domain) or domain
