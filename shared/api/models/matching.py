"""Rematching in JSON: what today's rules and records would change."""

from datetime import datetime
from typing import Final

from pydantic import Field

from shared.api.models.filing import LINK_EXAMPLE, LinkModel
from shared.api.models.schema import KEY, Answer, Example, NextCursor, shown_as
from shared.api.models.words import Disposition

_DIFFERENCE: Final[Example] = {
    "message_id": KEY,
    "at": "2026-03-02T09:00:00Z",
    "outcome_before": "filed",
    "outcome_after": "triage",
    "gained": [],
    "lost": [LINK_EXAMPLE],
}


class DifferenceModel(Answer):
    """A mail that today's rules and records file differently."""

    model_config = shown_as(_DIFFERENCE)
    message_id: str = Field(description="The message's id in this API.")
    at: datetime = Field(description="When the mail was received.")
    outcome_before: Disposition
    outcome_after: Disposition
    gained: list[LinkModel] = Field(description="The links that it would gain.")
    lost: list[LinkModel] = Field(description="The links that it would lose.")


class RematchModel(Answer):
    """The result of a dry run, or the id of the run that was started."""

    model_config = shown_as({"run": None, "differences": [_DIFFERENCE], "seen": 200, "cursor": None})
    run: str | None = Field(description="The run's id in the log; null for a dry run.")
    differences: list[DifferenceModel] = Field(
        description="The mails that change. A mail that changes because another one does is not included."
    )
    seen: int = Field(description="The number of messages that this page checked.")
    cursor: NextCursor
