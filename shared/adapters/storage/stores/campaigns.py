"""The tables Campaigns and Unsubscribed.

A campaign's row lies in its organisation's partition, newest first; its recipients have a partition of their own. A
recipient's row is small but for its values, so that figures are read a thousand rows at a time without them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any, Final

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, joined, packed, part_names, unescaped, unpacked
from shared.adapters.storage.table import KEYS, Operation, Table, etag_of, in_partition, where
from shared.domain import names
from shared.domain.campaigns.campaigns import ENDED, Campaign, CampaignState, Recipient
from shared.domain.campaigns.consent import Reason, Silence
from shared.domain.errors import Conflict
from shared.domain.filing.entries import inverted

_LISTED: Final = "at:"
_ROW: Final = "id:"
_COLUMNS: Final = ("RowKey", *part_names())
# More than these are looked for among all of an organisation.
_FEW: Final = 100


class AzureCampaigns:
    """Implements `ports.Campaigns`."""

    def __init__(self, connection: Connection) -> None:
        self._table = Table(connection, names.CAMPAIGNS)

    def add(self, campaign: Campaign) -> Campaign:
        """One request; one more where it stands."""
        row = _row(campaign)
        place = {"PartitionKey": row["PartitionKey"], "RowKey": _listed(campaign), "id": campaign.id}
        try:
            etags = self._table.transact([Operation("create", row), Operation("upsert", place)])
        except Conflict:
            standing = self.get(campaign.tenant_id, campaign.id)
            if standing is None:
                raise
            return standing
        return replace(campaign, etag=etags[0])

    def get(self, tenant_id: str, campaign_id: str) -> Campaign | None:
        """One request."""
        row = self._table.get(escaped(tenant_id), _ROW + escaped(campaign_id), _COLUMNS)
        return from_plain(Campaign, unpacked(row), etag=etag_of(row)) if row else None

    def save(self, campaign: Campaign) -> Campaign:
        """One request."""
        return replace(campaign, etag=self._table.write(_row(campaign), campaign.etag))

    def page(self, tenant_id: str, *, limit: int, after: str) -> tuple[list[Campaign], str]:
        """One range query, and a request for each campaign, side by side."""
        condition = in_partition(
            escaped(tenant_id), first=_LISTED, beyond=after if after else "", last=_LISTED + "~"
        )
        rows = list(islice(self._table.rows(condition, select=("RowKey", "id"), page=limit + 1), limit + 1))
        shown = rows[:limit]
        found = self._table.connection.side_by_side(lambda row: self.get(tenant_id, str(row["id"])), shown)
        following = str(shown[-1]["RowKey"]) if len(rows) > limit else ""
        return [campaign for campaign in found if campaign is not None], following

    def running(self, tenant_id: str) -> list[Campaign]:
        """One range query."""
        running = where(state=CampaignState.RUNNING.value)
        condition = f"{in_partition(escaped(tenant_id), first=_ROW, last=_ROW + '~')} and {running}"
        rows = self._table.rows(condition, select=_COLUMNS)
        return [from_plain(Campaign, unpacked(row), etag=etag_of(row)) for row in rows]

    def put_recipients(self, campaign: Campaign, recipients: Sequence[Recipient]) -> None:
        """A request for each hundred rows."""
        partition = _partition(campaign)
        self._table.write_many(Operation("upsert", _recipient_row(partition, row)) for row in recipients)

    def recipients(
        self, campaign: Campaign, *, limit: int, after: int, waiting: bool = False
    ) -> list[Recipient]:
        """One range query; the filter is on Azure's side."""
        beyond = _number(after) if after >= 0 else ""
        condition = in_partition(_partition(campaign), beyond=beyond, last=_number(campaign.recipients))
        if waiting:
            condition += f" and {where(state='waiting')}"
        rows = islice(self._table.rows(condition, select=_COLUMNS, page=limit), limit)
        return [from_plain(Recipient, unpacked(row)) for row in rows]

    def forget(self, tenant_id: str, before: datetime, *, limit: int) -> bool:
        """Some queries, and a request for each row, side by side. The campaign's own row is the last one to go."""
        old = (found for found in self._ended(tenant_id) if found.ended_at and found.ended_at < before)
        campaign = next(old, None)
        if campaign is None:
            return False
        partition = _partition(campaign)
        rows = list(islice(self._table.rows(in_partition(partition), select=KEYS, page=limit), limit))
        self._table.connection.side_by_side(
            lambda row: self._table.delete(partition, str(row["RowKey"])), rows
        )
        if len(rows) < limit:
            self._table.delete(escaped(tenant_id), _listed(campaign))
            self._table.delete(escaped(tenant_id), _ROW + escaped(campaign.id))
        return True

    def _ended(self, tenant_id: str) -> Iterator[Campaign]:
        ended = " or ".join(where(state=state.value) for state in ENDED)
        condition = f"{in_partition(escaped(tenant_id), first=_ROW, last=_ROW + '~')} and ({ended})"
        for row in self._table.rows(condition, select=_COLUMNS):
            yield from_plain(Campaign, unpacked(row), etag=etag_of(row))

    def reasons(self, campaign: Campaign) -> Iterator[tuple[int, str]]:
        """A request for each thousand rows."""
        condition = in_partition(_partition(campaign), last=_number(campaign.recipients))
        for row in self._table.rows(condition, select=("RowKey", "reason")):
            yield int(str(row["RowKey"])), str(row.get("reason") or "")


