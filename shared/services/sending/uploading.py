"""Files on their way in: announced, taken piece by piece, and kept as long as the mail needs them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from shared.domain.errors import Unknown
from shared.domain.privacy.callers import ADMIN, AGENT, SERVICE, Caller
from shared.domain.sending.drafting import Draft
from shared.domain.sending.letters import File, safe_file_name
from shared.domain.sending.outbox import OutboxFile
from shared.domain.sending.uploads import KEPT_AFTER_SENDING, KEPT_UNUSED, Upload, check_size
from shared.ports.stores.sending import Uploads
from shared.ports.work import Clock
from shared.services.conflicts import persistently


@dataclass(frozen=True, slots=True)
class UploadFile:
    """Take a file in. Only who announced it may send its pieces, and a mail with it."""

    uploads: Uploads
    clock: Clock
    new_id: Callable[[], str]

    def begin(self, caller: Caller, name: str, content_type: str, size: int) -> Upload:
        """Announce a file of `size` bytes. Raises InvalidInput, which says the limit."""
        caller.needs(AGENT, ADMIN, SERVICE)
        check_size(size)
        upload = Upload(
            id=self.new_id(),
            tenant_id=caller.tenant_id,
            by=caller.audit_name,
            name=safe_file_name(name),
            content_type=content_type,
            size=size,
            keep_until=self.clock() + KEPT_UNUSED,
        )
        # An empty file has no piece to wait for.
        if not size:
            self.uploads.complete(upload)
        return self.uploads.save(upload)

    def add(self, caller: Caller, upload_id: str, offset: int, content: bytes) -> Upload:
        """Take the next piece; one that has come before changes nothing.

        Raises Unknown, InvalidInput, and WrongState that says where the next piece begins.
        """
        caller.needs(AGENT, ADMIN, SERVICE)
        upload = self.uploads.get(caller.tenant_id, upload_id)
        if upload is None or upload.by != caller.audit_name:
            raise Unknown("There is no such upload, or it is not yours. POST uploads announces one.")
        if upload.has(offset, len(content)):
            return upload
        after = upload.after(offset, len(content))
        self.uploads.put_piece(after, offset, content)
        # Before the row says so: a file that counts as complete has its bytes.
        if after.is_complete:
            self.uploads.complete(after)
        return self.uploads.save(after)


@dataclass(frozen=True, slots=True)
class KeepFiles:
    """Keep what a mail needs until days after it has left: its uploads, and pictures taken out of its text."""

    uploads: Uploads
    clock: Clock
    new_id: Callable[[], str]

    def __call__(self, tenant_id: str, draft: Draft, leaves_at: datetime) -> tuple[OutboxFile, ...]:
        """The files of the mail, pictures first. `leaves_at` is when it is to leave."""
        until = max(leaves_at, self.clock()) + KEPT_AFTER_SENDING
        for upload_id in filter(None, (file.upload_id for file in draft.files)):
            persistently(partial(self._keep, tenant_id, upload_id, until))
        pictures = (self._stored(tenant_id, picture, until) for picture in draft.pictures)
        return (*pictures, *draft.files)

    def _keep(self, tenant_id: str, upload_id: str, until: datetime) -> None:
        upload = self.uploads.get(tenant_id, upload_id)
        if upload is not None and upload.keep_until < until:
            self.uploads.save(upload.kept_until(until))

    def _stored(self, tenant_id: str, picture: File, until: datetime) -> OutboxFile:
        size = len(picture.content)
        upload = Upload(
            self.new_id(), tenant_id, "", picture.name, picture.content_type, size, until, (0,), size
        )
        self.uploads.put_piece(upload, 0, picture.content)
        self.uploads.complete(upload)
        self.uploads.save(upload)
        return OutboxFile(
            picture.name, picture.content_type, size, upload_id=upload.id, content_id=picture.content_id
        )
