"""What a reader may see: a page of a record's timeline, one message as it may be shown, an attachment's bytes.

A filed mail is open to the organisation; a mail without a link only to agents whose own mailbox holds a copy.
A Bcc, and whatever rests on it, is only there for those in whose mailbox it is visible.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import NotFound, Unknown
from shared.domain.filing import chains, entries, visibility
from shared.domain.filing.chains import Chain
from shared.domain.filing.copies import Copy
from shared.domain.filing.entries import Entry, in_reply_to
from shared.domain.filing.filing import StoredMessage
from shared.domain.mail.addresses import Person
from shared.domain.mail.messages import Attachment, Document
from shared.domain.matching.decisions import Link
from shared.domain.privacy.callers import ADMIN, AGENT, SERVICE, Caller
from shared.domain.records.records import RecordRef
from shared.ports.stores.capture import FolderStates
from shared.ports.stores.connections import Organisations
from shared.ports.stores.filing import Attachments, EntryFilter, MessageStore, Timeline
from shared.ports.stores.records import Records
from shared.services.filing.answers import NONE, Answers, ReadAnswers, ThreadMail
from shared.services.filing.visibility import Visibility, no_message
from shared.services.filing.visible_pages import VisiblePages
from shared.services.records.overrides import ReadOverride


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Entries newest first, and by id what they answer and are answered by; the cursor is None on the last page."""

    entries: tuple[Entry, ...]
    answers: Mapping[str, Answers]
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
    answers: Answers = NONE


def thread_mail(view: MessageView) -> ThreadMail:
    """A mail as its place in its thread is read."""
    return ThreadMail(
        view.entry_id,
        tuple(link.ref for link in view.links),
        view.message.answered,
        in_reply_to(view.message, view.document),
        frozenset(link.evidence.text for link in view.links),
    )


@dataclass(frozen=True, slots=True)
class ReadTimeline:
    """A page of a record's timeline. Raises Unknown for a record that is not there.

    Entries that rest on a Bcc which the caller may not see are left out, and neither a page's length nor its cursor
    tells of them. Costs a query for each entry that rests on a Bcc, or that did not reach somebody, and what
    `ReadAnswers` costs.
    """

    records: Records
    timeline: Timeline
    visibility: Visibility
    pages: VisiblePages
    read_answers: ReadAnswers

    def __call__(
        self, caller: Caller, ref: RecordRef, wanted: EntryFilter, *, limit: int, cursor: str
    ) -> TimelinePage:
        caller.needs(AGENT, ADMIN, SERVICE)
        record = self.records.get(caller.tenant_id, ref)
        if record is None:
            raise Unknown(f"There is no record {ref}.")
        if record.merged_into:
            raise Unknown(f"{ref} was merged into {record.survivor}: read that timeline.")
        found, following = self.pages(
            lambda count, after: self.timeline.page(caller.tenant_id, ref, wanted, limit=count, after=after),
            lambda rows: self._visible(caller, rows),
            about=f"{caller.tenant_id}/{ref}",
            limit=limit,
            cursor=cursor,
        )
        answers = self.read_answers(caller, [ThreadMail.of_entry(entry) for entry in found])
        return TimelinePage(tuple(found), answers, following)

    def _visible(self, caller: Caller, rows: Iterable[Entry]) -> list[Entry]:
        shown = (self._shown(caller, entry) for entry in rows)
        return [entry for entry in shown if entry is not None]

    def _shown(self, caller: Caller, entry: Entry) -> Entry | None:
        if not visibility.needs_sight(entry):
            return entry
        return visibility.visible_entry(entry, self.visibility.sight(caller, entry.message_key))


@dataclass(frozen=True, slots=True)
class ReadMessage:
    """One message with its document, as this caller may see it, on the timeline of `ref` where that is given.

    Raises Unknown, also for a record that the caller does not see the message on. Costs up to two reads more where the
    message quotes others: a client may want its chains folded, or not.
    """

    visibility: Visibility
    messages: MessageStore
    folders: FolderStates
    organisations: Organisations
    read_answers: ReadAnswers
    read_override: ReadOverride

    def __call__(
        self, caller: Caller, key: str, chain: Chain = "", ref: RecordRef | None = None
    ) -> MessageView:
        stored = self.visibility.message(caller, key)
        document = self.messages.document(caller.tenant_id, key)
        if document is None:
            raise no_message()
        copies = self.visibility.copies(caller, key)
        sight = visibility.sight_of(caller, copies)
        links = visibility.visible_links(stored.decision.links, sight)
        if ref is not None and all(link.ref != ref for link in links):
            raise Unknown(f"This message is not on {ref}.")
        on = (ref,) if ref else tuple(link.ref for link in links)
        view = MessageView(
            entry_id=entries.entry_id(stored.at, stored.key),
            message=visibility.visible_message(stored, sight),
            document=document,
            bcc=sight.bcc,
            links=links,
            sightings=self._sightings(caller, copies, sight.hidden),
            chain_hidden=chains.is_hidden(
                document,
                stored.decision.links,
                by_setting=lambda: self._folds_chains(caller.tenant_id, on),
                asked=chain,
            ),
        )
        answers = self.read_answers(caller, [thread_mail(view)])
        return replace(view, answers=answers[view.entry_id])

    def _folds_chains(self, tenant_id: str, refs: Iterable[RecordRef]) -> bool:
        """As the client of the records says, else the organisation."""
        of_client = self.read_override(tenant_id, refs, "hide_email_chain")
        if of_client is not None:
            return of_client
        organisation = self.organisations.get(tenant_id)
        return organisation is not None and organisation.hide_email_chain

    def _sightings(
        self, caller: Caller, copies: Iterable[tuple[Copy, Mailbox | None]], hidden: frozenset[str]
    ) -> tuple[SeenIn, ...]:
        return tuple(
            SeenIn(mailbox.address, self._folder(mailbox, copy.folder_id))
            for copy, mailbox in copies
            if mailbox is not None and visibility.is_copy_visible(mailbox, caller, hidden)
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
        attachments = document.attachments if document else ()
        found = next((each for each in attachments if each.id == attachment_id), None)
        if found is None:
            raise _no_attachment()
        # A link to a cloud file has no bytes: what the mail names may not have been kept.
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


def _no_attachment() -> Unknown:
    return Unknown("There is no such attachment.")
