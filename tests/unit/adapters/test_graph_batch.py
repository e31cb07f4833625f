"""Reads in batches: chains, what breaks them, and what is asked again."""

import json
import logging
from collections.abc import Callable, Mapping

import pytest

from shared import telemetry
from shared.adapters.graph import batch, session
from shared.domain.errors import NotFound, Throttled, Unavailable, Unreadable
from tests.builders import TENANT
from tests.graph_transport import Asked, FakeGraph, Reply, error, session_with

Item = tuple[int, Mapping[str, str], object]
DOWN: Item = (500, {}, {"error": {"code": "", "message": ""}})
GONE: Item = (404, {}, {"error": {"code": "ErrorItemNotFound", "message": "m"}})


def items(special: Mapping[str, Item]) -> Callable[[Asked], Reply]:
    """Answers a batch item by item; behind a failed one of its chain everything is 424."""

    def answer(asked: Asked) -> Reply:
        if asked.body is None:
            status, headers, body = special.get(
                asked.target.removeprefix("/v1.0"), (200, {}, {"url": "single"})
            )
            return Reply(body, status, headers)
        responses: list[object] = []
        failed: set[str] = set()
        for one in asked.body["requests"]:
            status, headers, body = special.get(one["url"], (200, {}, {"url": one["url"]}))
            if failed & set(one.get("dependsOn", ())):
                status, headers, body = 424, {}, {"error": {"code": "FailedDependency", "message": "m"}}
            if status >= 400:
                failed.add(one["id"])
            responses.append({"id": one["id"], "status": status, "headers": headers, "body": body})
        return Reply({"responses": responses[::-1]})

    return answer


def paths(count: int) -> dict[str, str]:
    return {f"id-{number}": f"/m/{number}" for number in range(count)}


def test_a_batch_is_a_chain_with_the_preference_in_every_item() -> None:
    graph = FakeGraph(items({}))
    found = batch.fetch(session_with(graph), TENANT, paths(3))
    assert found == {"id-0": {"url": "/m/0"}, "id-1": {"url": "/m/1"}, "id-2": {"url": "/m/2"}}
    prefer = {"Prefer": 'IdType="ImmutableId"'}
    assert graph.asked[0].target == "/v1.0/$batch"
    assert graph.asked[0].body == {
        "requests": [
            {"id": "0", "method": "GET", "url": "/m/0", "headers": prefer},
            {"id": "1", "method": "GET", "url": "/m/1", "headers": prefer, "dependsOn": ["0"]},
            {"id": "2", "method": "GET", "url": "/m/2", "headers": prefer, "dependsOn": ["1"]},
        ]
    }


def test_what_a_failed_item_held_up_is_asked_for_in_the_next_batch() -> None:
    graph = FakeGraph(items({"/m/1": GONE}))
    found = batch.fetch(session_with(graph), TENANT, paths(4))
    assert [type(one) for one in found.values()] == [dict, NotFound, dict, dict]
    assert [[one["url"] for one in asked.body["requests"]] for asked in graph.asked] == [
        ["/m/0", "/m/1", "/m/2", "/m/3"],
        ["/m/2", "/m/3"],
    ]


def test_twenty_failing_items_end() -> None:
    graph = FakeGraph(items({f"/m/{number}": GONE for number in range(20)}))
    found = batch.fetch(session_with(graph), TENANT, paths(20))
    assert all(isinstance(one, NotFound) for one in found.values())
    assert len(found) == 20
    assert len(graph.asked) == 20


def test_more_than_twenty_are_asked_for_in_several_batches() -> None:
    graph = FakeGraph(items({}))
    assert list(batch.fetch(session_with(graph), TENANT, paths(45))) == list(paths(45))
    assert [len(one.body["requests"]) for one in graph.asked] == [20, 20, 5]


def test_a_single_one_needs_no_batch() -> None:
    graph = FakeGraph(Reply({"id": "1"}))
    assert batch.fetch(session_with(graph), TENANT, {"a": "/m/0"}) == {"a": {"id": "1"}}
    assert (graph.asked[0].method, graph.asked[0].target) == ("GET", "/v1.0/m/0")


def test_a_single_one_that_is_gone_is_an_outcome() -> None:
    graph = FakeGraph(error(404, "ErrorItemNotFound"))
    assert isinstance(batch.fetch(session_with(graph), TENANT, {"a": "/m/0"})["a"], NotFound)


