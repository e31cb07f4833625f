"""Capture in JSON: reconciliation, backfills and previews of a mailbox. All figures count mails."""

from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, Field

from shared.api.models.filing import LINK_EXAMPLE, PERSON_EXAMPLE, LinkModel, PersonModel
from shared.api.models.schema import Body, Example, shown_as

RECONCILIATION_EXAMPLE: Final[Example] = {
    "at": "2026-03-02T02:31:07Z",
    "from": "2026-02-28T02:31:07Z",
    "seen": 420,
    "filed": 61,
    "triaged": 2,
    "waiting": 0,
    "skipped": {"unknown_people": 350, "staff_only": 7},
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


class ReconciliationModel(BaseModel):
    """The last comparison of the mailbox with the ledger, in mails."""

    model_config = shown_as(RECONCILIATION_EXAMPLE)
    at: datetime
    since: datetime = Field(
        alias="from", description="The comparison covers mail received between this time and `at`."
    )
    seen: int = Field(description="filed + triaged + skipped + waiting.")
    filed: int
    triaged: int
    waiting: int = Field(description="Captured mails that Postledger has not read yet.")
    skipped: dict[str, int] = Field(description="The skipped mails by reason.")
    repaired: int = Field(
        description="Mails that the ledger lacked, or held without a result; they are decided again."
    )


class BackfillFields(Body):
    """The start of the history that you want."""

    model_config = shown_as({"since": "2025-09-01T00:00:00Z"})
    # JSON has no dates: strict mode would accept none from a text.
    since: datetime = Field(strict=False, description="A date and time with its time zone (ISO 8601).")


class BackfillModel(BaseModel):
    """The backfill that is running, or the last one, in mails."""

    model_config = shown_as(BACKFILL_EXAMPLE)
    since: datetime
    state: Literal["running", "done", "cancelled"]
    done: int = Field(description="The mails that are finished: filed, or skipped.")
    expected: int = Field(description="The mails that the mailbox held at the start; 0 before the count.")
    rate_per_minute: float
    started_at: datetime
    finished_at: datetime | None


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


class PreviewedModel(BaseModel):
    """A mail that would be captured. Subject and sender are null if the caller could not read the mail later."""

    model_config = shown_as(_PREVIEWED)
    received_at: datetime
    folder: str
    direction: str
    capture: str = Field(description="The rule that captures the mail.")
    outcome: str = Field(description="filed or triage.")
    reason: str = Field(description="The rule of its best link, or the reason why it has none.")
    sentence: str
    links: list[LinkModel]
    subject: str | None
    sender: PersonModel | None = Field(alias="from")


class PreviewModel(BaseModel):
    """A page of mails that would be captured, oldest first within each folder. Nothing was stored."""

    model_config = shown_as(
        {"mails": [_PREVIEWED], "seen": 3, "skipped": {"unknown_people": 2}, "cursor": None}
    )
    mails: list[PreviewedModel]
    seen: int = Field(description="The number of mails that this page checked.")
    skipped: dict[str, int] = Field(description="The mails that would be skipped, by reason.")
    cursor: str | None
