"""Mail sent through Microsoft Graph v1.0: as a draft of our MIME that is then sent, or handed over in one call.

A draft's id may change when it is sent, and its Message-ID may be replaced: sent copies are found by a tag.
"""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

import requests

from shared.adapters.graph.delegated import Sessions
from shared.adapters.graph.directory import user_of
from shared.adapters.graph.options import Option
from shared.adapters.graph.permissions import permissions_in
from shared.adapters.graph.properties import TAG, TAG_IN_HEADER
from shared.adapters.graph.session import TIME_LIMITS, GraphSession, Json, path, query
from shared.domain.connections.mailbox_tests import DRAFTING, SENDING
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import NotFound, PermanentError, Rejected, TransientError, Unavailable
from shared.domain.mail.addresses import normalise
from shared.domain.mail.items import ItemRef
from shared.domain.mail.message_ids import message_id as without_brackets
from shared.domain.sending.checking import Limits
from shared.domain.sending.marks import TAG_HEADER
from shared.domain.sending.outcomes import Answer, Outcome
from shared.domain.sending.uploads import LARGEST_FILE
from shared.ports.sending import Offer, OutgoingCopy, OutgoingFile
from shared.telemetry.user_agent import user_agent

# Files below this size go in one request; larger ones in pieces, which Graph wants to be multiples of 320 KiB.
LARGEST_AT_ONCE: Final = 3_000_000
PIECE: Final = 12 * 320 * 1024
# 500 recipients and 150 MB are Exchange Online's; MIME was seen to be refused from about 2.2 MB on.
_LIMITS: Final = Limits(
    recipients=500, composed=2_240_000, message=150_000_000, file=LARGEST_FILE, adds_files=True
)
_COPY_FIELDS: Final = "id,internetMessageId,isDraft,parentFolderId,from"
_MOST_COPIES: Final = 10
_HEADER_TAGS: Final = frozenset({Option.HEADER_TAGS})
# By Graph's codes; `invalidauthenticationtoken` comes again behind a new token only.
_ANSWERS: Final = {
    "invalidauthenticationtoken": Answer.SIGNED_OUT,
    "erroritemnotfound": Answer.NO_DRAFT,
    "requestentitytoolarge": Answer.TOO_LARGE,
    "errormessagesizeexceeded": Answer.TOO_LARGE,
    "errorsendasdenied": Answer.SEND_AS_DENIED,
    "errorinvalidrecipients": Answer.INVALID_RECIPIENTS,
    "errorexceededmaxrecipientlimit": Answer.TOO_MANY_RECIPIENTS,
    "errorquotaexceeded": Answer.OVER_QUOTA,
    "erroraccessdenied": Answer.NO_ACCESS,
}


