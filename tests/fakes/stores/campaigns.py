"""Campaigns, their recipients, and the addresses that get none any more, in memory."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from shared.domain.campaigns.campaigns import Campaign, Recipient
from shared.domain.campaigns.consent import Reason, Silence
from shared.domain.filing.entries import inverted
from tests.fakes.etags import Etags, check_etag
from tests.fakes.faults import Faults


class FakeCampaigns:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], Campaign] = {}
        self.listed: dict[tuple[str, str, int], Recipient] = {}
        self._etags = Etags()

    def add(self, campaign: Campaign) -> Campaign:
        with self.faults.write("Campaigns.add"):
            standing = self.rows.get((campaign.tenant_id, campaign.id))
            return standing or self._write(campaign)

    def get(self, tenant_id: str, campaign_id: str) -> Campaign | None:
        self.faults.read("Campaigns.get")
        return self.rows.get((tenant_id, campaign_id))

    def save(self, campaign: Campaign) -> Campaign:
        with self.faults.write("Campaigns.save"):
            found = self.rows.get((campaign.tenant_id, campaign.id))
            check_etag(found.etag if found else None, campaign.etag)
            return self._write(campaign)

    def page(self, tenant_id: str, *, limit: int, after: str) -> tuple[list[Campaign], str]:
        self.faults.read("Campaigns.page")
        rows = {_place(campaign): campaign for campaign in self._of(tenant_id)}
        places = [place for place in sorted(rows) if place > after]
        following = places[limit - 1] if len(places) > limit else ""
        return [rows[place] for place in places[:limit]], following

    def running(self, tenant_id: str) -> list[Campaign]:
        self.faults.read("Campaigns.running")
        return [campaign for campaign in self._of(tenant_id) if campaign.is_running]

    def put_recipients(self, campaign: Campaign, recipients: Sequence[Recipient]) -> None:
        with self.faults.write("Campaigns.put_recipients"):
            for recipient in recipients:
                self.listed[campaign.tenant_id, campaign.id, recipient.number] = recipient

    def recipients(
        self, campaign: Campaign, *, limit: int, after: int, waiting: bool = False
    ) -> list[Recipient]:
        self.faults.read("Campaigns.recipients")
        rows = [row for row in self._rows(campaign) if row.number > after]
        return [row for row in rows if row.is_waiting or not waiting][:limit]

    def forget(self, tenant_id: str, before: datetime, *, limit: int) -> bool:
        with self.faults.write("Campaigns.forget"):
            old = [found for found in self._of(tenant_id) if found.has_ended and found.ended_at]
            going = [found for found in old if found.ended_at and found.ended_at < before]
            for campaign in going[:1]:
                self.rows.pop((tenant_id, campaign.id))
                for key in [key for key in self.listed if key[:2] == (tenant_id, campaign.id)]:
                    del self.listed[key]
            return bool(going)

    def reasons(self, campaign: Campaign) -> Iterator[tuple[int, str]]:
        self.faults.read("Campaigns.reasons")
        rows = self._rows(campaign)
        return iter([(row.number, row.left_out.reason if row.left_out else "") for row in rows])

    def _of(self, tenant_id: str) -> list[Campaign]:
        return [campaign for (tenant, _), campaign in self.rows.items() if tenant == tenant_id]

    def _rows(self, campaign: Campaign) -> list[Recipient]:
        place = (campaign.tenant_id, campaign.id)
        rows = [row for key, row in self.listed.items() if key[:2] == place]
        return sorted((row for row in rows if row.number < campaign.recipients), key=lambda row: row.number)

    def _write(self, campaign: Campaign) -> Campaign:
        written = replace(campaign, etag=self._etags())
        self.rows[campaign.tenant_id, campaign.id] = written
        return written


def _place(campaign: Campaign) -> str:
    return f"{inverted(campaign.created_at)}-{campaign.id}"


class FakeSilences:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], Silence] = {}

    def put(self, tenant_id: str, silence: Silence) -> None:
        with self.faults.write("Silences.put"):
            self.rows.setdefault((tenant_id, silence.hashed), silence)

    def among(self, tenant_id: str, hashes: Iterable[str]) -> Mapping[str, Reason]:
        self.faults.read("Silences.among")
        found = {hashed: self.rows.get((tenant_id, hashed)) for hashed in hashes}
        return {hashed: silence.reason for hashed, silence in found.items() if silence}
