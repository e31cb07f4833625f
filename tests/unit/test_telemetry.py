"""What the service says of itself: one line a command, with what it called while it ran."""

import logging
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from types import SimpleNamespace

import pytest
from urllib3 import HTTPConnectionPool, HTTPResponse

from shared import telemetry
from shared.adapters.storage.calls import Operation
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.settings import StorageSettings
from shared.telemetry.limits import MOST, SECONDS, Limit
from shared.telemetry.lines import COSTS, MOST_DELAYS, MOST_OF_A_KIND
from shared.telemetry.traces import MOST_CAUSES, MOST_FRAMES
from tests.log import lines

ACCOUNT = "AccountName=acc;AccountKey=bm90aGluZw=="


@contextmanager
def answered(statuses: Iterator[int]) -> Iterator[None]:
    """Every request over HTTP, whoever makes it, is answered with the next status."""

    def urlopen(*_: object, **__: object) -> HTTPResponse:
        return HTTPResponse(BytesIO(), status=next(statuses), preload_content=False)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HTTPConnectionPool, "urlopen", urlopen)
        yield


@pytest.fixture(autouse=True)
def _all_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "postledger")


def test_a_command_says_what_it_called(caplog: pytest.LogCaptureFixture) -> None:
    with telemetry.measured("mail_handled", mailbox="m"):
        telemetry.count(telemetry.Counted.GRAPH_CALLS, 3)
        telemetry.count(telemetry.Counted.STORAGE_CALLS)
        telemetry.count(telemetry.Counted.STORAGE_CALLS)
    [line] = lines(caplog)
    assert {name: line[name] for name in COSTS} == {
        "graph_calls": 3,
        "graph_throttled": 0,
        "storage_calls": 2,
    }


def test_a_command_that_raises_says_so_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValueError, match="broken"), telemetry.measured("mail_handled", mailbox="m"):
        telemetry.count(telemetry.Counted.GRAPH_CALLS)
        raise ValueError("broken")
    assert lines(caplog)[0]["graph_calls"] == 1


def test_commands_side_by_side_count_for_themselves(caplog: pytest.LogCaptureFixture) -> None:
    def run(number: int) -> None:
        with telemetry.measured("mail_handled", mailbox=str(number)):
            for _ in range(number):
                telemetry.count(telemetry.Counted.GRAPH_CALLS)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, range(40)))
    assert sorted(one["graph_calls"] for one in lines(caplog)) == list(range(40))


def test_calls_made_side_by_side_count_for_the_command_that_asks(caplog: pytest.LogCaptureFixture) -> None:
    connection = Connection(StorageSettings(table_uri="https://acc.table.core.windows.net"))
    with telemetry.measured("mail_handled", mailbox="m"):
        connection.side_by_side(lambda _: telemetry.count(telemetry.Counted.STORAGE_CALLS), range(20))
    assert lines(caplog)[0]["storage_calls"] == 20


@pytest.mark.parametrize("calls", ["direct", "sdk"])
def test_every_answer_of_storage_counts(caplog: pytest.LogCaptureFixture, calls: str) -> None:
    """A request that was tried twice has cost two operations."""
    answers = iter([503, 204])
    connection = Connection(StorageSettings(ACCOUNT, calls=calls), retries=1)
    with telemetry.measured("mail_handled", mailbox="m"), answered(answers):
        connection.calls.table("Rows").submit(Operation("upsert", {"PartitionKey": "p", "RowKey": "r"}))
    assert lines(caplog)[0]["storage_calls"] == 2


def test_outside_of_a_command_nothing_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    telemetry.count(telemetry.Counted.GRAPH_CALLS)
    assert not caplog.records


def test_what_happens_during_a_command_is_noted_in_its_line(caplog: pytest.LogCaptureFixture) -> None:
    with telemetry.measured("mail_handled", mailbox="m"):
        telemetry.event("polled", mailbox="m", due=3)
        telemetry.failure("row_failed", ValueError("words of a mail"), mailbox="other")
    [line] = lines(caplog)
    assert line["noted"] == [
        {"event": "polled", "due": 3},
        {"event": "row_failed", "level": "error", "error": "ValueError", "mailbox": "other"},
    ]
    assert caplog.records[0].levelno == logging.ERROR, "the line is as loud as the worst of them"


