"""A record: an item of the CRM that has a timeline. The CRM sends it; addresses and domains find it."""

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from shared.domain.connections.fields import Fields
from shared.domain.connections.from_rules import SALES_MAILBOXES, sender, senders_by_purpose
from shared.domain.errors import InvalidInput
from shared.domain.mail import subjects
from shared.domain.mail.addresses import mailbox_key
from shared.domain.mail.public_domains import registrable

KINDS: Final = ("contact", "property", "client", "opportunity", "project", "case")
# Ids stand in keys of rows: these characters are legal there, and need no escaping.
_ID = re.compile(r"[A-Za-z0-9._:~-]{1,128}")

# The deals: matching finds them by the subject of a mail, and by the domain of one of their contacts.
DEALS: Final = ("opportunity", "project")
OPEN: Final = "open"
# Mails that have opened a record again: the last ones are remembered.
MOST_REOPENED: Final = 50

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
    """Kind and id of a record. Raises InvalidInput for an unknown kind or an invalid id."""

    kind: str
    id: str

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InvalidInput(f"'{self.kind}' is not a kind of record; the kinds are {', '.join(KINDS)}.")
        if not _ID.fullmatch(self.id):
            raise InvalidInput("A record id is 1 to 128 characters of A-Z a-z 0-9 . _ : ~ -")

    def __str__(self) -> str:
        return f"{self.kind}/{self.id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The reference in a text `kind/id`."""
        kind, _, record_id = text.partition("/")
        return cls(kind, record_id)


@dataclass(frozen=True, slots=True)
class Datum:
    """A named value that goes to the CRM with a record that Postledger has opened."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Overrides:
    """The settings in which a client differs from its organisation; '' and None follow the organisation.

    `from_address` sends mail to the client: an address, or SALES_MAILBOXES, the mailbox of the agent who sends.
    `from_addresses` has the same by purpose, and comes before it.
    """

    from_address: str = ""
    hide_email_chain: bool | None = None
    file_thread: bool | None = None
    from_addresses: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Raises InvalidInput."""
        fields.only(OVERRIDES)
        return cls(
            sender("from_address", fields),
            fields.flag_or_none("hide_email_chain"),
            fields.flag_or_none("file_thread"),
            senders_by_purpose("from_addresses", fields),
        )

    @property
    def senders(self) -> frozenset[str]:
        """Every address that they name."""
        named = (self.from_address, *(address for _, address in self.from_addresses))
        return frozenset(named) - {"", SALES_MAILBOXES}

    def sender_for(self, purpose: str) -> str:
        """As `from_address`, for mail with this purpose ('': none); '' where the client says nothing of it."""
        return dict(self.from_addresses).get(purpose, self.from_address)


OVERRIDES: Final = ("from_address", "from_addresses", "hide_email_chain", "file_thread")


