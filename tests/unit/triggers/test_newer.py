"""What a newer version asks for: it goes back as it is, for a day, and this version neither runs nor refuses it."""

import json
from datetime import timedelta

import pytest

from shared.domain import names
from shared.domain.commands.advice import ADVICE
from shared.domain.commands.commands import SyncMailbox
from shared.domain.commands.envelope import VERSION
from shared.domain.commands.families import MAIL, read_command
from shared.domain.errors import NEWER, MalformedCommand, NewerCommand, WrongState
from shared.services.commands.occupancy import Occupancy
from shared.triggers.queue import Outcomes, handle
from tests.builders import MAILBOX_ID, NOW, TENANT
from tests.composed import use_cases_over
from tests.fakes import FakePorts
from tests.unit.triggers.test_queue import Message, Run

ENVELOPE = {
    "version": VERSION,
    "command": "SyncMailbox",
    "tenant_id": TENANT,
    "mailbox_id": MAILBOX_ID,
    "attempt": 7,
    "first_at": NOW.isoformat(),
}
# Spaces and unknown members: whoever writes it anew writes another text.
NEWER_COMMAND = json.dumps({**ENVELOPE, "command": "SummariseThread", "lane": {"a": [1, None]}}, indent=2)
NEWER_ENVELOPE = json.dumps({**ENVELOPE, "version": VERSION + 1, "who": "ü"}, ensure_ascii=False)
TEXTS = pytest.mark.parametrize("text", [NEWER_COMMAND, NEWER_ENVELOPE], ids=["command", "envelope"])


@pytest.fixture
def ports() -> FakePorts:
    return FakePorts()


def outcomes(ports: FakePorts, after: timedelta) -> Outcomes:
    return Outcomes(ports.queue, ports.exceptions, lambda: NOW + after, Occupancy())


def take(ports: FakePorts, text: str, *, after: timedelta = timedelta()) -> Run:
    run = Run()
    handle(Message(text), MAIL, run, outcomes(ports, after))
    return run


@TEXTS
def test_it_goes_back_byte_for_byte_and_is_not_run(ports: FakePorts, text: str) -> None:
    assert take(ports, text).commands == []
    assert ports.queue.unread == [(names.MAIL, text, 60.0)]
    assert (ports.queue.sent, ports.exceptions.all) == ([], [])


def test_it_is_looked_at_after_a_minute_and_ever_more_rarely_up_to_an_hour(ports: FakePorts) -> None:
    for minutes in (0, 1, 10, 60, 600):
        take(ports, NEWER_COMMAND, after=timedelta(minutes=minutes))
    assert [delay for _, _, delay in ports.queue.unread] == [60, 60, 600, 3_600, 3_600]


@TEXTS
def test_a_day_after_it_was_asked_for_a_person_is_told(ports: FakePorts, text: str) -> None:
    take(ports, text, after=timedelta(days=1))
    [failure] = ports.exceptions.all
    assert (failure.command, failure.code, failure.tenant_id, failure.queue) == (
        text,
        NEWER,
        TENANT,
        names.MAIL,
    )
    assert "deploy that version again" in ADVICE[failure.code]
    assert ports.queue.unread == []


@TEXTS
def test_in_a_poison_queue_it_waits_in_the_same_way(ports: FakePorts, text: str) -> None:
    ports.poison.give_up(names.WORK, text)
    use_cases_over(ports, lambda: NOW).sweep_poison()
    assert ports.queue.unread == [(names.WORK, text, 60.0)]
    assert (ports.poison.lying[names.WORK], ports.exceptions.all) == ({}, [])
    ports.poison.give_up(names.WORK, text)
    use_cases_over(ports, lambda: NOW + timedelta(days=1)).sweep_poison()
    assert [failure.code for failure in ports.exceptions.all] == [NEWER]


def test_only_the_version_that_knows_it_replays_it(ports: FakePorts) -> None:
    take(ports, NEWER_COMMAND, after=timedelta(days=1))
    [failure] = ports.exceptions.all
    with pytest.raises(WrongState, match="A newer version of Postledger wrote this command"):
        use_cases_over(ports).replay_exception(TENANT, failure.id)
    assert use_cases_over(ports).replay_exceptions(TENANT, NEWER).count == 0
    assert ports.queue.sent == []


def test_a_known_command_with_members_of_a_newer_version_is_run(ports: FakePorts) -> None:
    text = json.dumps({**ENVELOPE, "lane": "history"})
    [command] = take(ports, text).commands
    assert command == SyncMailbox(tenant_id=TENANT, mailbox_id=MAILBOX_ID, first_at=NOW, attempt=7)


@pytest.mark.parametrize(
    "changes",
    [
        {"first_at": None},
        {"first_at": "yesterday"},
        {"first_at": "2026-03-02T09:00:00"},
        {"version": "2"},
        {"version": None},
        {"command": ["SyncMailbox"]},
    ],
    ids=str,
)
def test_what_has_no_envelope_is_of_no_version(changes: dict[str, object]) -> None:
    with pytest.raises(MalformedCommand) as caught:
        read_command(json.dumps({**ENVELOPE, "command": "SummariseThread", **changes}))
    assert not isinstance(caught.value, NewerCommand)
