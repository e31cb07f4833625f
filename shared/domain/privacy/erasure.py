"""Erasing a person: what names an address, and what stands in its place afterwards. Knows no table and no queue."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Any, Final, TypeVar, cast

from shared.domain.filing.copies import Copy
from shared.domain.filing.filing import StoredMessage
from shared.domain.mail.addresses import Person, mailbox_key, mailbox_keys
from shared.domain.mail.identity import Hasher
from shared.domain.mail.messages import Attachment, Document
from shared.domain.privacy.written_addresses import WrittenAddress
from shared.domain.records.records import Record, RecordRef

T = TypeVar("T")

# `.invalid` can never be registered (RFC 2606 section 2): no mail to it can reach anybody.
PLACEHOLDER: Final = "erased@erased.invalid"
NAME_PLACEHOLDER: Final = "(erased)"
HASH_PLACEHOLDER: Final = "0" * 32
# Lists of attachments bear this name, in the domain and in JSON.
ATTACHMENTS: Final = "attachments"
RUNNING: Final = "running"
DONE: Final = "done"
# Of the display names that an address was seen with; shorter ones would hit ordinary words.
MOST_NAMES: Final = 10
SHORTEST_NAME: Final = 3
# Characters between a name and its address, markup included.
_NEAR: Final = 400

# What stands between a name and its address in a signature or a quoted header, HTML included.
_GAP: Final = (
    r"(?:\"|&quot;|</?[a-z][^<>]{0,200}>|&lt;|&nbsp;|%3c|<(?:a\s[^<>]{0,200}?)?|mailto:|[\s\[(]){0,8}"
)
_GAP_BACK: Final = r"(?:\"[^<>]{0,200}>|&gt;|</?[a-z][^<>]{0,200}>|[\s>\])(]){0,6}"


@dataclass(frozen=True, slots=True)
class Erasure:
    """One request to erase a person. `id` is the keyed hash under which the address is suppressed.

    `address`, and the display `names` found with it, are known while it runs, and empty once it is done. `by` is
    the object id of who asked. Counts are of messages taken away, and of rows and messages that were changed.
    """

    id: str
    at: datetime
    by: str
    state: str = RUNNING
    step: str = ""
    turn: int = 0
    address: str = ""
    names: tuple[str, ...] = ()
    messages: int = 0
    changed: int = 0
    touched_at: datetime | None = None
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Deletion:
    """An organisation that was taken away, or is being: known by a keyed hash of its tenant id alone."""

    organisation: str
    at: datetime
    done_at: datetime | None = None

    @classmethod
    def of(cls, secret: bytes, tenant_id: str, at: datetime) -> "Deletion":
        return cls(deleted_organisation(secret, tenant_id), at)


def deleted_organisation(secret: bytes, tenant_id: str) -> str:
    """The keyed hash of a tenant id, which the deployment's secret alone can make."""
    return Hasher(secret)("deleted-organisation", tenant_id)


def suppression(hasher: Hasher, address: str) -> str:
    """What remains of an erased address, in whatever spelling of its mailbox.

    Another kind of hash than the ledger's, so that the two do not join.
    """
    return hasher("erased", mailbox_key(address))


