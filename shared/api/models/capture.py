"""Capture in JSON: reconciliation, backfills and previews of a mailbox. All figures count mails."""

from datetime import datetime
from typing import Final

from pydantic import Field

from shared.api.models.counts import SKIPPED_EXAMPLE, ReasonCountModel
from shared.api.models.filing import LINK_EXAMPLE, PERSON_EXAMPLE, LinkModel, PersonModel
from shared.api.models.schema import Answer, Body, Example, Moment, NextCursor, shown_as
from shared.api.models.words import BackfillState, Direction, Disposition

RECONCILIATION_EXAMPLE: Final[Example] = {
    "at": "2026-03-02T02:31:07Z",
    "from": "2026-02-28T02:31:07Z",
    "seen": 420,
    "filed": 61,
    "triaged": 2,
    "waiting": 0,
    "skipped": SKIPPED_EXAMPLE,
    "repaired": 0,
}
BACKFILL_EXAMPLE: Final[Example] = {
    "since": "2025-09-01T00:00:00Z",
    "state": "running",
    "done": 4200,
    "expected": 20000,
    "rate_per_minute": 840.0,
    "started_at": "2026-03-02T08:50:00Z",
    "finished_at": None,
}


class ReconciliationModel(Answer):
    """The last comparison of the mailbox with the ledger, in mails."""

    model_config = shown_as(RECONCILIATION_EXAMPLE)
    at: datetime = Field(description="When the comparison was made.")
    since: datetime = Field(
        alias="from", description="The comparison covers mail received between this time and `at`."
    )
    seen: int = Field(description="filed + triaged + skipped + waiting.")
    filed: int = Field(description="Mails on a timeline.")
    triaged: int = Field(description="Mails in My Inbox.")
    waiting: int = Field(description="Captured mails that Postledger has not read yet.")
    skipped: list[ReasonCountModel] = Field(
        description="The skipped mails by reason, the most frequent first."
    )
    repaired: int = Field(
        description="Mails that the ledger lacked, or held without a result; they are decided again."
    )


class BackfillFields(Body):
    """The start of the history that you want."""

    model_config = shown_as({"since": "2025-09-01T00:00:00Z"})
    since: Moment = Field(description="A date and time (ISO 8601); without a time zone it is UTC.")


class BackfillModel(Answer):
    """The backfill that is running, or the last one, in mails."""

    model_config = shown_as(BACKFILL_EXAMPLE)
    since: datetime = Field(description="The start of the history that was asked for.")
    state: BackfillState
    done: int = Field(description="The mails that are finished: filed, or skipped.")
    expected: int = Field(description="The mails that the mailbox held at the start; 0 before the count.")
    rate_per_minute: float = Field(description="Mails a minute since the start.")
    started_at: datetime = Field(description="When it was asked for.")
    finished_at: datetime | None = Field(description="When it ended; null while it runs.")


_PREVIEWED: Final[Example] = {
    "received_at": "2026-03-02T09:00:00Z",
    "folder": "inbox",
    "direction": "in",
    "capture": "known_address",
    "outcome": "filed",
    "reason": "contact_address",
    "sentence": "Kept, because one of its participants has the address of a known record.",
    "links": [LINK_EXAMPLE],
    "subject": "Viewing on Thursday",
    "from": PERSON_EXAMPLE,
}


class PreviewedModel(Answer):
    """A mail that would be captured. Subject and sender are null if the caller could not read the mail later."""

    model_config = shown_as(_PREVIEWED)
    received_at: datetime = Field(description="When the mail was received.")
    folder: str = Field(description="A well-known folder name, or the folder's id.")
    direction: Direction
    capture: str = Field(description="The rule that captures the mail.")
    outcome: Disposition
    reason: str = Field(description="The rule of its best link, or the reason why it has none.")
    sentence: str = Field(description="The reason as a sentence.")
    links: list[LinkModel] = Field(description="The records on which it would be filed.")
    subject: str | None = Field(description="The subject; null if it is not for you to read.")
    sender: PersonModel | None = Field(alias="from")


class PreviewModel(Answer):
    """A page of mails that would be captured, oldest first within each folder. Nothing was stored."""

    model_config = shown_as(
        {
            "mails": [_PREVIEWED],
            "seen": 3,
            "skipped": [{"reason": "unknown_people", "count": 2}],
            "cursor": None,
        }
    )
    mails: list[PreviewedModel] = Field(description="The mails that would be captured.")
    seen: int = Field(description="The number of mails that this page checked.")
    skipped: list[ReasonCountModel] = Field(description="The mails that would be skipped, by reason.")
    cursor: NextCursor
