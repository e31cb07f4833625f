"""Makes what leaves of a mail of the outbox: its MIME, and the bytes of its files."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.domain.sending.outbox import OutboxFile, OutboxMail
from shared.ports.sending import OutgoingFile
from shared.ports.stores.filing import Attachments

MakeMime = Callable[[OutboxMail], bytes]


@dataclass(frozen=True, slots=True)
class OpenFile:
    """Open a file of a mail: an attachment of a stored message. Raises NotFound where it is not kept any more."""

    attachments: Attachments

    def __call__(self, mail: OutboxMail, file: OutboxFile) -> OutgoingFile:
        chunks = self.attachments.get(mail.tenant_id, file.message_key, file.attachment_id)
        return OutgoingFile(file.name, file.content_type, file.size, chunks)
