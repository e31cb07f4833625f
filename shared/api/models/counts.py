"""Mails counted by reason, as a list: a free map would have no type in a generated client."""

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


def by_reason(counts: Mapping[str, int]) -> list[ReasonCountModel]:
    """The counts, the largest first."""
    ordered = sorted(counts.items(), key=lambda counted: (-counted[1], counted[0]))
    return [ReasonCountModel(reason=reason, count=count) for reason, count in ordered]
