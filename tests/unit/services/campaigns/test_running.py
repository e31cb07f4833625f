"""A campaign from its request to its end: one mail each, whoever is killed, and figures that are sums of rows."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.campaigns.campaigns import MOST_WAITING, CampaignState, Share
from shared.domain.campaigns.plans import PersonWanted, RecipientQuery
from shared.domain.commands.commands import RunCampaign
from shared.domain.errors import Forbidden, InvalidInput, Unavailable, Unknown, WrongState
from shared.domain.mail import codes
from shared.domain.mail.templates import MailTemplate
from shared.domain.records.records import RecordRef
from shared.domain.sending import transitions
from shared.domain.sending.outbox import Problem
from shared.domain.sending.states import State
from tests.builders import AGENT as ANN
from tests.builders import CODE_KEYS, TENANT, a_record, rewrite
from tests.unit.services.campaigns.campaign_world import (
    BOSS,
    CRM,
    OF_ANN,
    OTHER,
    TEMPLATE,
    CampaignWorld,
    address,
)


@pytest.fixture
def world() -> CampaignWorld:
    return CampaignWorld()


def test_everybody_gets_one_mail_with_a_code_and_an_entry_of_its_own(world: CampaignWorld) -> None:
    campaign = world.begin(world.contacts(45))
    world.run()
    assert world.got == Counter({address(number): 1 for number in range(1, 46)})
    assert world.shares(campaign) == {"sent": 45}
    assert world.campaign(campaign).state is CampaignState.DONE
    mails = list(world.storage.outbox.rows.values())
    assert len({mail.code.number for mail in mails}) == 45
    for mail in mails:
        assert codes.find(mail.subject, CODE_KEYS, TENANT).codes == (mail.code,)
        assert (len(mail.to), mail.cc, mail.bcc, mail.sender.address) == (1, (), (), ANN)
        assert mail.records[0].kind == "contact"
    assert {mail.records[0].id for mail in mails} == {f"C-{number}" for number in range(1, 46)}
    assert any("Dear Person 7," in mail.text and mail.to[0].address == address(7) for mail in mails)


def test_the_outbox_never_holds_more_than_a_page_of_it(world: CampaignWorld) -> None:
    world.begin(world.contacts(60))
    world.storage.faults.named["Sender.draft"] = Unavailable("busy")
    for _ in range(6):
        world.step()
    waiting = [mail for mail in world.storage.outbox.rows.values() if not mail.has_ended]
    assert len(waiting) == MOST_WAITING
    world.storage.faults.named.clear()
    world.run()
    assert len(world.outbound) == 60


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_write_nobody_gets_two_and_nobody_none(when: str) -> None:
    dry = CampaignWorld()
    dry.begin(dry.contacts(3))
    dry.run()
    expected = Counter({address(number): 1 for number in (1, 2, 3)})
    writes = len(dry.storage.faults.writes)
    assert writes > 30
    for number in range(1, writes + 1):
        world = CampaignWorld()
        contacts = world.contacts(3)
        getattr(world.storage.faults, f"kill_{when}")(number)
        campaign = begun_whoever_dies(world, contacts)
        for _ in range(40):
            world.step()
            sums = world.figures(campaign)
            assert world.campaign(campaign).state is not CampaignState.DONE or sums.is_done, number
            if world.campaign(campaign).has_ended and world.is_quiet:
                break
        else:
            world.wake()
            world.run()
        assert world.got == expected, (when, number)
        assert world.shares(campaign) == {"sent": 3}, (when, number)
        assert world.campaign(campaign).state is CampaignState.DONE


def begun_whoever_dies(world: CampaignWorld, contacts: list[str]) -> Any:
    """The client repeats a request without an answer under its key."""
    from tests.fakes.faults import Killed

    try:
        return world.begin(contacts)
    except Killed:
        world.restart()
        return world.begin(contacts)


def test_two_workers_at_once_ask_for_nobody_twice(world: CampaignWorld) -> None:
    campaign = world.begin(world.contacts(30))
    command = RunCampaign(tenant_id=TENANT, first_at=world.now, campaign=campaign.id, turn=0)
    for _ in range(3):
        world.run_campaign(command)
    world.run()
    assert world.got == Counter({address(number): 1 for number in range(1, 31)})


def test_a_command_that_was_lost_is_sent_anew(world: CampaignWorld) -> None:
    campaign = world.begin(world.contacts(25))
    world.step()
    world.storage.queue.sent.clear()
    world._open = []
    world.wake()
    world.run()
    assert world.shares(campaign) == {"sent": 25}


def test_it_is_paused_resumed_and_cancelled(world: CampaignWorld) -> None:
    campaign = world.begin(world.contacts(50))
    world.run_campaign(RunCampaign(tenant_id=TENANT, first_at=world.now, campaign=campaign.id))
    assert world.decide_on_campaign.pause(OF_ANN, campaign.id).state is CampaignState.PAUSED
    for _ in range(5):
        world.step()
    # What waited in the outbox waits on: paused is paused.
    assert world.outbound == []
    assert world.shares(campaign) == {"on_its_way": 20, "waiting": 30}
    assert world.decide_on_campaign.pause(OF_ANN, campaign.id).state is CampaignState.PAUSED

    assert world.decide_on_campaign.resume(OF_ANN, campaign.id).is_running
    world.step()
    assert len(world.outbound) >= 10
    while len(world.outbound) < 25:
        world.step()
    world.now += timedelta(seconds=1)
    world.run_campaign(RunCampaign(tenant_id=TENANT, first_at=world.now, campaign=campaign.id, turn=99))
    left = len(world.outbound)
    assert world.decide_on_campaign.cancel(OF_ANN, campaign.id).state is CampaignState.CANCELLED
    for _ in range(5):
        world.step()
    assert len(world.outbound) == left
    assert world.shares(campaign) == {"sent": left, "cancelled": 50 - left}
    for verb in ("pause", "resume"):
        with pytest.raises(WrongState):
            getattr(world.decide_on_campaign, verb)(OF_ANN, campaign.id)
    assert world.decide_on_campaign.cancel(OF_ANN, campaign.id).state is CampaignState.CANCELLED


def test_a_mailbox_that_cannot_send_pauses_the_campaign_and_says_why(world: CampaignWorld) -> None:
    campaign = world.begin(world.contacts(5))
    world.mailbox = rewrite(world.storage.mailboxes, world.mailbox, enabled=False)
    world.step()
    paused = world.campaign(campaign)
    assert paused.state is CampaignState.PAUSED
    assert paused.problem is not None
    assert "paused" in paused.problem.detail
    world.mailbox = rewrite(world.storage.mailboxes, world.mailbox, enabled=True)
    world.decide_on_campaign.resume(BOSS, campaign.id)
    world.run()
    assert world.shares(campaign) == {"sent": 5}
    assert world.campaign(campaign).problem is None


def test_an_agent_who_loses_the_mailbox_pauses_the_campaign_and_leaves_nobody_out(
    world: CampaignWorld,
) -> None:
    sales = {"address": "sales@contoso.example", "agent": "chief@contoso.example", "agent_id": "chief"}
    world.mailbox = rewrite(world.storage.mailboxes, world.mailbox, senders=(ANN,), **sales)
    campaign = world.begin(world.contacts(3), sender=sales["address"])
    world.mailbox = rewrite(world.storage.mailboxes, world.mailbox, senders=())
    world.step()
    paused = world.campaign(campaign)
    assert (paused.state, world.shares(campaign)) == (CampaignState.PAUSED, {"waiting": 3})
    assert paused.problem is not None
    assert "may not send from sales@" in paused.problem.detail
    world.mailbox = rewrite(world.storage.mailboxes, world.mailbox, senders=(ANN,))
    world.decide_on_campaign.resume(OF_ANN, campaign.id)
    world.run()
    assert world.shares(campaign) == {"sent": 3}


def test_a_campaign_whose_mailbox_is_gone_is_paused(world: CampaignWorld) -> None:
    campaign = world.begin(world.contacts(3))
    world.storage.mailboxes.rows.clear()
    world.step()
    assert world.campaign(campaign).state is CampaignState.PAUSED
    assert world.shares(campaign) == {"waiting": 3}


def test_figures_follow_the_rows_of_the_outbox(world: CampaignWorld) -> None:
    campaign = world.begin(world.contacts(6))
    world.run()
    mails = sorted(world.storage.outbox.rows.values(), key=lambda mail: mail.to[0].address)
    bounced = transitions.bounced(world.now, (mails[0].to[0].address,), "There is no such mailbox.")
    world.storage.outbox.save(bounced(mails[0]))
    world.storage.outbox.save(replace(mails[1], state=State.FAILED, error=Problem("code", "Sentence.")))
    world.storage.outbox.save(
        replace(mails[2], state=State.OUTCOME_UNKNOWN, error=Problem("code", "Sentence."))
    )
    world.storage.outbox.save(replace(mails[3], state=State.CANCELLED))
    assert world.shares(campaign) == {"sent": 3, "failed": 1, "outcome_unknown": 1, "cancelled": 1}
    assert world.figures(campaign).bounced == 1


def test_a_key_makes_one_campaign(world: CampaignWorld) -> None:
    contacts = world.contacts(3)
    first = world.begin(contacts)
    assert world.begin(contacts).id == first.id
    world.run()
    assert world.begin(contacts).state is CampaignState.DONE
    assert len(world.outbound) == 3
    with pytest.raises(WrongState, match="another campaign"):
        world.begin(contacts[:2])
    assert world.begin(contacts, key="another").id != first.id
    # Another caller's key is another key.
    assert world.begin(contacts, caller=CRM, agent=ANN).id != first.id


def test_missing_values_are_refused_before_anything_leaves_and_named(world: CampaignWorld) -> None:
    template = MailTemplate("News", "<p>Dear {{ first_name }},</p>")
    contacts = world.contacts(4)
    given: tuple[dict[str, Any], ...] = (
        {"first_name": "Jane"},
        {"first_name": ""},
        {"first_name": "   "},
        {},
    )
    people = tuple(PersonWanted(contact, values) for contact, values in zip(contacts, given, strict=True))
    with pytest.raises(InvalidInput, match="'first_name' of C-2, C-3, C-4"):
        world.begin([], people=people, template=template)
    assert (world.campaigns, world.storage.outbox.rows) == ([], {})

    preview = world.preview_campaign(OF_ANN, world.wanted([], people=people, template=template))
    assert [example.contact for example in preview.examples] == ["C-2", "C-3", "C-4", "C-1"]
    assert [bool(example.mail.missing) for example in preview.examples] == [True, True, True, False]

    world.begin([], people=people, template=template, defaults={"first_name": "customer"})
    world.run()
    bodies = [mail.html for mail in world.storage.outbox.rows.values()]
    assert sum("Dear customer," in body for body in bodies) == 3
    assert sum("Dear Jane," in body for body in bodies) == 1
    assert not any("Dear ," in body or "None" in body or "{{" in body for body in bodies)


def test_recipients_may_be_found_by_what_is_said_of_records(world: CampaignWorld) -> None:
    world.contacts(3, client="K-1")
    world.storage.records.put_many(
        TENANT,
        [
            world.contact(4, client="K-2"),
            world.contact(5, status="closed", client="K-1"),
            a_record("property/P-1", contacts=("C-1", "C-4"), client="K-1", type="flat"),
            a_record("property/P-2", contacts=("C-2",), client="K-2"),
        ],
    )
    campaign = world.begin([], people=(), query=RecipientQuery("contact", client="K-1"))
    world.run()
    assert world.got == Counter({address(number): 1 for number in (1, 2, 3)})
    assert world.figures(campaign).all == 3
    world.begin([], "key 2", people=(), query=RecipientQuery("property", type="flat"))
    world.run()
    assert world.got[address(4)] == 1
    latest = [mail for mail in world.storage.outbox.rows.values() if mail.to[0].address == address(4)]
    assert latest[0].records == (RecordRef("contact", "C-4"), RecordRef("property", "P-1"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"people": ()}, "Name the recipients"),
        ({"query": RecipientQuery("contact")}, "one of them"),
        ({"template": MailTemplate(" ", "<p>x</p>")}, "'subject' is empty"),
        ({"template": MailTemplate("x", " ")}, "says nothing"),
        ({"template": MailTemplate("x", "<script>1</script>")}, "script"),
        ({"template": MailTemplate("{{ x", "<p>x</p>")}, "'subject' cannot be filled"),
        ({"records": (RecordRef("property", "P-9"),)}, "property/P-9"),
    ],
)
def test_what_cannot_be_sent_is_refused_at_once(
    world: CampaignWorld, changes: dict[str, Any], said: str
) -> None:
    contacts = world.contacts(2)
    with pytest.raises(InvalidInput, match=said):
        world.begin(contacts, **changes)
    assert world.campaigns == []


def test_too_many_recipients_are_refused(world: CampaignWorld) -> None:
    with pytest.raises(InvalidInput, match="10,000"):
        world.begin([f"C-{number}" for number in range(10_001)])


def test_nobody_sends_from_a_colleagues_mailbox_and_a_service_names_an_agent(world: CampaignWorld) -> None:
    contacts = world.contacts(2)
    with pytest.raises(Forbidden):
        world.begin(contacts, caller=OTHER, sender=ANN)
    with pytest.raises(InvalidInput, match="agent"):
        world.begin(contacts, caller=CRM)
    campaign = world.begin(contacts, caller=CRM, agent=ANN)
    world.run()
    assert world.shares(campaign) == {"sent": 2}


def test_a_campaign_is_seen_by_who_asked_for_it_by_its_agent_and_by_admins(world: CampaignWorld) -> None:
    campaign = world.begin(world.contacts(2), caller=CRM, agent=ANN)
    for caller in (CRM, OF_ANN, BOSS):
        assert world.read_campaigns(caller, campaign.id) == campaign
        assert world.read_campaigns.page(caller, limit=5, after="")[0] == [campaign]
    for act in (world.read_campaigns, world.decide_on_campaign.cancel, world.decide_on_campaign.pause):
        with pytest.raises(Unknown):
            act(OTHER, campaign.id)
    assert world.read_campaigns.page(OTHER, limit=5, after="") == ([], "")


def test_recipients_are_read_in_pages(world: CampaignWorld) -> None:
    campaign = world.begin(world.contacts(5), template=TEMPLATE)
    world.run()
    seen: list[tuple[str, str]] = []
    after: int | None = -1
    while after is not None:
        _, rows, after = world.read_campaigns.recipients(OF_ANN, campaign.id, limit=2, after=after)
        seen += [(row.recipient.contact, row.mail.share.value if row.mail else "") for row in rows]
    assert seen == [(f"C-{number}", Share.SENT.value) for number in range(1, 6)]


def test_it_goes_on_over_a_night(world: CampaignWorld) -> None:
    """Nothing of it is kept in a process."""
    campaign = world.begin(world.contacts(30))
    world.step()
    world.now += timedelta(hours=9)
    world.run()
    assert world.shares(campaign) == {"sent": 30}
