"""Commands: what is written to a queue is what is read from it, also by the version before."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.commands.commands import (
    MAX_IDS,
    FileMessage,
    IngestMessages,
    MaintainSubscription,
    SyncMailbox,
)
from shared.domain.errors import MalformedCommand
from shared.domain.mail.items import ItemRef
from tests.builders import MAILBOX_ID, NOW, TENANT, an_item

ITEMS = st.builds(ItemRef, st.text(), st.text(min_size=1))
WHEN = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(
    items=st.lists(ITEMS, min_size=1, max_size=MAX_IDS).map(tuple),
    first_at=WHEN,
    attempt=st.integers(0, 1_000),
    screened=st.booleans(),
)
def test_an_ingest_command_survives_the_queue(
    items: tuple[ItemRef, ...], first_at: datetime, attempt: int, screened: bool
) -> None:
    command = IngestMessages(
        tenant_id=TENANT,
        mailbox_id=MAILBOX_ID,
        first_at=first_at,
        attempt=attempt,
        items=items,
        screened=screened,
    )
    assert IngestMessages.from_json(command.to_json()) == command


@given(first_at=WHEN, event=st.text())
def test_a_subscription_command_survives_the_queue(first_at: datetime, event: str) -> None:
    command = MaintainSubscription(tenant_id=TENANT, mailbox_id=MAILBOX_ID, first_at=first_at, event=event)
    assert MaintainSubscription.from_json(command.to_json()) == command


def test_a_decision_s_command_survives_the_queue_and_names_no_mailbox() -> None:
    command = FileMessage(tenant_id=TENANT, key="0f" * 16 + "v1", first_at=NOW)
    assert FileMessage.from_json(command.to_json()) == command
    assert command.mailbox_id == ""


def test_fields_of_a_later_version_are_left_alone() -> None:
    command = SyncMailbox(tenant_id=TENANT, mailbox_id=MAILBOX_ID, first_at=NOW)
    later = json.dumps({**json.loads(command.to_json()), "version": 2, "lane": "backfill"})
    assert SyncMailbox.from_json(later) == command


def test_a_command_says_its_version_and_name() -> None:
    content = json.loads(SyncMailbox(tenant_id=TENANT, mailbox_id=MAILBOX_ID, first_at=NOW).to_json())
    assert (content["version"], content["command"], content["attempt"]) == (1, "SyncMailbox", 0)


def test_trying_again_counts_and_keeps_when_it_began() -> None:
    again = SyncMailbox(tenant_id=TENANT, mailbox_id=MAILBOX_ID, first_at=NOW).again().again()
    assert (again.attempt, again.first_at) == (2, NOW)


@pytest.mark.parametrize(
    "text", ["", "mail", "[]", "null", '{"command":"SyncMailbox"}', '{"command":"Other"}']
)
def test_what_is_no_command_is_refused(text: str) -> None:
    with pytest.raises(MalformedCommand):
        SyncMailbox.from_json(text)


def test_a_command_of_another_queue_is_refused() -> None:
    other = MaintainSubscription(tenant_id=TENANT, mailbox_id=MAILBOX_ID, first_at=NOW)
    with pytest.raises(MalformedCommand, match="MaintainSubscription came to the queue of SyncMailbox"):
        SyncMailbox.from_json(other.to_json())


@pytest.mark.parametrize("count", [0, MAX_IDS + 1])
def test_a_command_carries_one_to_twenty_ids(count: int) -> None:
    with pytest.raises(MalformedCommand):
        IngestMessages(tenant_id=TENANT, mailbox_id=MAILBOX_ID, first_at=NOW, items=(an_item("x"),) * count)


def test_what_names_items_in_another_form_is_refused() -> None:
    command = IngestMessages(tenant_id=TENANT, mailbox_id=MAILBOX_ID, first_at=NOW, items=(an_item(),))
    for items in (["AAk"], [{"item_id": "AAk"}], [{"folder": "", "item_id": "AAk"}, "AAk"]):
        text = json.dumps({**json.loads(command.to_json()), "items": items})
        with pytest.raises(MalformedCommand):
            IngestMessages.from_json(text)


def test_the_largest_command_fits_a_queue_message() -> None:
    items = tuple(ItemRef(f"{number:0>400}", f"{number:0>200}") for number in range(MAX_IDS))
    command = IngestMessages(tenant_id=TENANT, mailbox_id=MAILBOX_ID, first_at=NOW, items=items)
    assert len(command.to_json().encode()) < 48 * 1024
