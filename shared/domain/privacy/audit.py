"""The audit: who read or changed what of an organisation, and when. Ids only: never a subject, never an address."""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.filing.person_decisions import PendingChange


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One request that read or changed something, or one person's change to a mail, which has a row of its own.

    `by` is a caller's `audit_name`, or `postledger`; `what` a route's name, or a change's word; `subjects` are ids:
    `message/...`, `contact/...`, `mailbox/` and a keyed hash. `id` is the row's own: a row that is written twice
    stands once.
    """

    id: str
    at: datetime
    by: str
    what: str
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows are wanted; '' = all. `subject` is one of a row's subjects, or what one begins with."""

    by: str = ""
    what: str = ""
    subject: str = ""

    def takes(self, row: AuditRow) -> bool:
        return self.by in ("", row.by) and self.what in ("", row.what) and self._is_about(row)

    def _is_about(self, row: AuditRow) -> bool:
        # The slash keeps message/12 out of what is asked about message/1.
        below = f"{self.subject}/"
        return not self.subject or any(
            subject == self.subject or subject.startswith(below) for subject in row.subjects
        )


def row_of(change: PendingChange) -> AuditRow:
    """The row of a change to a stored mail."""
    return AuditRow(
        change.id, change.at, change.by, change.what, (f"message/{change.message_key}", *change.refs)
    )
