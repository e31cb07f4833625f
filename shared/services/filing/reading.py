"""What a reader may see: a page of a record's timeline, one message as it may be shown, an attachment's bytes.

A filed mail is open to the organisation; a mail without a link only to agents whose own mailbox holds a copy.
Bcc is shown, in whatever form, only to those in whose mailbox it is visible.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import NotFound, Unknown
from shared.domain.filing import chains, entries
from shared.domain.filing.chains import Chain
from shared.domain.filing.entries import Entry
from shared.domain.filing.filing import Copy, StoredMessage, may_read_unfiled
from shared.domain.mail.addresses import Person
from shared.domain.mail.messages import Attachment, Document
from shared.domain.matching.matching import Link
from shared.domain.privacy.callers import ADMIN, AGENT, SERVICE, Caller
from shared.domain.records.records import RecordRef
from shared.ports.stores.capture import FolderStates
from shared.ports.stores.connections import Mailboxes, Organisations
from shared.ports.stores.filing import Attachments, EntryFilter, MessageStore, Timeline
from shared.ports.stores.records import Records

BCC: Final = "bcc "
_KEY = re.compile(r"[A-Za-z0-9]{1,64}")


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Entries newest first; the cursor is None on the last page."""

    entries: tuple[Entry, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class SeenIn:
    """A mailbox (by address) that holds a copy, and its folder: a well-known name or Graph's id."""

    mailbox: str
    folder: str


@dataclass(frozen=True, slots=True)
class MessageView:
    """One message as this caller may see it: links and sightings that would give a Bcc away are left out.

    `chain_hidden`: its quoted chain is folded until the reader opens it.
    """

    entry_id: str
    message: StoredMessage
    document: Document
    bcc: tuple[Person, ...]
    links: tuple[Link, ...]
    sightings: tuple[SeenIn, ...]
    chain_hidden: bool = False


@dataclass(frozen=True, slots=True)
class Visibility:
    """What a caller may see of a stored mail: decided from its copies and whose mailboxes they are in."""

    messages: MessageStore
    mailboxes: Mailboxes

    def copies(self, caller: Caller, key: str) -> list[tuple[Copy, Mailbox | None]]:
        """The mail's copies with their mailboxes; None for a mailbox that is gone."""
        return [
            (one, self.mailboxes.by_id(caller.tenant_id, one.mailbox_id))
            for one in self.messages.copies(caller.tenant_id, key)
        ]

    def message(self, caller: Caller, key: str) -> StoredMessage:
        """The mail's row. Raises Unknown for one that is not there, or not for this caller."""
        caller.needs(AGENT, ADMIN, SERVICE)
        stored = self.find(caller, key)
        if stored is None or stored.is_deleted:
            raise _no_message()
        if not (stored.is_filed and stored.decision.links) and not self._holds_copy(caller, key):
            raise _no_message()
        return stored

    def find(self, caller: Caller, key: str) -> StoredMessage | None:
        """The mail's row, whoever may read it."""
        return self.messages.get(caller.tenant_id, key) if _KEY.fullmatch(key) else None

    def _holds_copy(self, caller: Caller, key: str) -> bool:
        copies = self.copies(caller, key)
        own = [mailbox for _, mailbox in copies if mailbox is not None and caller.owns(mailbox)]
        return may_read_unfiled(own, (copy for copy, _ in copies))


@dataclass(frozen=True, slots=True)
class ReadTimeline:
    """A page of a record's timeline. Raises Unknown for a record that is not there."""

    records: Records
    timeline: Timeline
    visibility: Visibility

    def __call__(
        self, caller: Caller, ref: RecordRef, wanted: EntryFilter, *, limit: int, cursor: str
    ) -> TimelinePage:
        caller.needs(AGENT, ADMIN, SERVICE)
        after = entries.decode_cursor(cursor) if cursor else ""
        record = self.records.get(caller.tenant_id, ref)
        if record is None:
            raise Unknown(f"There is no record {ref}.")
        if record.merged_into:
            raise Unknown(f"{ref} was merged into {record.survivor}: read that timeline.")
        found, following = self.timeline.page(caller.tenant_id, ref, wanted, limit=limit, after=after)
        shown = tuple(self._shown(caller, one) for one in found)
        return TimelinePage(shown, entries.encode_cursor(following) if following else None)

    def _shown(self, caller: Caller, entry: Entry) -> Entry:
        if not entry.link.evidence.startswith(BCC):
            return entry
        visible = _visible_bcc(caller, self.visibility.copies(caller, entry.message_key))
        return entry if _may_see(entry.link, visible) else _without_evidence(entry)


@dataclass(frozen=True, slots=True)
class ReadMessage:
    """One message with its document, as this caller may see it. Raises Unknown."""

    visibility: Visibility
    messages: MessageStore
    folders: FolderStates
    organisations: Organisations

    def __call__(self, caller: Caller, key: str, chain: Chain = "") -> MessageView:
        stored = self.visibility.message(caller, key)
        document = self.messages.document(caller.tenant_id, key)
        if document is None:
            raise _no_message()
        copies = self.visibility.copies(caller, key)
        visible = _visible_bcc(caller, copies)
        hidden = hidden_people(caller, copies)
        return MessageView(
            entry_id=entries.entry_id(stored.at, stored.key),
            message=stored,
            document=document,
            bcc=visible,
            links=tuple(one for one in stored.decision.links if _may_see(one, visible)),
            sightings=self._sightings(caller, copies, hidden),
            chain_hidden=self._hides_chain(caller, stored, document, chain),
        )

    def _hides_chain(self, caller: Caller, stored: StoredMessage, document: Document, asked: Chain) -> bool:
        organisation = self.organisations.get(caller.tenant_id)
        by_setting = organisation is not None and organisation.hide_email_chain
        return chains.is_hidden(document, stored.decision.links, by_setting=by_setting, asked=asked)

    def _sightings(
        self, caller: Caller, copies: Iterable[tuple[Copy, Mailbox | None]], hidden: frozenset[str]
    ) -> tuple[SeenIn, ...]:
        return tuple(
            SeenIn(mailbox.address, self._folder(mailbox, copy.folder_id))
            for copy, mailbox in copies
            if mailbox is not None and (caller.owns(mailbox) or hidden.isdisjoint(mailbox.own_addresses))
        )

    def _folder(self, mailbox: Mailbox, folder_id: str) -> str:
        state = self.folders.get(mailbox, folder_id)
        return state.kind if state is not None and state.kind != "folder" else folder_id


@dataclass(frozen=True, slots=True)
class ReadAttachment:
    """An attachment's metadata and bytes. Raises Unknown when it is not there or not for this caller."""

    visibility: Visibility
    messages: MessageStore
    attachments: Attachments

    def __call__(self, caller: Caller, key: str, attachment_id: str) -> tuple[Attachment, Iterator[bytes]]:
        self.visibility.message(caller, key)
        document = self.messages.document(caller.tenant_id, key)
        known = document.attachments if document else ()
        found = next((one for one in known if one.id == attachment_id), None)
        if found is None:
            raise _no_attachment()
        try:
            chunks = self.attachments.get(caller.tenant_id, key, attachment_id)
            return found, _started(chunks)
        except NotFound as error:
            raise _no_attachment() from error


def _started(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes with the first chunk read: what is missing shows before the answer has begun."""
    first = next(chunks, b"")

    def all_of_it() -> Iterator[bytes]:
        yield first
        yield from chunks

    return all_of_it()


def _visible_bcc(caller: Caller, copies: Iterable[tuple[Copy, Mailbox | None]]) -> tuple[Person, ...]:
    own = (copy for copy, mailbox in copies if mailbox is not None and caller.owns(mailbox))
    return tuple(dict.fromkeys(person for copy in own for person in copy.bcc))


def hidden_people(caller: Caller, copies: Sequence[tuple[Copy, Mailbox | None]]) -> frozenset[str]:
    """Addresses in Bcc that this caller may not see."""
    visible = {one.address for one in _visible_bcc(caller, copies)}
    return frozenset({one.address for copy, _ in copies for one in copy.bcc} - visible)


def _may_see(link: Link, visible: Iterable[Person]) -> bool:
    """A link that rests on a Bcc address is for those who may see that address."""
    if not link.evidence.startswith(BCC):
        return True
    address = link.evidence.removeprefix(BCC).partition(" ")[0]
    return any(one.address == address for one in visible)


def _without_evidence(entry: Entry) -> Entry:
    return replace(entry, link=replace(entry.link, evidence=""))


def _no_message() -> Unknown:
    return Unknown("There is no such message, or it is not for you to read.")


def _no_attachment() -> Unknown:
    return Unknown("There is no such attachment.")
