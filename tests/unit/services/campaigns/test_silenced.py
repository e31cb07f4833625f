"""Which reports of non-delivery keep somebody out of campaigns: a dead address does, a refusal of ours does not."""

import pytest

from shared.domain.mail.bounces import Bounce
from shared.services.sending.undelivered import NoteUndelivered
from tests.builders import TENANT
from tests.unit.services.campaigns.campaign_world import OF_ANN, CampaignWorld, address

PERSON = address(1)
STRANGER = "private@mailbox.example"
REPORTS = [
    (Bounce(PERSON, "5.1.1", permanent=True, diagnostic="User unknown"), {"bounced": 1}),
    (Bounce(PERSON, "5.2.1", permanent=True, diagnostic="Mailbox disabled"), {"bounced": 1}),
    (Bounce(PERSON, "5.7.1", permanent=True, diagnostic="Access denied"), {}),
    (Bounce(PERSON, "5.1.1", permanent=True, diagnostic="Your domain is on a block list"), {}),
    (Bounce(PERSON, "4.4.7", permanent=False, diagnostic="Queue time exceeded"), {}),
    (Bounce(PERSON, "5.3.4", permanent=True, diagnostic="Too large"), {}),
    # Her company forwards it: her own mailbox has it, and nobody wrote to the other address.
    (Bounce(STRANGER, "5.1.1", permanent=True, diagnostic="User unknown"), {}),
]


@pytest.mark.parametrize(("bounce", "reasons"), REPORTS)
def test_a_report_silences_a_dead_recipient_only(bounce: Bounce, reasons: dict[str, int]) -> None:
    world = CampaignWorld()
    contacts = world.contacts(1)
    campaign = world.begin(contacts)
    world.run()
    [mail] = world.storage.outbox.rows.values()
    for _ in range(2):
        world.use_cases.part(NoteUndelivered)(TENANT, mail.id, [bounce])
    assert world.preview_campaign(OF_ANN, world.wanted(contacts)).plan.reasons == reasons
    # It left all the same, and counts so.
    assert world.shares(campaign) == {"sent": 1}
    assert world.figures(campaign).bounced == 1


def test_a_report_about_a_mail_that_never_left_silences_nobody() -> None:
    world = CampaignWorld()
    contacts = world.contacts(1)
    world.use_cases.part(NoteUndelivered)(TENANT, "098227547140000-0f", [REPORTS[0][0]])
    assert world.preview_campaign(OF_ANN, world.wanted(contacts)).plan.reasons == {}
