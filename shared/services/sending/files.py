"""The files that a request names: uploads of the caller, and attachments of mail that the caller may read."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.errors import Unknown
from shared.domain.privacy.callers import Caller
from shared.domain.sending.outbox import OutboxFile
from shared.domain.sending.wanted import FileWanted
from shared.ports.stores.filing import Attachments, MessageStore
from shared.ports.stores.sending import Uploads
from shared.services.filing.visibility import Visibility


@dataclass(frozen=True, slots=True)
class FindFiles:
    """Look the named files up. A read for an upload, three or four for an attachment."""

    visibility: Visibility
    messages: MessageStore
    attachments: Attachments
    uploads: Uploads

    def __call__(
        self, caller: Caller, wanted: Iterable[FileWanted]
    ) -> tuple[tuple[OutboxFile, ...], tuple[str, ...]]:
        """Those that are there, and the names of those that are not, or not for this caller."""
        found = {file: self._found(caller, file) for file in wanted}
        present = tuple(file for file in found.values() if file is not None)
        return present, tuple(str(named) for named, file in found.items() if file is None)

    def _found(self, caller: Caller, wanted: FileWanted) -> OutboxFile | None:
        if wanted.upload_id:
            return self._uploaded(caller, wanted.upload_id)
        return self._attached(caller, wanted.message_id, wanted.attachment_id)

    def _uploaded(self, caller: Caller, upload_id: str) -> OutboxFile | None:
        upload = self.uploads.get(caller.tenant_id, upload_id)
        if upload is None or not upload.is_complete or upload.by != caller.audit_name:
            return None
        return OutboxFile(upload.name, upload.content_type, upload.size, upload_id=upload.id)

    def _attached(self, caller: Caller, key: str, attachment_id: str) -> OutboxFile | None:
        try:
            self.visibility.message(caller, key)
        except Unknown:
            return None
        document = self.messages.document(caller.tenant_id, key)
        attachments = document.attachments if document else ()
        found = next((each for each in attachments if each.id == attachment_id), None)
        if found is None or self.attachments.lacking(caller.tenant_id, key, [attachment_id]):
            return None
        return OutboxFile(
            found.name, found.content_type, found.size, message_key=key, attachment_id=attachment_id
        )
