"""A parent that was filed lately is not read again, and has no say where it has changed since."""

from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from shared.domain.filing.filing import StoredMessage
from shared.domain.mail.items import ItemRef
from shared.services.remembering import filed_lately
from shared.services.remembering.filed_lately import LONGEST_TEXT, FiledLately
from tests.builders import KEY, TENANT, a_record, a_stored_message, a_triaged_message
from tests.composed import use_cases_over
from tests.fakes import FakePorts
from tests.unit.services.filing.test_file_group import ANSWER, BO, FIRST, Stage

MAILS: tuple[dict[str, Any], ...] = (
    {"message_id": FIRST},
    {"message_id": "other@adatum.example"},
    {"sender": BO, "message_id": ANSWER, "in_reply_to": (FIRST,)},
    {"sender": BO, "message_id": "next@adatum.example", "in_reply_to": (FIRST,)},
)


def a_stage() -> Stage:
    """A mail and another one are filed as a group; two answers to it have not been looked at."""
    stage = Stage(MAILS)
    stage.take_in(*stage.items[:2])
    stage.storage.faults.clear()
    return stage


def answers(stage: Stage) -> list[ItemRef]:
    return stage.items[2:]


def lately(*messages: StoredMessage, text: str = "Agreed.") -> FiledLately:
    found = use_cases_over(FakePorts()).part(FiledLately)
    for message in messages:
        found.keep(TENANT, message, text)
    return found


def test_the_next_group_does_not_read_it_again() -> None:
    stage = a_stage()
    stage.take_in(answers(stage)[0], stage.deliver(message_id="apart@adatum.example"))
    assert "MessageStore.find" not in stage.storage.faults.reads
    assert ANSWER in stage.on()


def test_an_answer_does_not_go_where_its_parent_has_been_taken_from_meanwhile() -> None:
    stage = a_stage()
    stage.unlink(FIRST)
    stage.take_in(*answers(stage))
    stage.work()
    assert stage.on().isdisjoint({FIRST, ANSWER, "next@adatum.example"})
    assert stage.stored(ANSWER).state == "done"


def test_an_answer_goes_where_its_parent_has_been_put_meanwhile() -> None:
    stage = a_stage()
    stage.records(a_record("project/P-1"))
    stage.storage.messages.save(
        TENANT, replace(stage.stored(FIRST), decision=a_stored_message().decision, kind="reply")
    )
    stage.take_in(*answers(stage))
    stage.work()
    assert stage.stored(ANSWER).refs == stage.stored(FIRST).refs


def test_it_is_answered_for_once_with_its_text() -> None:
    found = lately(a_stored_message(etag='W/"1"'))
    [hit] = found.find(TENANT, {KEY: "first"})[KEY]
    assert (hit.key, hit.evidence, hit.etag, hit.text) == (KEY, "first", 'W/"1"', "Agreed.")
    assert found.find(TENANT, {KEY: "first"}) == {}


@pytest.mark.parametrize("message", [a_triaged_message(), a_stored_message(variants=1)])
def test_what_may_be_another_mail_by_now_is_read(message: StoredMessage) -> None:
    assert lately(message).find(TENANT, {KEY: "first"}) == {}


def test_a_long_text_is_read() -> None:
    assert lately(a_stored_message(), text="x" * (LONGEST_TEXT + 1)).find(TENANT, {KEY: "first"}) == {}


def test_another_organisation_does_not_find_it() -> None:
    assert lately(a_stored_message()).find("another-tenant", {KEY: "first"}) == {}


def test_the_oldest_is_forgotten() -> None:
    with patch.object(filed_lately, "MOST", 2):
        found = lately(*(a_stored_message(key=f"{number}f" * 16) for number in range(3)))
    ids = {f"{number}f" * 16: "id" for number in range(3)}
    assert found.find(TENANT, ids).keys() == {"1f" * 16, "2f" * 16}
