"""What the answers cost: each distinct address, domain and code is read once for several mails."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from shared.domain.mail import codes
from shared.domain.mail.messages import MessageHead
from shared.domain.matching.questions import MOST_RECIPIENTS
from shared.services.matching.candidates import GatherCandidates
from tests.builders import AGENT, CODE_KEYS, TENANT, a_head, a_record
from tests.unit.services.world import World

BO, LI = "bo@fabrikam.example", "li@fabrikam.example"


class Asked:
    """Notes what is asked of the index, and hands it on."""

    def __init__(self, index: Any) -> None:
        self.index = index
        self.addresses_asked: list[str] = []
        self.domains_asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.index, name)

    def addresses(self, tenant_id: str, addresses: Iterable[str]) -> Mapping[str, Any]:
        self.addresses_asked += addresses
        return self.index.addresses(tenant_id, self.addresses_asked)  # type: ignore[no-any-return]

    def domains(self, tenant_id: str, domains: Iterable[str]) -> Mapping[str, Any]:
        self.domains_asked += domains
        return self.index.domains(tenant_id, self.domains_asked)  # type: ignore[no-any-return]


@pytest.fixture
def world() -> World:
    made = World()
    made.records(a_record(addresses=(BO,)))
    made.storage.faults.clear()
    return made


def gatherer(world: World, index: Any) -> GatherCandidates:
    gather = world.use_cases.part(GatherCandidates)
    return replace(gather, index=index, people=replace(gather.people, index=index))


def gathered(world: World, *heads: MessageHead) -> Asked:
    asked = Asked(world.storage.index)
    gatherer(world, asked)(world.scope(world.mailbox), heads)
    return asked


def test_mails_of_one_batch_share_their_look_ups(world: World) -> None:
    code = codes.issue(5, CODE_KEYS, TENANT).text
    heads = [a_head(sender=sender, to=(AGENT, LI), subject=f"[{code}]") for sender in (BO, LI, BO)]
    asked = gathered(world, *heads)
    assert sorted(asked.addresses_asked) == [BO, LI]
    assert asked.domains_asked == ["fabrikam.example"]
    assert Counter(world.storage.faults.reads) == {
        "RecordIndex.addresses": 1,
        "RecordIndex.domains": 1,
        "Codes.get_many": 1,
    }


def test_a_mail_between_colleagues_asks_storage_nothing(world: World) -> None:
    gathered(world, a_head(sender=AGENT, to=("colleague@contoso.example",)))
    assert world.storage.faults.reads == []


def test_a_mail_to_thousands_costs_no_more_than_one_to_the_most_that_are_looked_up(world: World) -> None:
    crowd = tuple(f"guest@adatum-{number}.example" for number in range(3_000))
    asked = gathered(world, a_head(sender=BO, to=crowd))
    assert len(asked.addresses_asked) == MOST_RECIPIENTS + 1
    assert len(asked.domains_asked) == MOST_RECIPIENTS + 1


def test_what_is_read_for_matching_is_read_once_for_each_kind(world: World) -> None:
    world.records(a_record("client/K-1"), a_record(addresses=(BO,), client="K-1"))
    scope, head = world.scope(world.mailbox), a_head(sender=BO, in_reply_to=("a@x.example",))
    gather = gatherer(world, world.storage.index)
    [candidates] = gather(scope, [head])
    world.storage.faults.clear()
    gather.for_matching(scope, head, candidates)
    assert Counter(world.storage.faults.reads) == {"MessageStore.find": 1, "Records.get_many": 1}
