"""Who gets no campaign: told when it is asked for, and asked again at each person's turn, by address."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.domain.campaigns.campaigns import CampaignState
from shared.domain.campaigns.consent import Reason, Silence
from shared.domain.commands.commands import RunCampaign
from shared.domain.privacy.erasure import suppression
from shared.domain.records.records import RecordRef
from shared.domain.sending import transitions
from shared.domain.sending.drafting import READING
from shared.domain.sending.quoting import chain_of
from shared.domain.sending.states import State
from shared.domain.sending.wanted import MailWanted
from shared.services.capture.scopes import hasher_of
from tests.builders import AGENT as ANN
from tests.builders import HASH_KEY, TENANT, a_document, a_record, people
from tests.unit.services.campaigns.campaign_world import OF_ANN, CampaignWorld, address

HASHER = hasher_of(HASH_KEY, TENANT)
World = CampaignWorld


@pytest.fixture
def world() -> World:
    return World()


def hashed(number: int) -> str:
    return HASHER.addresses([address(number)])[0]


def unsubscribe(world: World) -> None:
    link = world.use_cases.ask_campaign.plan  # the use case is built
    assert link is not None
    url = world.use_cases.preview_campaign.make_link(TENANT, "ab" * 16, address(1))
    assert world.use_cases.unsubscribe(url.rpartition("/")[2])


def bounce(world: World) -> None:
    world.storage.silences.put(TENANT, Silence(hashed(1), Reason.BOUNCED))


def configure(world: World, **changes: Any) -> None:
    organisation = world.storage.organisations.get(TENANT)
    assert organisation is not None
    world.storage.organisations.put(replace(organisation, **changes))


def erase(world: World) -> None:
    configure(world, erased=frozenset({suppression(HASHER, address(1))}))


def never_log(world: World) -> None:
    configure(world, never_log=(address(1),))


def never_log_domain(world: World) -> None:
    configure(world, never_log=("fabrikam.example",))


def own_domain(world: World) -> None:
    configure(world, own_domains=("fabrikam.example",))


def staff(world: World) -> None:
    world.storage.index.put_staff(TENANT, "box", [address(1)])


def close(world: World) -> None:
    world.storage.records.put_many(TENANT, [world.contact(1, status="closed")])


def close_property(world: World) -> None:
    world.storage.records.put_many(TENANT, [a_record("property/P-1", status="closed")])


def delete(world: World) -> None:
    world.storage.records.delete(TENANT, RecordRef("contact", "C-1"))


def move(world: World) -> None:
    world.storage.records.put_many(TENANT, [world.contact(1, addresses=("elsewhere@fabrikam.example",))])


AT_ONCE: list[tuple[Callable[[World], None], str]] = [
    (unsubscribe, "unsubscribed"),
    (bounce, "bounced"),
    (erase, "erased"),
    (never_log, "never_log"),
    (never_log_domain, "never_log"),
    (own_domain, "own_people"),
    (staff, "own_people"),
    (close, "closed"),
    (close_property, "closed"),
    (delete, "deleted"),
]
IN_BETWEEN = [*AT_ONCE, (move, "deleted")]


@pytest.mark.parametrize(("happens", "reason"), AT_ONCE)
def test_who_is_out_before_is_listed_with_the_reason(
    world: World, happens: Callable[[World], None], reason: str
) -> None:
    contacts = world.contacts(1)
    world.storage.records.put_many(TENANT, [a_record("property/P-1")])
    happens(world)
    wanted = world.wanted(contacts, records=(RecordRef("property", "P-1"),))
    assert world.preview_campaign(OF_ANN, wanted).plan.reasons == {reason: 1}
    campaign = world.begin(contacts, records=(RecordRef("property", "P-1"),))
    assert world.reason(campaign, "C-1") == reason
    world.run()
    assert world.outbound == []
    assert (world.shares(campaign), world.figures(campaign).reasons) == ({"left_out": 1}, {reason: 1})
    assert world.campaign(campaign).state is CampaignState.DONE


@pytest.mark.parametrize(("happens", "reason"), IN_BETWEEN)
@pytest.mark.parametrize("asked_for", [False, True])
def test_who_is_out_since_gets_nothing_at_the_own_turn(
    world: World, happens: Callable[[World], None], reason: str, *, asked_for: bool
) -> None:
    """Before the mail was put into the outbox, and while it waited there."""
    contacts = world.contacts(1)
    world.storage.records.put_many(TENANT, [a_record("property/P-1")])
    campaign = world.begin(contacts, records=(RecordRef("property", "P-1"),))
    if asked_for:
        world.run_campaign(RunCampaign(tenant_id=TENANT, first_at=world.now, campaign=campaign.id))
        assert len(world.storage.outbox.rows) == 1
    happens(world)
    world.run()
    assert world.outbound == []
    assert world.storage.sender.letters == {}, "no draft was made either"
    assert (world.shares(campaign), world.figures(campaign).reasons) == ({"left_out": 1}, {reason: 1})
    assert world.reason(campaign, "C-1") == reason
    if asked_for:
        [mail] = world.storage.outbox.rows.values()
        assert mail.state is State.CANCELLED
        assert mail.steps[-1].detail


def test_a_person_erased_while_the_list_waits_is_nobody_any_more(world: World) -> None:
    campaign = world.begin(world.contacts(1))
    key = (TENANT, campaign.id, 0)
    row = world.storage.campaigns.listed[key]
    world.storage.campaigns.listed[key] = replace(row, address="erased@erased.invalid", name="(erased)")
    world.run()
    assert world.outbound == []
    assert world.figures(campaign).reasons == {"erased": 1}


def test_an_address_counts_once_in_whatever_spelling_and_on_however_many_cards(world: World) -> None:
    world.storage.records.put_many(
        TENANT,
        [
            world.contact(1, addresses=("jo.doe@gmail.com",)),
            world.contact(2, addresses=("jodoe+x@googlemail.com",)),
            world.contact(3, addresses=()),
            world.contact(4, addresses=()),
        ],
    )
    campaign = world.begin(["C-1", "C-2", "C-1", "C-3", "C-4", "C-9"])
    world.run()
    assert world.figures(campaign).reasons == {"deleted": 1, "no_address": 2, "twice": 2}
    assert sum(world.got.values()) == 1


def test_who_unsubscribed_on_one_card_is_out_on_every_card(world: World) -> None:
    world.storage.records.put_many(
        TENANT, [world.contact(1), world.contact(2, addresses=(address(1),)), world.contact(3)]
    )
    unsubscribe(world)
    campaign = world.begin(["C-2", "C-3"])
    world.run()
    assert world.reason(campaign, "C-2") == "unsubscribed"
    assert list(world.got) == [address(3)]


def test_deleting_one_of_two_cards_does_not_silence_the_other(world: World) -> None:
    world.storage.records.put_many(TENANT, [world.contact(1), world.contact(2, addresses=(address(1),))])
    campaign = world.begin(["C-1", "C-2"])
    delete(world)
    world.run()
    assert list(world.got) == [address(1)]
    assert world.shares(campaign) == {"sent": 1, "left_out": 1}


def test_ordinary_mail_goes_on_to_who_has_unsubscribed(world: World) -> None:
    world.contacts(1)
    unsubscribe(world)
    wanted = MailWanted(
        to=people(address(1)), subject="Viewing", text="Thursday.", records=(RecordRef("contact", "C-1"),)
    )
    world.ask_to_send(OF_ANN, wanted, "key")
    world.work()
    assert world.got == {address(1): 1}


def test_the_link_is_taken_out_of_what_is_quoted_to_others(world: World) -> None:
    world.begin(world.contacts(1))
    world.run()
    [mail] = world.storage.outbox.rows.values()
    assert mail.campaign is not None
    assert mail.campaign.unsubscribe_url in mail.html
    document = replace(a_document(), html=mail.html, text=mail.text)
    chain = chain_of(document, "key", READING, "contoso.example")
    for quoted in (chain.html, chain.text):
        assert "Dear Person 1," in quoted
        assert "/unsubscribe/" not in quoted


def test_a_retry_of_who_was_left_out_asks_again(world: World) -> None:
    contacts = world.contacts(1)
    campaign = world.begin(contacts)
    world.run_campaign(RunCampaign(tenant_id=TENANT, first_at=world.now, campaign=campaign.id))
    unsubscribe(world)
    world.run()
    [mail] = world.storage.outbox.rows.values()
    world.storage.outbox.save(transitions.retried(world.now, "tag")(mail))
    world.work()
    assert world.outbound == []
    assert world.shares(campaign) == {"left_out": 1}


def test_the_link_of_a_mail_takes_its_reader_out_for_years_and_says_the_same_twice(world: World) -> None:
    world.begin(world.contacts(2))
    world.run()
    raw = world.outbound[0].decode()
    signed = raw.partition("List-Unsubscribe: <https://app.example/api/v1/unsubscribe/")[2].partition(">")[0]
    assert world.unsubscribe.is_out(signed) is False
    assert (world.unsubscribe(signed), world.unsubscribe(signed)) == (True, True)
    assert world.unsubscribe.is_out(signed) is True
    forged = signed[:-1] + ("A" if signed[-1] != "A" else "B")
    assert (world.unsubscribe(forged), world.unsubscribe.is_out(forged)) == (False, None)
    world.begin(["C-1", "C-2"], "key 2")
    world.run()
    assert world.got == {address(1): 1, address(2): 2}
    assert ANN not in world.got
