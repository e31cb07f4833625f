"""Makes what leaves of a mail of the outbox: its MIME, and the bytes of its files."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from shared.domain.campaigns.unsubscribing import headers_of
from shared.domain.errors import InvalidInput, NotFound, Rejected
from shared.domain.filing.filing import ACKNOWLEDGED
from shared.domain.sending.composing import compose
from shared.domain.sending.letters import File, Letter
from shared.domain.sending.marks import TAG_HEADER
from shared.domain.sending.outbox import OutboxFile, OutboxMail
from shared.ports.sending import OutgoingFile
from shared.ports.stores.filing import Attachments
from shared.ports.stores.sending import Uploads

# What a machine writes says so (RFC 3834); Exchange heeds the second one only (MS-OXCMAIL 2.1.3.2.20).
OF_MACHINES: Final = (("Auto-Submitted", "auto-replied"), ("X-Auto-Response-Suppress", "All"))


@dataclass(frozen=True, slots=True)
class OpenFile:
    """Open a file of a mail: an upload, or an attachment of a stored message.

    Raises Rejected, with a sentence, where it is not kept any more.
    """

    attachments: Attachments
    uploads: Uploads

    def __call__(self, mail: OutboxMail, file: OutboxFile) -> OutgoingFile:
        try:
            chunks = self._chunks(mail.tenant_id, file)
        except NotFound as error:
            gone = f"The file {file.name} is not kept any more. Send the mail without it."
            raise Rejected(gone, "file_gone") from error
        return OutgoingFile(file.name, file.content_type, file.size, chunks)

    def _chunks(self, tenant_id: str, file: OutboxFile) -> Iterator[bytes]:
        if file.upload_id:
            return self.uploads.read(tenant_id, file.upload_id)
        return self.attachments.get(tenant_id, file.message_key, file.attachment_id)


@dataclass(frozen=True, slots=True)
class MakeMime:
    """Compose a mail, the same bytes at each try: dated when it was asked for, with the pictures that it shows.

    With `whole` its other files are in it as well: where no draft is kept, nothing can be added to it.
    """

    open_file: OpenFile

    def __call__(self, mail: OutboxMail, *, whole: bool = False) -> bytes:
        """Raises InvalidInput for what no mail can hold, or whose files are gone."""
        files = tuple(self._read(mail, file) for file in mail.attachments if whole or file.inline)
        return compose(
            Letter(
                sender=mail.sender,
                to=mail.to,
                cc=mail.cc,
                bcc=mail.bcc,
                subject=mail.subject,
                message_id=mail.message_id,
                date=mail.send_at or mail.created_at,
                html=mail.html,
                text=mail.text,
                in_reply_to=mail.in_reply_to,
                references=mail.references,
                files=files,
                extra=((TAG_HEADER, mail.tag), *_way_out(mail), *_of_machines(mail)),
            )
        )

    def _read(self, mail: OutboxMail, file: OutboxFile) -> File:
        try:
            content = b"".join(self.open_file(mail, file).chunks)
        except Rejected as error:
            raise InvalidInput(str(error)) from error
        return File(file.name, file.content_type, content, file.content_id)


def _way_out(mail: OutboxMail) -> tuple[tuple[str, str], ...]:
    return headers_of(mail.campaign.unsubscribe_url) if mail.campaign else ()


def _of_machines(mail: OutboxMail) -> tuple[tuple[str, str], ...]:
    return OF_MACHINES if mail.purpose == ACKNOWLEDGED else ()
