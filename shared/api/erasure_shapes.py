"""The audit, erasures and deletions as JSON models."""

from collections.abc import Iterable, Iterator

from shared.api.erasure_models import AuditModel, AuditRowModel, DeletionModel, ErasureModel
from shared.domain.privacy.audit import AuditRow
from shared.domain.privacy.erasure import DONE, Deletion, Erasure


def erasure(found: Erasure) -> ErasureModel:
    done = found.state == DONE
    return ErasureModel(
        id=found.id,
        state="done" if done else "running",
        asked_at=found.at,
        step=found.step,
        turn=found.turn if done else found.turn + 1,
        messages=found.messages,
        changed=found.changed,
        done_at=found.done_at,
    )


def deletion(found: Deletion) -> DeletionModel:
    return DeletionModel(
        state="deleted" if found.done_at else "deleting", asked_at=found.at, done_at=found.done_at
    )


def audit(rows: Iterable[AuditRow], cursor: str | None) -> AuditModel:
    return AuditModel(rows=[_row(one) for one in rows], cursor=cursor)


def lines(rows: Iterable[AuditRow]) -> Iterator[str]:
    """One JSON object a line (NDJSON)."""
    return (_row(one).model_dump_json() + "\n" for one in rows)


def _row(row: AuditRow) -> AuditRowModel:
    return AuditRowModel(id=row.id, at=row.at, by=row.by, what=row.what, subjects=list(row.subjects))