@dataclass(frozen=True, slots=True)
class Card:
    """The part of a record that matching needs. The index carries it, so that a look-up need not read the record.

    `contacts` are those of a deal, `domains` those of a client, as the CRM sent them.
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
    """The fields of a record for matching and timelines. Addresses and domains are normalised.

    A deal has `contact_domains`, the domains of its contacts' addresses when it was written, and `missing`, the
    contacts that did not exist then; a change of a contact renews both. `merged_into` is the id of the record that
    replaced this one, which is only a pointer then. `opened_at` is the time at which Postledger opened the record,
    None for a record of the CRM. Of one that an intake mailbox opened, `mailbox` is the mailbox's address, `sent_to`
    the one of it that the mail names, and `data` what its templates made; `reopened_by` are keys of the mails that
    opened it again. `keys` are the index keys with a row, `leaving` keys whose row may have stayed.
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
    mailbox: str = ""
    sent_to: str = ""
    data: tuple[Datum, ...] = ()
    reopened_by: tuple[str, ...] = ()
    contact_domains: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    merged_into: str = ""
    etag: str = ""
    # Not compared: they say how the row was written, and nothing about the record.
    keys: frozenset[str] = field(default=frozenset(), compare=False, repr=False)
    leaving: frozenset[str] = field(default=frozenset(), compare=False, repr=False)

    @property
    def is_deal(self) -> bool:
        return self.ref.kind in DEALS

    @property
    def survivor(self) -> RecordRef:
        """The record that replaced this record; the record itself, unless it was merged."""
        return RecordRef(self.ref.kind, self.merged_into) if self.merged_into else self.ref

    @property
    def card(self) -> Card:
        contacts = self.contacts if self.is_deal else ()
        return Card(self.ref, self.client, self.status, self.type, contacts, self.domains)

    @property
    def index_keys(self) -> frozenset[str]:
        """The keys that find the record: `address:` and `domain:`, and `opened:` if Postledger opened it.

        A deal has `subject:` and `contact:` keys too, and `missing:` keys for contacts that do not exist.
        """
        keys = [f"address:{mailbox_key(address)}" for address in self.addresses]
        keys += [f"domain:{indexed_domain(domain)}" for domain in (*self.domains, *self.contact_domains)]
        if self.opened_at and not self.merged_into:
            keys.append(f"opened:{opened_key(self.opened_at)}")
        if self.is_deal:
            keys += self._deal_keys()
        return frozenset(keys)

    def _deal_keys(self) -> list[str]:
        keys = [f"contact:{contact}" for contact in self.contacts]
        keys += [f"missing:{contact}" for contact in self.missing]
        subject = subjects.normalise(self.summary)
        # An empty subject would match every mail without one.
        return [*keys, f"subject:{subject}"] if subject else keys

    def is_as(self, other: "Record") -> bool:
        """Whether a write over `other`, the stored version, would change nothing."""
        if other.leaving or other.keys != self.index_keys:
            return False
        return all(getattr(self, name) == getattr(other, name) for name in _COMPARED)

    def as_opened_by(self, other: "Record") -> Self:
        """This record with what another version of it says of its opening, which the CRM never sends."""
        return replace(
            self,
            origin=other.origin,
            opened_at=other.opened_at,
            mailbox=other.mailbox,
            sent_to=other.sent_to,
            data=other.data,
            reopened_by=other.reopened_by,
        )

    def reopened(self, message_key: str) -> Self | None:
        """The record opened again for a mail; None where it is open, or was opened for that mail once before.

        A mail is written any number of times, and people may have closed the record since.
        """
        if self.status == OPEN or self.merged_into or message_key in self.reopened_by:
            return None
        return replace(self, status=OPEN, reopened_by=(*self.reopened_by, message_key)[-MOST_REOPENED:])

    @classmethod
    def from_fields(cls, ref: RecordRef, fields: Fields) -> Self:
        """The whole record that a CRM sent: an absent field is empty. Raises InvalidInput."""
        fields.only(SETTINGS[ref.kind])
        # Ids of other records go through RecordRef, which refuses what could not be a key.
        client = fields.text("client", "")
        return cls(
            ref=ref,
            name=fields.text("name", "", 512),
            summary=fields.text("summary", "", 1_024),
            details=fields.text("details", "", 8_192),
            addresses=fields.addresses("addresses"),
            domains=fields.domains("domains"),
            client=RecordRef("client", client).id if client else "",
            contacts=tuple(RecordRef("contact", contact).id for contact in fields.texts("contacts")),
            status=fields.choice("status", "open", ("open", "closed")) or "open",
            type=fields.text("type", "", 128),
            owner=fields.address("owner"),
            properties=tuple(
                RecordRef("property", property_id).id for property_id in fields.texts("properties")
            ),
            overrides=Overrides.from_fields(Fields(fields.mapping("overrides", {}))),
        )


_COMPARED: Final = tuple(
    name for name in Record.__dataclass_fields__ if name not in ("etag", "keys", "leaving")
)


def opened_key(at: datetime) -> str:
    """A time in milliseconds as digits that sort by time."""
    return f"{(at - _EPOCH) // timedelta(milliseconds=1):015d}"


def indexed_domain(domain: str) -> str:
    """The domain in the index: the registrable one, so that a client's subdomains find the client."""
    return registrable(domain) or domain