def test_nothing_asked_is_nothing_sent() -> None:
    graph = FakeGraph(Reply({}))
    assert batch.fetch(session_with(graph), TENANT, {}) == {}
    assert graph.asked == []


def test_behind_a_throttled_item_all_wait_for_the_longest_wait_and_what_was_had_counts() -> None:
    def answer(asked: Asked) -> Reply:
        throttled = {"error": {"code": "ApplicationThrottled", "message": "MailboxConcurrency"}}
        return Reply(
            {
                "responses": [
                    {"id": "0", "status": 200, "body": {}},
                    {"id": "1", "status": 429, "headers": {"retry-after": "7.5"}, "body": throttled},
                    {"id": "2", "status": 503, "headers": {"Retry-After": "20"}, "body": {}},
                    {"id": "3", "status": 500, "body": None},
                ]
            }
        )

    graph = FakeGraph(answer)
    found = batch.fetch(session_with(graph), TENANT, paths(4))
    assert found["id-0"] == {}
    waiting = [found[f"id-{number}"] for number in (1, 2, 3)]
    assert all(isinstance(one, Throttled) and one.retry_after == 20 for one in waiting)
    assert len(graph.asked) == 1


def test_what_stands_before_an_item_that_fails_for_now_is_had() -> None:
    graph = FakeGraph(items({"/m/2": DOWN}))
    found = batch.fetch(session_with(graph), TENANT, paths(4))
    assert [isinstance(one, Unavailable) for one in found.values()] == [False, False, True, True]
    assert len(graph.asked) == 1


def test_a_later_batch_that_fails_leaves_the_first_one_had() -> None:
    graph = FakeGraph(items({"/m/20": DOWN}))
    found = batch.fetch(session_with(graph), TENANT, paths(23))
    assert [isinstance(one, Unavailable) for one in found.values()] == [False] * 20 + [True] * 3


def test_nothing_had_for_now_is_raised() -> None:
    graph = FakeGraph(items({"/m/0": DOWN}))
    with pytest.raises(Unavailable) as raised:
        batch.fetch(session_with(graph), TENANT, paths(4))
    assert raised.value.retry_after is None


def test_a_batch_that_answers_nothing_is_not_asked_for_ever() -> None:
    graph = FakeGraph(Reply({"responses": []}))
    with pytest.raises(Unavailable, match="none of a batch"):
        batch.fetch(session_with(graph), TENANT, paths(3))
    assert len(graph.asked) == 1


def test_a_throttled_batch_is_throttled() -> None:
    with pytest.raises(Throttled) as raised:
        batch.fetch(session_with(FakeGraph(error(429, "x", retry_after="3"))), TENANT, paths(3))
    assert raised.value.retry_after == 3


def test_the_items_that_graph_carried_out_count_as_calls(caplog: pytest.LogCaptureFixture) -> None:
    graph = FakeGraph(items({"/m/1": GONE}))
    with caplog.at_level(logging.INFO, "postledger"), telemetry.measured("x_handled", mailbox="m"):
        batch.fetch(session_with(graph), TENANT, paths(4))
    said = json.loads(caplog.records[0].message)
    assert (len(graph.asked), said["graph_calls"], said["graph_throttled"]) == (2, 4, 0)


def test_a_throttled_item_counts_as_throttled(caplog: pytest.LogCaptureFixture) -> None:
    slow: Item = (429, {"Retry-After": "5"}, {"error": {"code": "ApplicationThrottled", "message": "m"}})
    session = session_with(FakeGraph(items({"/m/1": slow})))
    with caplog.at_level(logging.INFO, "postledger"), telemetry.measured("x_handled", mailbox="m"):
        batch.fetch(session, TENANT, paths(3))
    said = json.loads(caplog.records[0].message)
    assert (said["graph_calls"], said["graph_throttled"]) == (2, 1)


def test_a_batch_that_is_too_large_to_be_held_is_asked_for_in_halves_and_such_a_mail_fails_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session, "LARGEST_ANSWER", 5_000)
    large = "x" * 1_500
    special: dict[str, Item] = {f"/m/{number}": (200, {}, {"body": large}) for number in range(4)}
    graph = FakeGraph(items({**special, "/m/4": (200, {}, {"body": "x" * 6_000})}))
    found = batch.fetch(session_with(graph), TENANT, paths(6))
    refused = found.pop("id-4")
    assert isinstance(refused, Unreadable)
    assert found == {**{f"id-{number}": {"body": large} for number in range(4)}, "id-5": {"url": "single"}}
