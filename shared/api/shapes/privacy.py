"""The audit, erasures and deletions as JSON."""

from collections.abc import Iterable, Iterator

from shared.api.models.privacy import AuditModel, AuditRowModel, DeletionModel, ErasureModel
from shared.domain.privacy.audit import AuditRow
from shared.domain.privacy.erasure import DONE, Deletion, Erasure


def erasure(found: Erasure) -> ErasureModel:
    is_done = found.state == DONE
    # The domain counts the turns that ended; a reader counts the turn that runs.
    turn = found.turn if is_done else found.turn + 1
    return ErasureModel(
        id=found.id,
        state="done" if is_done else "running",
        asked_at=found.at,
        step=found.step,
        turn=turn,
        messages=found.messages,
        changed=found.changed,
        done_at=found.done_at,
    )


def deletion(found: Deletion) -> DeletionModel:
    return DeletionModel(
        state="deleted" if found.done_at else "deleting", asked_at=found.at, done_at=found.done_at
    )


def audit(rows: Iterable[AuditRow], cursor: str | None) -> AuditModel:
    return AuditModel(rows=[_row(row) for row in rows], cursor=cursor)


def ndjson(rows: Iterable[AuditRow]) -> Iterator[str]:
    """One JSON object a line, made while it is read: an audit may be larger than memory."""
    return (_row(row).model_dump_json() + "\n" for row in rows)


def _row(row: AuditRow) -> AuditRowModel:
    return AuditRowModel(id=row.id, at=row.at, by=row.by, what=row.what, subjects=list(row.subjects))