@dataclass(frozen=True)
class Eraser:
    """Replaces an address wherever it is written, and a display name where it stands beside the address.

    How an address may be written, `WrittenAddress` says. `hash` is the ledger's keyed hash of the address.
    """

    address: str
    names: tuple[str, ...] = ()
    hash: str = ""

    @cached_property
    def _key(self) -> str:
        return mailbox_key(self.address)

    def _is_erased(self, address: object) -> bool:
        return isinstance(address, str) and mailbox_key(address) == self._key

    @cached_property
    def _written(self) -> WrittenAddress:
        return WrittenAddress(self.address)

    @cached_property
    def _named(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        """A name that ends where the address begins, and one that begins where it ends, with what lies between."""
        # The longest first: of "Bo Li" and "Bo", an alternation takes the first that fits.
        names = "|".join(re.escape(name) for name in sorted(self.names, key=len, reverse=True))
        return (
            re.compile(rf"(?<!\w)(?:{names})({_GAP})\Z", re.I),
            re.compile(rf"({_GAP_BACK})(?:{names})(?!\w)", re.I),
        )

    def text(self, text: str) -> str:
        """The text without the address, and without a known name beside it."""
        if text == self.hash:
            return HASH_PLACEHOLDER
        parts = self._written.around(text)
        if len(parts) == 1:
            return text
        return PLACEHOLDER.join(self._without_names(parts) if self.names else parts)

    def _without_names(self, parts: list[str]) -> list[str]:
        """The texts between addresses, without a name that meets an address at either end."""
        before, behind = self._named
        parts = [_before(before, part) for part in parts[:-1]] + parts[-1:]
        return parts[:1] + [_behind(behind, part) for part in parts[1:]]

    def value(self, value: T) -> T:
        """A value of the domain, or of JSON, without them; the same object where nothing names them."""
        return cast("T", self._value(value))

    def names_person(self, value: object) -> bool:
        """Whether somebody with this address is among the people of a value, of the domain or of JSON."""
        match value:
            case Person():
                return self._is_erased(value.address)
            case dict():
                here = "name" in value and self._is_erased(value.get("address"))
                return here or any(map(self.names_person, value.values()))
            case list() | tuple() | frozenset():
                return any(map(self.names_person, value))
        return False

    def document(self, document: Document) -> Document:
        """A document that quotes the address; the chain's ranges move along with the text."""
        changed = self.value(document)
        if changed is document:
            return document
        quoted = tuple(
            (self._moved(document.text, a), self._moved(document.text, b)) for a, b in document.quoted
        )
        start = document.html_quote_start
        return replace(
            changed,
            quoted=quoted,
            html_quote_start=None if start is None else self._moved(document.html, start),
        )

    def message(self, stored: StoredMessage, document: Document) -> tuple[StoredMessage, Document] | None:
        """A stored mail that quotes the address, without it; None where nothing names it."""
        after = self.value(stored), self.document(document)
        return None if after[0] is stored and after[1] is document else after

    def record(self, record: Record) -> Record:
        """A record without the address; a contact card that is left with none loses name, summary and details."""
        addresses = tuple(address for address in record.addresses if not self._is_erased(address))
        if addresses == record.addresses:
            return self.value(record)
        if addresses or record.ref.kind != "contact":
            return self.value(replace(record, addresses=addresses))
        return replace(record, addresses=(), name="", summary="", details="")

    def _moved(self, text: str, offset: int) -> int:
        return len(self.text(text[:offset]))

    def _value(self, value: Any) -> Any:
        match value:
            # A StrEnum is a text too, and an id is the CRM's own.
            case Enum() | RecordRef():
                return value
            case str():
                return self.text(value)
            case Person() if self._is_erased(value.address):
                return Person("", PLACEHOLDER)
            case Attachment():
                return _same(value, replace(value, name=self._file_name(value.name)))
            case dict():
                return self._dict(value)
            case list() | tuple() | frozenset():
                return _same(value, type(value)(map(self._value, value)))
        if is_dataclass(value) and not isinstance(value, type):
            return self._dataclass(value)
        return value

    def _field(self, name: str, value: Any) -> Any:
        """A field of an object. A list of attachments may be one of their names only."""
        if name == ATTACHMENTS and isinstance(value, list | tuple):
            return _same(value, type(value)(map(self._attachment, value)))
        return self._value(value)

    def _attachment(self, value: Any) -> Any:
        return self._file_name(value) if isinstance(value, str) else self._value(value)

    def _file_name(self, name: str) -> str:
        return self.text(self._written.replaced_in_file_name(name, PLACEHOLDER))

    def _dict(self, value: dict[str, Any]) -> dict[str, Any]:
        """A person in JSON loses the name too; a file's name is read as one; any other object is searched."""
        if "content_type" in value:
            return self._file(value)
        own = {key: item for key, item in value.items() if not isinstance(item, dict | list)}
        if self.names_person(own):
            return {**value, "name": "", "address": PLACEHOLDER}
        erased: dict[str, Any] = _same(value, {key: self._field(key, item) for key, item in value.items()})
        return erased

    def _file(self, value: dict[str, Any]) -> dict[str, Any]:
        erased: dict[str, Any] = {key: self._field(key, item) for key, item in value.items() if key != "name"}
        name = value.get("name")
        if isinstance(name, str):
            erased["name"] = self._file_name(name)
        return value if erased == value else {**value, **erased}

    def _dataclass(self, value: Any) -> Any:
        held = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
        erased = {name: self._field(name, old) for name, old in held.items()}
        changes = {name: new for name, new in erased.items() if new is not held[name]}
        return replace(value, **changes) if changes else value


def names_of(address: str, document: Document, copies: Iterable[Copy]) -> frozenset[str]:
    """The display names of an address on a mail."""
    key = mailbox_key(address)
    named = (person.name for person in _people(document, copies) if mailbox_key(person.address) == key)
    # Many clients write the address itself as the name; it is found as an address.
    return frozenset(name for name in named if len(name) >= SHORTEST_NAME and "@" not in name)


def is_on(address: str, stored: StoredMessage, document: Document | None, copies: Iterable[Copy]) -> bool:
    """Whether an address is among a stored mail's participants: From, To, Cc, Reply-To, or any copy's Bcc."""
    seen = (person.address for person in _people(document, copies))
    return mailbox_key(address) in mailbox_keys((*stored.participants, *seen))


def _people(document: Document | None, copies: Iterable[Copy]) -> Iterator[Person]:
    if document:
        yield from (document.sender, *document.to, *document.cc, *document.reply_to)
    for copy in copies:
        yield from copy.bcc


def _before(pattern: re.Pattern[str], text: str) -> str:
    """Looks at the end only: a name far from the address is not its name, and long mails stay cheap."""
    start = max(0, len(text) - _NEAR)
    return text[:start] + pattern.sub(rf"{NAME_PLACEHOLDER}\1", text[start:], count=1)


def _behind(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.match(text[:_NEAR])
    return f"{found[1]}{NAME_PLACEHOLDER}{text[found.end() :]}" if found else text


def _same(old: Any, new: Any) -> Any:
    return old if old == new else new
