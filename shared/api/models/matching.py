"""Rematching in JSON: what today's rules and records would change."""

from datetime import datetime
from typing import Final

from pydantic import BaseModel, Field

from shared.api.models.filing import LINK_EXAMPLE, LinkModel
from shared.api.models.schema import KEY, Example, shown_as

_DIFFERENCE: Final[Example] = {
    "message_id": KEY,
    "at": "2026-03-02T09:00:00Z",
    "outcome_before": "filed",
    "outcome_after": "triage",
    "gained": [],
    "lost": [LINK_EXAMPLE],
}


class DifferenceModel(BaseModel):
    """A mail that today's rules and records file differently."""

    model_config = shown_as(_DIFFERENCE)
    message_id: str
    at: datetime
    outcome_before: str = Field(description="filed or triage.")
    outcome_after: str
    gained: list[LinkModel]
    lost: list[LinkModel]


class RematchModel(BaseModel):
    """The result of a dry run, or the id of the run that was started."""

    model_config = shown_as({"run": None, "differences": [_DIFFERENCE], "seen": 200, "cursor": None})
    run: str | None = Field(description="The run's id in the log; null for a dry run.")
    differences: list[DifferenceModel] = Field(
        description="The mails that change. A mail that changes because another one does is not included."
    )
    seen: int = Field(description="The number of messages that this page checked.")
    cursor: str | None