class AzureSilences:
    """Implements `ports.Silences`."""

    def __init__(self, connection: Connection) -> None:
        self._table = Table(connection, names.UNSUBSCRIBED)

    def put(self, tenant_id: str, silence: Silence) -> None:
        """One request."""
        row = {
            "PartitionKey": escaped(tenant_id),
            "RowKey": escaped(silence.hashed),
            "reason": silence.reason.value,
            "campaign": silence.campaign,
        }
        try:
            self._table.write(row, "")
        except Conflict:
            # Said before, perhaps by this very request.
            return

    def among(self, tenant_id: str, hashes: Iterable[str]) -> Mapping[str, Reason]:
        """A request for each, side by side; of many, one for each thousand that the organisation has."""
        wanted = list(dict.fromkeys(hashes))
        partition = escaped(tenant_id)
        if len(wanted) > _FEW:
            among, known = set(wanted), self._table.rows(in_partition(partition), select=("RowKey", "reason"))
            every = ((unescaped(str(row["RowKey"])), str(row["reason"])) for row in known)
            return {hashed: Reason(reason) for hashed, reason in every if hashed in among}
        rows = self._table.connection.side_by_side(
            lambda hashed: self._table.get(partition, escaped(hashed), ("reason",)), wanted
        )
        pairs = zip(wanted, rows, strict=True)
        return {hashed: Reason(str(row["reason"])) for hashed, row in pairs if row is not None}


def _row(campaign: Campaign) -> dict[str, Any]:
    return {
        "PartitionKey": escaped(campaign.tenant_id),
        "RowKey": _ROW + escaped(campaign.id),
        "state": campaign.state.value,
        **packed(to_plain(campaign)),
    }


def _listed(campaign: Campaign) -> str:
    return f"{_LISTED}{inverted(campaign.created_at)}-{escaped(campaign.id)}"


def _partition(campaign: Campaign) -> str:
    return joined(campaign.tenant_id, escaped(campaign.id))


def _number(number: int) -> str:
    return f"{number:06d}"


def _recipient_row(partition: str, recipient: Recipient) -> dict[str, Any]:
    return {
        "PartitionKey": partition,
        "RowKey": _number(recipient.number),
        "state": "waiting" if recipient.is_waiting else "decided",
        "reason": recipient.left_out.reason if recipient.left_out else "",
        **packed(to_plain(recipient)),
    }
