"""Campaigns in storage: begun once, recipients in order, figures as the outbox has them; and who is silent."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.campaigns.campaigns import CampaignMail, Recipient
from shared.domain.campaigns.consent import Reason, Silence, left_out
from shared.domain.errors import Conflict
from shared.domain.records.records import RecordRef
from shared.domain.sending import transitions
from shared.domain.sending.outbox import CampaignPlace, Problem
from shared.domain.sending.states import State
from tests.builders import NOW, a_campaign, an_outbox_mail


@pytest.fixture
def campaign(tenant):
    return a_campaign(tenant_id=tenant, recipients=4)


def rows():
    values = {"name": "Bo", "homes": ["Mill", "Quay"]}
    records = (RecordRef("property", "P-1"),)
    return [
        Recipient(0, "C-0", "Bo", "bo@fabrikam.example", values, records),
        Recipient(1, "C-1", "", "", left_out=left_out(Reason.NO_ADDRESS)),
        Recipient(2, "C-2", "Li", "li@fabrikam.example", mail_id="mail-2"),
        Recipient(3, "C-3", "Al", "al@fabrikam.example"),
        # Written by a request that was cut off, for a longer list.
        Recipient(4, "C-4", "Ed", "ed@fabrikam.example"),
    ]


class TestCampaigns:
    def test_one_id_makes_one_campaign_and_it_comes_back_as_it_was(self, storage, campaign):
        added = storage.campaigns.add(campaign)
        assert added.etag
        assert storage.campaigns.get(campaign.tenant_id, campaign.id) == added
        assert storage.campaigns.add(replace(campaign, name="Another")) == added
        assert storage.campaigns.get(campaign.tenant_id, "0f" * 16) is None

    def test_of_two_changes_upon_one_reading_one_stands(self, storage, campaign):
        added = storage.campaigns.add(campaign)
        saved = storage.campaigns.save(added.paused(Problem("code", "Sentence.")))
        with pytest.raises(Conflict):
            storage.campaigns.save(added.cancelled(NOW))
        assert storage.campaigns.get(campaign.tenant_id, campaign.id) == saved

    def test_they_are_listed_newest_first_and_the_running_ones_found(self, storage, campaign, tenant):
        many = [
            storage.campaigns.add(
                replace(campaign, id=f"{number:032x}", created_at=NOW + timedelta(hours=number))
            )
            for number in range(3)
        ]
        page, after = storage.campaigns.page(tenant, limit=2, after="")
        assert [found.id for found in page] == [many[2].id, many[1].id]
        page, after = storage.campaigns.page(tenant, limit=2, after=after)
        assert ([found.id for found in page], after) == ([many[0].id], "")
        storage.campaigns.save(many[1].paused())
        assert {found.id for found in storage.campaigns.running(tenant)} == {many[0].id, many[2].id}

    def test_recipients_are_read_by_number_and_those_that_wait(self, storage, campaign):
        written = rows()
        storage.campaigns.put_recipients(campaign, written)
        assert storage.campaigns.recipients(campaign, limit=9, after=-1) == written[:4]
        assert storage.campaigns.recipients(campaign, limit=2, after=0) == written[1:3]
        waiting = storage.campaigns.recipients(campaign, limit=9, after=-1, waiting=True)
        assert [row.number for row in waiting] == [0, 3]
        reasons = [(0, ""), (1, "no_address"), (2, ""), (3, "")]
        assert list(storage.campaigns.reasons(campaign)) == reasons
        storage.campaigns.put_recipients(campaign, [replace(written[0], mail_id="mail-0")])
        assert [
            row.number for row in storage.campaigns.recipients(campaign, limit=9, after=-1, waiting=True)
        ] == [3]

    def test_what_ended_before_a_time_is_forgotten_with_its_recipients(self, storage, campaign, tenant):
        old, new, running = (
            storage.campaigns.add(replace(campaign, id=f"{number:032x}")) for number in range(3)
        )
        for each in (old, new, running):
            storage.campaigns.put_recipients(each, rows())
        storage.campaigns.save(old.cancelled(NOW))
        storage.campaigns.save(new.cancelled(NOW + timedelta(days=2)))
        turns = 0
        while storage.campaigns.forget(tenant, NOW + timedelta(days=1), limit=3):
            turns += 1
        assert 1 <= turns <= 3
        page, _ = storage.campaigns.page(tenant, limit=9, after="")
        assert {found.id for found in page} == {new.id, running.id}
        assert storage.campaigns.get(tenant, old.id) is None
        assert storage.campaigns.recipients(old, limit=9, after=-1) == []
        assert len(storage.campaigns.recipients(new, limit=9, after=-1)) == 4


class TestItsMails:
    def test_the_outbox_says_how_they_stand_with_each_change(self, storage, campaign, tenant):
        place = CampaignPlace(campaign.id, 7, "https://app.example/api/v1/unsubscribe/x")
        mail = transitions.asked_for(
            an_outbox_mail(id="0-1", tenant_id=tenant, key_hash="key", campaign=place)
        )
        other = an_outbox_mail(id="0-2", tenant_id=tenant, key_hash="key 2", campaign=None)
        elsewhere = replace(mail, id="0-3", key_hash="key 3", campaign=replace(place, id="ab" * 16))
        added = [storage.outbox.add(found) for found in (mail, other, elsewhere)]
        assert added[0].campaign == place
        told = lambda: list(storage.outbox.of_campaign(tenant, campaign.id))  # noqa: E731
        assert told() == [CampaignMail(7, "0-1", State.QUEUED)]
        problem = Problem("unsubscribed", "The person has unsubscribed.")
        storage.outbox.save(transitions.left_out(NOW, problem)(added[0]))
        assert told() == [CampaignMail(7, "0-1", State.CANCELLED, "unsubscribed")]
        # A change that another one has overtaken changes neither.
        with pytest.raises(Conflict):
            storage.outbox.save(transitions.cancelled(NOW)(added[0]))
        assert told() == [CampaignMail(7, "0-1", State.CANCELLED, "unsubscribed")]

    def test_the_list_of_mails_is_without_them(self, storage, campaign, tenant):
        from shared.ports.stores.sending import OutboxFilter

        place = CampaignPlace(campaign.id, 0, "")
        storage.outbox.add(
            transitions.asked_for(an_outbox_mail(id="0-1", tenant_id=tenant, key_hash="k", campaign=place))
        )
        page, after = storage.outbox.page(tenant, OutboxFilter(), limit=9, after="")
        assert ([mail.id for mail in page], after) == (["0-1"], "")


class TestSilences:
    def test_what_was_said_first_stays_and_holds_in_one_organisation(self, storage, tenant):
        storage.silences.put(tenant, Silence("0a" * 16, Reason.UNSUBSCRIBED, "ca" * 16))
        storage.silences.put(tenant, Silence("0a" * 16, Reason.BOUNCED))
        storage.silences.put(tenant, Silence("0b" * 16, Reason.BOUNCED))
        asked = ["0a" * 16, "0b" * 16, "0c" * 16]
        expected = {"0a" * 16: Reason.UNSUBSCRIBED, "0b" * 16: Reason.BOUNCED}
        assert storage.silences.among(tenant, asked) == expected
        assert storage.silences.among("another", asked) == {}
        # Of many, all of the organisation's are looked through.
        many = [f"{number:032x}" for number in range(150)]
        assert storage.silences.among(tenant, [*many, *asked]) == expected
