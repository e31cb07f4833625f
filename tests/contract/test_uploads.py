"""Files that are to be sent come in pieces, are whole once all have come, and are forgotten; signatures stand apart."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.errors import Conflict, NotFound
from tests.builders import NOW, an_upload


@pytest.fixture
def upload(storage, tenant):
    return storage.uploads.save(an_upload(tenant_id=tenant))


class TestUploads:
    def test_an_upload_comes_back_as_it_was_saved(self, storage, upload):
        assert upload.etag
        assert storage.uploads.get(upload.tenant_id, upload.id) == upload
        assert storage.uploads.get(upload.tenant_id, "another") is None

    def test_the_pieces_make_the_file_once_it_is_complete(self, storage, upload):
        first = upload.after(0, 5)
        storage.uploads.put_piece(first, 0, b"12345")
        first = storage.uploads.save(first)
        with pytest.raises(NotFound):
            b"".join(storage.uploads.read(upload.tenant_id, upload.id))
        second = first.after(5, 4)
        # The same piece again: the answer to the first one was lost.
        for _ in range(2):
            storage.uploads.put_piece(second, 5, b"6789")
            storage.uploads.complete(second)
        storage.uploads.save(second)
        assert b"".join(storage.uploads.read(upload.tenant_id, upload.id)) == b"123456789"

    def test_a_file_may_be_empty(self, storage, tenant):
        empty = an_upload(tenant_id=tenant, size=0)
        storage.uploads.complete(empty)
        storage.uploads.save(empty)
        assert b"".join(storage.uploads.read(tenant, empty.id)) == b""

    def test_of_two_writers_one_is_refused(self, storage, upload):
        storage.uploads.save(upload.after(0, 5))
        with pytest.raises(Conflict):
            storage.uploads.save(upload.after(0, 4))
        with pytest.raises(Conflict):
            storage.uploads.save(replace(upload, etag=""))

    def test_what_nobody_needs_any_more_is_forgotten(self, storage, upload):
        tenant = upload.tenant_id
        kept = storage.uploads.save(
            an_upload(id="0c" * 16, tenant_id=tenant, keep_until=NOW + timedelta(days=9))
        )
        whole = upload.after(0, 9)
        storage.uploads.put_piece(whole, 0, b"123456789")
        storage.uploads.complete(whole)
        later = NOW + timedelta(days=3)
        assert storage.uploads.forget(tenant, later, limit=1)
        assert not storage.uploads.forget(tenant, later, limit=1)
        assert storage.uploads.get(tenant, upload.id) is None
        with pytest.raises(NotFound):
            storage.uploads.read(tenant, upload.id)
        assert storage.uploads.get(tenant, kept.id) == kept


class TestSignatures:
    def test_each_agent_has_one(self, storage, tenant):
        assert storage.signatures.get(tenant, "ann") == ""
        storage.signatures.put(tenant, "ann", "<p>Ann</p>")
        storage.signatures.put(tenant, "ben", "<p>Ben</p>")
        storage.signatures.put(tenant, "ann", "")
        assert (storage.signatures.get(tenant, "ann"), storage.signatures.get(tenant, "ben")) == (
            "",
            "<p>Ben</p>",
        )
