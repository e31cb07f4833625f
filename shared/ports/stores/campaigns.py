"""Stores of campaigns, their recipients, and the addresses that get none any more."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from shared.domain.campaigns.campaigns import Campaign, Recipient
from shared.domain.campaigns.consent import Reason, Silence


class Campaigns(Protocol):
    """Campaigns, and a row for each recipient with the values that go into the mail."""

    def add(self, campaign: Campaign) -> Campaign:
        """Insert a campaign. The one that stands under the same id, if there is one."""

    def get(self, tenant_id: str, campaign_id: str) -> Campaign | None: ...

    def save(self, campaign: Campaign) -> Campaign:
        """Replace a campaign as it was read (`etag`). Raises Conflict."""

    def page(self, tenant_id: str, *, limit: int, after: str) -> tuple[list[Campaign], str]:
        """Campaigns newest first, behind the place `after`; and the place of the last one, '' at the end."""

    def running(self, tenant_id: str) -> list[Campaign]: ...

    def put_recipients(self, campaign: Campaign, recipients: Sequence[Recipient]) -> None:
        """Write rows, each over the one with its number."""

    def recipients(
        self, campaign: Campaign, *, limit: int, after: int, waiting: bool = False
    ) -> list[Recipient]:
        """Rows by number, behind `after` (-1: from the first one); `waiting`: only those of whom nothing is decided."""

    def forget(self, tenant_id: str, before: datetime, *, limit: int) -> bool:
        """Take away campaigns that ended before this time, up to `limit` rows; whether more may be left."""

    def reasons(self, campaign: Campaign) -> Iterator[tuple[int, str]]:
        """(number, reason to leave out, '' for none) of every row."""


class Silences(Protocol):
    """Addresses that get no campaigns any more, by keyed hash."""

    def put(self, tenant_id: str, silence: Silence) -> None:
        """Remember one; what was said first stays."""

    def among(self, tenant_id: str, hashes: Iterable[str]) -> Mapping[str, Reason]:
        """Those of these that are silent, and why."""
