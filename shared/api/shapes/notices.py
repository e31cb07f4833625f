"""Notices as JSON."""

from collections.abc import Iterator, Mapping

from shared.api.models.notices import NoticeModel, NoticesModel
from shared.domain.notices.notices import Notice
from shared.domain.records.records import Record, RecordRef
from shared.services.notices.reading import NoticePage


def page(found: NoticePage) -> NoticesModel:
    notices = [_notice(notice, found.records) for notice in found.notices]
    return NoticesModel.model_validate({"count": found.count, "notices": notices, "cursor": found.cursor})


def _notice(notice: Notice, records: Mapping[RecordRef, Record]) -> NoticeModel:
    sender = {"name": notice.sender.name, "address": notice.sender.address}
    return NoticeModel.model_validate(
        {
            "id": notice.id,
            "kind": notice.kind.value,
            "message_id": notice.message_key,
            "answers": notice.answers,
            "at": notice.at,
            "from": sender,
            "subject": notice.subject,
            "preview": notice.preview,
            "has_attachments": notice.has_attachments,
            "records": list(_records(notice, records)),
        }
    )


def _records(notice: Notice, records: Mapping[RecordRef, Record]) -> Iterator[dict[str, str]]:
    """As they stand now: a merged one under the record in its place, once; none that is gone."""
    standing = {records[ref].ref: records[ref] for ref in notice.records if ref in records}
    for ref, record in standing.items():
        yield {"kind": ref.kind, "id": ref.id, "name": record.name}
