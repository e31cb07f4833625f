"""Capture as JSON: backfills and previews."""

from datetime import datetime
from typing import Any, cast

from shared.api.models.capture import BackfillModel, PreviewedModel, PreviewModel, ReconciliationModel
from shared.api.models.counts import by_reason
from shared.api.shapes import filing
from shared.domain.capture.backfills import Backfill
from shared.domain.capture.reconciliation import Reconciliation
from shared.domain.filing.explanations import preview_sentence
from shared.services.capture.preview import Previewed, PreviewPage


def backfill(found: Backfill, now: datetime) -> BackfillModel:
    return BackfillModel(
        since=found.since,
        # The state is a text in the domain; pydantic refuses one that the model does not name.
        state=cast("Any", found.state),
        done=found.done,
        expected=found.expected,
        rate_per_minute=found.rate_per_minute(now),
        started_at=found.started_at,
        finished_at=found.finished_at,
    )


def reconciliation(found: Reconciliation) -> ReconciliationModel:
    # A mapping and no keywords, since `from` cannot be one in Python.
    return ReconciliationModel.model_validate(
        {
            "at": found.at,
            "from": found.since,
            "seen": found.seen,
            "filed": found.filed,
            "triaged": found.triaged,
            "waiting": found.waiting,
            "skipped": by_reason(found.skipped),
            "repaired": found.repaired,
        }
    )


def preview(page: PreviewPage) -> PreviewModel:
    return PreviewModel(
        mails=[_previewed(mail) for mail in page.mails],
        seen=page.seen,
        skipped=by_reason(page.skipped),
        cursor=page.cursor,
    )


def _previewed(mail: Previewed) -> PreviewedModel:
    return PreviewedModel.model_validate(
        {
            "received_at": mail.received_at,
            "folder": mail.folder,
            "direction": mail.direction.value,
            "capture": mail.capture,
            "outcome": mail.outcome,
            "reason": mail.reason,
            "sentence": preview_sentence(mail.capture, mail.outcome, mail.reason, mail.direction),
            "links": [filing.link(link) for link in mail.links],
            "subject": mail.subject,
            "from": filing.person(mail.sender) if mail.sender else None,
        }
    )
