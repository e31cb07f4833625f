"""Mail of any provider, with what `winmail.dat` holds in its place: a body where there is none, and the files.

A file within is named by the copy's id of the whole and its own number. Never writes.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from shared.domain.capture.folders import Folder, Role
from shared.domain.capture.windows import Window
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import NotFound, Outcome, PermanentError, TransientError, Unreadable
from shared.domain.foreign_text import taken
from shared.domain.mail import tnef
from shared.domain.mail.addresses import undisguised
from shared.domain.mail.html_text import to_text
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import Attachment, FetchedMessage, MessageHead
from shared.ports.mail import ChangePage, ListPage, MailAccess, OpenMailbox

# Stands in no id of Graph's or of IMAP's.
_WITHIN: Final = "\x1f"
_NOTHING: Final = tnef.Unpacked()


@dataclass(frozen=True, slots=True)
class UnpackedMail:
    """Implements `ports.MailAccess` over another one."""

    mail: MailAccess

    def open(self, mailbox: Mailbox) -> "UnpackedMailbox":
        return UnpackedMailbox(self.mail.open(mailbox))


class UnpackedMailbox:
    """Implements `ports.OpenMailbox`. Holds the last file that it has unpacked, for its parts are asked for in turn."""

    def __init__(self, box: OpenMailbox) -> None:
        self._box = box
        self._last: tuple[ItemRef, str, tnef.Unpacked] = (ItemRef("", ""), "", _NOTHING)

    def folders(self, known: Mapping[str, Role | None]) -> Sequence[Folder]:
        return self._box.folders(known)

    def changes(
        self, folder_id: str, cursor: str, since: datetime | None, *, arrivals: bool = False
    ) -> ChangePage:
        return self._box.changes(folder_id, cursor, since, arrivals=arrivals)

    def list(
        self, folder_id: str, window: Window, *, with_heads: bool = False, unread: bool = False
    ) -> ListPage:
        return self._box.list(folder_id, window, with_heads=with_heads, unread=unread)

    def count(self, folder_id: str, window: Window) -> int:
        return self._box.count(folder_id, window)

    def broken(self, folder_id: str, second: datetime) -> frozenset[ItemRef]:
        return self._box.broken(folder_id, second)

    def heads(self, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[MessageHead]]:
        return self._box.heads(items)

    def mime(self, item: ItemRef, most: int) -> bytes:
        return self._box.mime(item, most)

    def messages(self, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[FetchedMessage]]:
        """One request more for each file that is unpacked."""
        found = self._box.messages(items)
        return {item: self._whole(item, outcome) for item, outcome in found.items()}

    def attachment(self, item: ItemRef, source_id: str) -> AbstractContextManager[Iterator[bytes]]:
        outer, within, number = source_id.partition(_WITHIN)
        return self._part(item, outer, int(number)) if within else self._box.attachment(item, outer)

    def _whole(self, item: ItemRef, outcome: Outcome[FetchedMessage]) -> Outcome[FetchedMessage]:
        if not isinstance(outcome, FetchedMessage):
            return outcome
        packed = next(filter(tnef.is_packed, outcome.attachments), None)
        if packed is None:
            return outcome
        try:
            return with_unpacked(outcome, packed, self._unpacked(item, packed.source_id))
        except PermanentError:
            # Whoever has a program for it may open it as it is.
            return outcome
        except TransientError as error:
            return error

    @contextmanager
    def _part(self, item: ItemRef, outer: str, number: int) -> Iterator[Iterator[bytes]]:
        files = self._unpacked(item, outer).files
        if number >= len(files):
            raise NotFound("The file is not within the attachment any more.")
        yield iter([files[number].data])

    def _unpacked(self, item: ItemRef, source_id: str) -> tnef.Unpacked:
        if self._last[:2] != (item, source_id):
            self._last = (item, source_id, tnef.unpack(self._bytes(item, source_id)))
        return self._last[2]

    def _bytes(self, item: ItemRef, source_id: str) -> bytes:
        read = bytearray()
        with self._box.attachment(item, source_id) as chunks:
            for chunk in chunks:
                read += chunk
                if len(read) > tnef.LONGEST:
                    raise Unreadable("The attachment is too large to be unpacked.")
        return bytes(read)


def with_unpacked(mail: FetchedMessage, packed: Attachment, found: tnef.Unpacked) -> FetchedMessage:
    """The mail with the files in the place of the packed one; its own body stands, unless it is empty."""
    files = [
        Attachment(
            id="",
            source_id=f"{packed.source_id}{_WITHIN}{number}",
            name=undisguised(taken(file.name)) or f"ATT{number + 1:05}.bin",
            content_type=taken(file.content_type),
            size=len(file.data),
            inline=bool(file.content_id) and f"cid:{file.content_id}" in found.html,
            content_id=taken(file.content_id),
        )
        for number, file in enumerate(found.files)
    ]
    place = mail.attachments.index(packed)
    attached = [*mail.attachments[:place], *files, *mail.attachments[place + 1 :]]
    numbered = tuple(replace(attachment, id=str(number)) for number, attachment in enumerate(attached))
    if (mail.text or to_text(mail.html)).strip():
        return replace(mail, attachments=numbered)
    text = "" if found.html else taken(found.text, None)
    return replace(mail, html=taken(found.html, None), text=text, attachments=numbered)
