"""A notice follows its mail: erased, expired, deleted or unlinked with it, and shown on the records of now."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.filing.person_decisions import DELETE
from shared.domain.privacy.callers import ADMIN, Caller
from shared.services.filing.inbox import Wanted
from tests.builders import CONTACT, TENANT, a_record, a_ref
from tests.unit.services.notices.test_raising import a_world, agent_named, answer, everybodys, notices, stored
from tests.unit.services.sending.sent_world import SENDER_OID, SentWorld

ANSWER = "answer@fabrikam.example"
ANN = agent_named("agent@contoso.example", SENDER_OID)


@pytest.fixture
def world() -> SentWorld:
    made = a_world()
    answer(made)
    return made


def memories(world: SentWorld) -> list[Any]:
    return [marks for marks in world.storage.notices.marks.values() if marks]


def test_of_an_erased_person_nothing_is_left(world: SentWorld) -> None:
    world.ask_erasure(TENANT, CONTACT, "admin")
    world.work()
    world.now += timedelta(hours=1)
    world.sweep_decisions()
    world.work()
    assert (everybodys(world), memories(world)) == ([], [])


def test_with_the_mails_retention_it_goes(world: SentWorld) -> None:
    world.configure(retention_days=1)
    world.now += timedelta(days=3)
    world.queue_retention()
    world.work()
    assert (everybodys(world), memories(world)) == ([], [])


def test_deleted_in_my_inbox_it_goes(world: SentWorld) -> None:
    world.rewrite(matching=False)
    key = stored(world, ANSWER).key
    world.notify(*(copy.item for copy in world.storage.messages.copies(TENANT, key)))
    admin = Caller(TENANT, frozenset({ADMIN}), oid=SENDER_OID, address="agent@contoso.example")
    assert len(everybodys(world)) == 1
    world.decide(admin, key, Wanted(DELETE))
    world.work()
    assert (everybodys(world), memories(world)) == ([], [])


def test_on_another_record_by_hand_it_is_shown_there(world: SentWorld) -> None:
    world.records(a_record("property/P-9"))
    key = stored(world, ANSWER).key
    world.link_message(ANN, key, a_ref("property/P-9"))
    world.unlink_message(ANN, key, a_ref("property/P-1"))
    world.work()
    [notice] = notices(world)
    assert a_ref("property/P-9") in notice.records
    assert a_ref("property/P-1") not in notice.records


def test_a_renamed_record_has_its_new_name_and_id_in_the_list(world: SentWorld) -> None:
    world.records(a_record("opportunity/O-1", origin="postledger"))
    world.rename_record(TENANT, a_ref("opportunity/O-1"), "OPP-1093")
    world.work()
    page = world.read_notices(ANN, limit=10, cursor="")
    [notice] = page.notices
    shown = {page.records[ref].ref for ref in notice.records if ref in page.records}
    assert a_ref("opportunity/OPP-1093") in shown
    assert a_ref("opportunity/O-1") not in shown
