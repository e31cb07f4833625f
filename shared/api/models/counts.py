"""Counts: of items for a badge; of mails by reason, as a list, since a free map would have no type in a client."""

from collections.abc import Mapping
from typing import Final

from pydantic import Field

from shared.api.models.schema import Answer, Example, shown_as

SKIPPED_EXAMPLE: Final[list[Example]] = [
    {"reason": "unknown_people", "count": 350},
    {"reason": "staff_only", "count": 7},
]


class ReasonCountModel(Answer):
    """The number of mails with a reason."""

    model_config = shown_as(SKIPPED_EXAMPLE[0])
    reason: str = Field(description="The rule that decided.")
    count: int = Field(description="The number of mails.")


class CountModel(Answer):
    """The number of items, for a badge."""

    model_config = shown_as({"count": 12, "more": False})
    count: int = Field(description="The number of items that were counted.")
    more: bool = Field(description="Whether there are more than that.")


def by_reason(counts: Mapping[str, int]) -> list[ReasonCountModel]:
    """The counts, the largest first."""
    ordered = sorted(counts.items(), key=lambda counted: (-counted[1], counted[0]))
    return [ReasonCountModel(reason=reason, count=count) for reason, count in ordered]