def test_outside_of_a_command_an_event_is_a_line(caplog: pytest.LogCaptureFixture) -> None:
    telemetry.event("link_opened", tenant="t")
    assert lines(caplog) == [{"event": "link_opened", "tenant": "t"}]


def test_of_one_kind_some_are_noted_and_the_others_counted(caplog: pytest.LogCaptureFixture) -> None:
    with telemetry.measured("mail_handled"):
        for number in range(MOST_OF_A_KIND + 5):
            telemetry.event("row_waits", seconds=number)
        telemetry.event("exception_recorded")
    [line] = lines(caplog)
    assert line["times"] == {"row_waits": MOST_OF_A_KIND + 5}
    assert [event["event"] for event in line["noted"]] == [
        *["row_waits"] * MOST_OF_A_KIND,
        "exception_recorded",
    ], "no kind crowds another out"


def test_the_delays_of_many_mails_do_not_make_a_line_long(caplog: pytest.LogCaptureFixture) -> None:
    with telemetry.measured("mail_handled"):
        for _ in range(2 * MOST_DELAYS):
            telemetry.delayed(41.7)
    assert lines(caplog)[0]["delays"] == [42] * MOST_DELAYS


def test_an_alert_is_written_before_the_command_ends(caplog: pytest.LogCaptureFixture) -> None:
    """Its state is stored: if the worker is killed next, nobody else will say it."""
    with telemetry.measured("mail_handled"):
        telemetry.alert("access_lost", mailbox="m")
        assert lines(caplog) == [{"event": "access_lost", "mailbox": "m"}]
    assert "noted" not in lines(caplog)[1]


def test_alerts_of_one_name_are_few_a_minute_and_the_others_are_counted(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(telemetry, "time", SimpleNamespace(monotonic=lambda: now))
    for _ in range(MOST + 500):
        telemetry.alert("notifications_forged", count=1)
    telemetry.alert("access_lost")
    now += SECONDS
    telemetry.alert("notifications_forged", count=1)
    told = [line for line in lines(caplog) if line["event"] == "notifications_forged"]
    assert len(told) == MOST + 1
    assert (told[0].get("held_back"), told[-1]["held_back"]) == (None, 500)
    assert lines(caplog)[MOST]["event"] == "access_lost"


def test_a_limit_counts_a_minute_from_its_first_line() -> None:
    limit = Limit()
    assert [limit.allows("a", at) for at in (0.0, SECONDS - 1)] == [True, True]
    assert all(limit.allows("b", SECONDS) for _ in range(MOST))
    assert not limit.allows("b", 2 * SECONDS - 1)
    assert limit.allows("b", 2 * SECONDS)


def deep(depth: int) -> None:
    if depth == 0:
        raise ValueError("broken")
    deep(depth - 1)


def raised(call: Callable[[], None]) -> BaseException:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - it is looked at
        return error
    raise AssertionError


def test_the_trace_of_a_deep_recursion_is_cut_to_its_beginning_and_its_end() -> None:
    error = raised(lambda: deep(900))
    telemetry.cut_trace(error)
    frames = traceback.extract_tb(error.__traceback__)
    assert len(frames) == MOST_FRAMES
    assert (frames[0].name, frames[-1].line) == ("raised", 'raise ValueError("broken")')


def test_causes_are_cut_as_well_and_a_long_chain_ends() -> None:
    def chained(left: int) -> None:
        try:
            chained(left - 1) if left else deep(900)
        except ValueError as error:
            raise ValueError(f"broken {left}") from error

    error = raised(lambda: chained(30))
    telemetry.cut_trace(error)
    text = "".join(traceback.format_exception(error))
    assert text.count("Traceback") == MOST_CAUSES + 1
    assert len(text) < 50_000


def test_a_short_trace_stays_as_it_is() -> None:
    error = raised(lambda: deep(3))
    before = traceback.format_exception(error)
    telemetry.cut_trace(error)
    assert traceback.format_exception(error) == before
