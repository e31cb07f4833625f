"""Commands: what is written to a queue is what is read from it, also by the version before."""

import json
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import names
from shared.domain.commands.commands import (
    MAX_IDS,
    CompareSubscriptions,
    FileMessage,
    IngestMessages,
    MaintainSubscription,
    ReconcileMailbox,
    SyncMailbox,
)
from shared.domain.commands.envelope import NOBODY, Command, tenant_named_in
from shared.domain.commands.families import COMMANDS, MAIL, Family, read_command
from shared.domain.errors import MalformedCommand
from shared.domain.mail.items import ItemRef
from tests.builders import MAILBOX_ID, NOW, TENANT, a_mailbox, an_item

WHEN = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ITEMS = st.lists(st.builds(ItemRef, st.text(), st.text(min_size=1)), min_size=1, max_size=MAX_IDS)
# Fields that are no times, and are not read from their own type.
SPECIAL = {"items": ITEMS.map(tuple), "attempt": st.integers(0, 1_000), "replays": st.integers(0, 9)}


def _values(kind: type[Command], name: str, hint: Any) -> st.SearchStrategy[Any]:
    if name in kind.times:
        return WHEN if hint is datetime else st.none() | WHEN
    return SPECIAL.get(name) or st.from_type(hint)


def _commands(kind: type[Command]) -> st.SearchStrategy[Command]:
    hints = get_type_hints(kind)
    values = {field.name: _values(kind, field.name, hints[field.name]) for field in fields(kind)}
    return st.builds(kind, **values)


ANY_COMMAND = st.one_of([_commands(kind) for kind in COMMANDS])


@given(ANY_COMMAND)
def test_every_command_survives_the_queue(command: Command) -> None:
    assert read_command(command.to_json()) == command


@given(ANY_COMMAND)
def test_every_command_is_read_by_its_own_family_and_refused_by_all_others(command: Command) -> None:
    for queue in names.QUEUES:
        family = Family.on(queue)
        if queue == command.queue:
            assert family.read(command.to_json()) == command
        else:
            with pytest.raises(MalformedCommand, match=f"{type(command).__name__} does not belong"):
                family.read(command.to_json())


def test_commands_of_an_organisation_name_no_mailbox() -> None:
    assert FileMessage(tenant_id=TENANT, key="0f" * 16 + "v1", first_at=NOW).mailbox_id == ""
    assert CompareSubscriptions(tenant_id=TENANT, first_at=NOW).mailbox_id == ""


@pytest.mark.parametrize("kind", [SyncMailbox, ReconcileMailbox, MaintainSubscription])
def test_a_command_is_made_from_its_mailbox(kind: Any) -> None:
    made = kind.of(a_mailbox(), NOW)
    assert made == kind(tenant_id=TENANT, mailbox_id=MAILBOX_ID, first_at=NOW)


def test_a_command_of_a_mailbox_that_names_none_is_refused() -> None:
    content = json.loads(SyncMailbox.of(a_mailbox(), NOW).to_json())
    del content["mailbox_id"]
    with pytest.raises(MalformedCommand):
        read_command(json.dumps(content))


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
    "text",
    [
        "",
        "mail",
        "[]",
        "null",
        '{"command":"SyncMailbox"}',
        '{"command":"Other"}',
        '{"command":["SyncMailbox"]}',
        "[" * 100_000,
        '{"command":"SyncMailbox","first_at":' + "[" * 100_000,
    ],
)
def test_what_is_no_command_is_refused(text: str) -> None:
    for read in (read_command, MAIL.read, SyncMailbox.from_json):
        with pytest.raises(MalformedCommand):
            read(text)


def test_a_text_nested_too_deep_names_no_tenant() -> None:
    assert tenant_named_in('{"tenant_id":' + "[" * 100_000) == NOBODY


@pytest.mark.parametrize("count", [0, MAX_IDS + 1])
def test_a_command_carries_one_to_twenty_ids(count: int) -> None:
    with pytest.raises(MalformedCommand):
        IngestMessages(tenant_id=TENANT, mailbox_id=MAILBOX_ID, first_at=NOW, items=(an_item("x"),) * count)


@given(st.lists(st.builds(ItemRef, st.text(), st.text(min_size=1)), max_size=3 * MAX_IDS))
def test_groups_carry_every_item_once_in_order_and_the_envelope(items: list[ItemRef]) -> None:
    shared: dict[str, Any] = {"tenant_id": TENANT, "mailbox_id": MAILBOX_ID, "first_at": NOW}
    flags: dict[str, Any] = {"silent": True, "unbounded": True}
    groups = list(IngestMessages.groups(items, **shared, **flags))
    assert [item for group in groups for item in group.items] == items
    assert len(groups) == -(-len(items) // MAX_IDS)
    assert groups == [IngestMessages(items=group.items, **shared, **flags) for group in groups]
    bare = list(IngestMessages.groups(items, **shared))
    assert bare == [IngestMessages(items=group.items, **shared) for group in groups]


@pytest.mark.parametrize("name", ["first_at", "since", "start"])
def test_a_time_without_a_zone_is_refused(name: str) -> None:
    content = json.loads(ReconcileMailbox.of(a_mailbox(), NOW).to_json())
    for text in ("2026-01-02T03:04:05", "2026-01-02"):
        with pytest.raises(MalformedCommand, match=f"'{name}' has no time zone"):
            read_command(json.dumps({**content, name: text}))


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
