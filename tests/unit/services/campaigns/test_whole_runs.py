"""A campaign through it all: workers that die, pauses, another limit; its figures are true at every look."""

import random
from collections import Counter
from datetime import timedelta

import pytest

from shared.domain.campaigns.campaigns import Campaign, CampaignState, Share
from shared.domain.sending.states import State
from tests.builders import TENANT, an_organisation
from tests.unit.services.campaigns.campaign_world import OF_ANN, CampaignWorld, address

COUNT = 60
ON_THEIR_WAY = (State.QUEUED, State.HELD, State.DRAFTED, State.SENDING)


def looked_at(world: CampaignWorld, campaign: Campaign) -> None:
    """What is told is what the rows say, and nobody is missing from a campaign that is done."""
    found = world.figures(campaign)
    rows = [mail for mail in world.storage.outbox.rows.values() if mail.campaign is not None]
    assert sum(found.shares.values()) == found.all == COUNT
    assert found.shares[Share.WAITING] == COUNT - len(rows)
    assert found.shares[Share.ON_ITS_WAY] == sum(mail.state in ON_THEIR_WAY for mail in rows)
    if world.campaign(campaign).state is CampaignState.DONE:
        assert found.shares[Share.SENT] == COUNT


def limited(world: CampaignWorld, mails_per_minute: int) -> None:
    standing = world.storage.organisations.get(TENANT)
    assert standing is not None
    limits = {"own_domains": ("contoso.example",), "mails_per_minute": mails_per_minute}
    world.storage.organisations.put(an_organisation(**limits, etag=standing.etag))


@pytest.mark.parametrize("seed", range(4))
def test_222_killed_paused_and_limited_anew_everybody_gets_one_and_the_figures_say_so(seed: int) -> None:
    dice = random.Random(seed)
    world = CampaignWorld()
    campaign = world.begin(world.contacts(COUNT))
    for step in range(400):
        world.storage.faults.clear()
        if dice.random() < 0.5:
            kill = dice.choice((world.storage.faults.kill_before, world.storage.faults.kill_after))
            kill(dice.randint(1, 40))
        world.step()
        world.storage.faults.clear()
        looked_at(world, campaign)
        if step in (5, 25) and world.campaign(campaign).is_running:
            world.decide_on_campaign.pause(OF_ANN, campaign.id)
        if step in (12, 31) and world.campaign(campaign).state is CampaignState.PAUSED:
            world.decide_on_campaign.resume(OF_ANN, campaign.id)
        if step == 15:
            limited(world, mails_per_minute=7)
        if step % 40 == 39:
            world.wake()
        world.now += timedelta(seconds=20)
        if world.campaign(campaign).state is CampaignState.DONE and world.is_quiet:
            break
    assert world.campaign(campaign).state is CampaignState.DONE
    assert world.shares(campaign) == {"sent": COUNT}
    assert world.got == Counter({address(number): 1 for number in range(1, COUNT + 1)})