class GraphSender:
    """Implements `ports.MailSender`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def limits(self, mailbox: Mailbox) -> Limits:
        """Of Exchange Online and of Graph. An organisation may allow itself less, which the server says.

        Makes a request only where the process has no token yet.
        """
        try:
            adds_files = self.open(mailbox).keeps_drafts
        except (PermanentError, TransientError):
            adds_files = not mailbox.is_polled_only
        return replace(_LIMITS, adds_files=adds_files)

    def open(self, mailbox: Mailbox) -> "GraphOutbox":
        """Which sign-in serves a mailbox is looked up once a minute."""
        return GraphOutbox(self._sessions.of(mailbox), mailbox)


class GraphOutbox:
    """Implements `ports.OpenOutbox`."""

    def __init__(self, session: GraphSession, mailbox: Mailbox) -> None:
        self._session = session
        self._tenant_id = mailbox.tenant_id
        self._user = user_of(mailbox)
        self._is_of_people = mailbox.is_polled_only

    @property
    def keeps_drafts(self) -> bool:
        """Whether the right to write drafts is there, as far as the token says.

        People who sign in grant Mail.Send without it, and so may an admin.
        """
        if self._is_of_people:
            return False
        granted = permissions_in(self._session.token(self._tenant_id))
        return SENDING not in granted or DRAFTING in granted

    @property
    def lays_copies(self) -> bool:
        """In Sent Items, always."""
        return True

    def draft(self, mime: bytes, tag: str) -> ItemRef | Outcome:
        """One request where sent copies are found by the header, else a second one for the tag."""
        try:
            is_marked = self._finds_headers and _bears(mime, tag)
            made = self._session.post_mime(self._tenant_id, self._messages(), mime)
            draft = ItemRef("", str(made["id"]))
            if not is_marked:
                self.mark(draft, tag)
        except (PermanentError, TransientError) as error:
            return outcome_of(error)
        return draft

    def mark(self, draft: ItemRef, tag: str) -> None:
        """One request."""
        tagged = {"singleValueExtendedProperties": [{"id": TAG, "value": tag}]}
        self._session.patch(self._tenant_id, self._messages(draft.item_id), tagged)

    def attach(self, draft: ItemRef, file: OutgoingFile) -> None:
        """One request below 3 MB; else one to open an upload, and one for each piece of 3.75 MiB."""
        if file.size < LARGEST_AT_ONCE:
            self._session.post(self._tenant_id, self._messages(draft.item_id, "attachments"), _whole(file))
        else:
            self._upload(draft, file)

    def send_draft(self, draft: ItemRef) -> Outcome:
        """One request."""
        return self._hand_over(self._messages(draft.item_id, "send"))

    def offer(self, mime: bytes) -> Offer:  # noqa: ARG002
        """Graph says nothing ahead of the hand-over."""
        return Offer()

    def send(self, mime: bytes) -> Outcome:
        """One request."""
        return self._hand_over(path("users", self._user, "sendMail"), mime)

    def copies(self, tag: str, message_id: str) -> Sequence[OutgoingCopy]:
        """One request, and a second one where nothing bears the tag; one more to tell what lies in the trash.

        Where a header may be all that a draft bears, there are two places to look for the tag.
        """
        finds_headers = self._finds_headers
        marked = self._marked(TAG_IN_HEADER, tag) if finds_headers else []
        marked = marked or self._marked(TAG, tag)
        found = marked or self._found(f"internetMessageId eq '<{_text(message_id)}>'")
        if finds_headers and not marked and not all(copy.get("isDraft") for copy in found):
            # It has left, and its header is not found: the next drafts are marked.
            self._session.options(self._tenant_id).observe(Option.HEADER_TAGS, holds=False)
        trash = self._trash() if any(copy.get("isDraft") for copy in found) else ""
        return [replace(_copy(copy, trash), is_marked=bool(marked)) for copy in found]

    def lay_copy(self, mime: bytes) -> OutgoingCopy:  # noqa: ARG002
        raise Rejected("Microsoft 365 keeps copies of its own.")

    def discard(self, draft: ItemRef) -> None:
        """One request."""
        with suppress(NotFound):
            self._session.delete(self._tenant_id, self._messages(draft.item_id))

    def close(self) -> None:
        """Each request stands for itself."""

    def _hand_over(self, where: str, mime: bytes = b"") -> Outcome:
        try:
            wait = self._session.hand_over(self._tenant_id, where, mime)
        except (PermanentError, TransientError) as error:
            return outcome_of(error)
        return Outcome(Answer.TAKEN, retry_after=wait)

    @property
    def _finds_headers(self) -> bool:
        return bool(self._session.options(self._tenant_id).usable(_HEADER_TAGS))

    def _marked(self, name: str, tag: str) -> list[Json]:
        return self._found(
            f"singleValueExtendedProperties/any(ep:ep/id eq '{name}' and ep/value eq '{_text(tag)}')"
        )

    def _found(self, condition: str) -> list[Json]:
        where = self._messages() + query(filter=condition, select=_COPY_FIELDS, top=str(_MOST_COPIES))
        items = self._session.get(self._tenant_id, where).get("value") or ()
        return [item for item in items if isinstance(item, dict)]

    def _trash(self) -> str:
        where = path("users", self._user, "mailFolders", "deleteditems") + query(select="id")
        return str(self._session.get(self._tenant_id, where).get("id") or "")

    def _upload(self, draft: ItemRef, file: OutgoingFile) -> None:
        item = {"attachmentType": "file", "name": file.name, "size": file.size}
        where = self._messages(draft.item_id, "attachments", "createUploadSession")
        opened = self._session.post(self._tenant_id, where, {"AttachmentItem": item})
        where = str(opened.get("uploadUrl") or "")
        if not where.startswith("https://"):
            raise Rejected("Microsoft Graph names no safe address to upload a file to.", "UploadRefused")
        start = 0
        for piece in _pieces(file.chunks):
            _put_piece(where, piece, start, file.size)
            start += len(piece)

    def _messages(self, *below: str) -> str:
        return path("users", self._user, "messages", *below)


def outcome_of(error: PermanentError | TransientError) -> Outcome:
    """What an error proves of a mail; most prove nothing."""
    if isinstance(error, TransientError):
        return Outcome(Answer.UNKNOWN, type(error).__name__, error.retry_after)
    return Outcome(_ANSWERS.get(error.code.casefold(), Answer.UNKNOWN), error.code)


def _whole(file: OutgoingFile) -> Json:
    return {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": file.name,
        "contentType": file.content_type,
        "contentBytes": b64encode(b"".join(file.chunks)).decode("ascii"),
    }


def _pieces(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of one size, the last one shorter."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) >= PIECE:
            yield bytes(held[:PIECE])
            del held[:PIECE]
    if held:
        yield bytes(held)


def _put_piece(url: str, piece: bytes, start: int, size: int) -> None:
    """The address itself is the permission: a token would be sent to another host, and is refused there."""
    part = f"bytes {start}-{start + len(piece) - 1}/{size}"
    headers = {"Content-Range": part, "User-Agent": user_agent()}
    try:
        answer = requests.put(url, data=piece, headers=headers, timeout=TIME_LIMITS, allow_redirects=False)
    except requests.RequestException as error:
        raise Unavailable(f"A file could not be uploaded ({type(error).__name__}).") from error
    if answer.status_code >= 500 or answer.status_code == 429:
        raise Unavailable(f"A file could not be uploaded ({answer.status_code}).")
    if answer.status_code >= 400:
        raise Rejected(f"Microsoft Graph refuses a piece of a file ({answer.status_code}).", "UploadRefused")


def _copy(item: Json, trash: str) -> OutgoingCopy:
    sender = ((item.get("from") or {}).get("emailAddress") or {}).get("address")
    return OutgoingCopy(
        ItemRef("", str(item["id"])),
        without_brackets(str(item.get("internetMessageId") or "")),
        is_draft=bool(item.get("isDraft")),
        is_in_trash=bool(trash) and item.get("parentFolderId") == trash,
        sender=normalise(str(sender or "")) or "",
    )


def _bears(mime: bytes, tag: str) -> bool:
    """Whether the MIME names its tag in its header, in a line of its own."""
    head, _, _ = mime.partition(b"\r\n\r\n")
    return f"{TAG_HEADER}: {tag}".encode() in head.split(b"\r\n")


def _text(value: str) -> str:
    return value.replace("'", "''")
