"""Batches, the limit of four at a time, faults on purpose, and the counters that see it all."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from dev.processes import PATIENCE, wait_for
from dev.simulator.client import Control, ControlError
from tests.simulator.conftest import TENANT, Graph, a_mail, token_for

pytestmark = pytest.mark.stack
FOREVER = 3_600_000


def batch(graph: Graph, items: list[dict]) -> dict[str, dict]:
    answer = graph("POST", "/$batch", {"requests": items})
    assert answer.status_code == 200, answer.text
    return {one["id"]: one for one in answer.json()["responses"]}


def peak(control: Control, address: str) -> int:
    """How many calls there were at once."""
    found: int = control.stats()["peak_concurrency"].get(address, 0)
    return found


def a_get(number: int, url: str, **more: object) -> dict:
    return {"id": str(number), "method": "GET", "url": url, **more}


def test_each_item_of_a_batch_is_judged_and_counted_alone(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    item = control.deliver(address, a_mail())["id"]
    control.clear_stats()
    prefer = {"Prefer": 'IdType="ImmutableId"'}
    found = batch(
        graph,
        [
            a_get(1, f"{mailbox}/messages/{item}?$select=subject", headers=prefer),
            a_get(2, f"{mailbox}/messages/bad"),
        ],
    )
    assert (found["1"]["status"], found["1"]["body"]["id"]) == (200, item)
    assert (found["2"]["status"], found["2"]["body"]["error"]["code"]) == (400, "ErrorInvalidIdMalformed")
    graph_stats = control.stats()["graph"]
    assert (graph_stats["http_requests"], graph_stats["batch_requests"], graph_stats["batch_items"]) == (
        1,
        1,
        2,
    )
    assert graph_stats["calls"] == [
        {"endpoint": "GET /users/{id}/messages/{id}", "status": 200, "count": 1},
        {"endpoint": "GET /users/{id}/messages/{id}", "status": 400, "count": 1},
    ]


def test_a_failed_item_fails_those_that_depend_on_it(graph: Graph, mailbox: str) -> None:
    found = batch(
        graph,
        [
            a_get(1, f"{mailbox}/messages/bad"),
            a_get(2, f"{mailbox}/messages", dependsOn=["1"]),
            a_get(3, f"{mailbox}/messages", dependsOn=["2"]),
            a_get(4, f"{mailbox}/messages"),
        ],
    )
    assert {number: one["status"] for number, one in found.items()} == {
        "1": 400,
        "2": 424,
        "3": 424,
        "4": 200,
    }


def test_a_batch_holds_twenty_items_at_most(graph: Graph, mailbox: str) -> None:
    assert graph("POST", "/$batch", {"requests": [a_get(n, mailbox) for n in range(21)]}).status_code == 400
    assert len(batch(graph, [a_get(n, mailbox) for n in range(20)])) == 20


def test_a_batch_reaches_four_at_a_time_and_a_chain_one(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    control.put_faults(latency_ms=20)
    control.clear_stats()
    chain = [a_get(n, f"{mailbox}/messages", **({"dependsOn": [str(n - 1)]} if n else {})) for n in range(6)]
    batch(graph, chain)
    assert control.stats()["peak_concurrency"] == {address: 1}
    found = batch(graph, [a_get(n, f"{mailbox}/messages") for n in range(12)])
    assert {one["status"] for one in found.values()} == {200}
    assert control.stats()["peak_concurrency"] == {address: 4}


def test_the_fifth_concurrent_call_to_a_mailbox_is_throttled(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    control.put_faults(latency_ms=FOREVER, retry_after_s=3600.5, in_flight_s=0)
    control.clear_stats()
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(graph, "GET", f"{mailbox}/messages") for _ in range(4)]
        try:
            wait_for(lambda: peak(control, address) == 4 or None, "there are no four calls")
            refused = graph("GET", f"{mailbox}/messages")
        finally:
            control.put_faults()
    assert {answer.result().status_code for answer in waiting} == {200}
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "ApplicationThrottled")
    assert refused.headers["Retry-After"] == "3600.5"
    assert peak(control, address) == 5
    assert control.stats()["calls_before_retry_after"] == 0
    graph("GET", f"{mailbox}/messages")
    assert control.stats()["calls_before_retry_after"] == 1


def test_a_wait_that_a_batch_asks_for_is_told_when_the_batch_is_answered(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    slow = {"retry_after_s": 3600, "latency_ms": FOREVER, "in_flight_s": 0}
    control.put_faults(**slow)
    control.clear_stats()
    gets = [a_get(n, f"{mailbox}/messages") for n in range(5)]
    with ThreadPoolExecutor(2) as pool:
        try:
            batched = pool.submit(batch, graph, gets)
            wait_for(lambda: peak(control, address) == 4 or None, "there are no four calls")
            control.put_faults(error_rate=1, error_kinds=["429"], **slow)
            wait_for(lambda: control.stats()["faults"].get("error_429") == 4 or None, "four are not refused")
            # The fifth waits, so nobody has been told of the four.
            other = pool.submit(graph, "GET", f"{mailbox}/mailFolders")
            wait_for(lambda: control.stats()["graph"]["http_requests"] == 2 or None, "the other did not come")
        finally:
            control.put_faults(in_flight_s=0)
        assert other.result().status_code == 200
        assert [one["status"] for one in batched.result().values()].count(429) == 4
    assert control.stats()["calls_before_retry_after"] == 0
    graph("GET", f"{mailbox}/messages")
    assert control.stats()["calls_before_retry_after"] == 1


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("429", "TooManyRequests"),
        ("500", "ErrorInternalServerError"),
        ("503", "ErrorServerBusy"),
        ("504", "UnknownError"),
    ],
)
def test_errors_on_purpose_come_in_the_envelope_of_graph(
    graph: Graph, control: Control, mailbox: str, kind: str, code: str
) -> None:
    control.put_faults(error_rate=1.0, error_kinds=[kind])
    answer = graph("GET", f"{mailbox}/messages", **{"client-request-id": "mine"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (int(kind), code)
    assert answer.json()["error"]["innerError"]["client-request-id"] == "mine"
    assert control.stats()["faults"] == {f"error_{kind}": 1}


def test_a_reset_cuts_the_connection(graph: Graph, control: Control, mailbox: str) -> None:
    control.put_faults(error_rate=1.0, error_kinds=["reset"])
    with pytest.raises(requests.ConnectionError):
        graph("GET", f"{mailbox}/messages")


def test_a_timeout_keeps_the_caller_waiting(graph: Graph, control: Control, mailbox: str) -> None:
    assert graph("GET", f"{mailbox}/messages").status_code == 200  # over a connection that is kept
    control.put_faults(error_rate=1.0, error_kinds=["timeout"], timeout_s=3600)
    with pytest.raises(requests.ReadTimeout):
        graph.session.get(f"{graph.url}/v1.0{mailbox}/messages", timeout=(PATIENCE, 0.3))


def test_a_write_whose_answer_is_lost_may_have_been_carried_out(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    items = [control.deliver(address, a_mail(n))["id"] for n in range(20)]
    control.put_faults(error_rate=1.0, error_kinds=["504"])
    for item in items:
        assert graph("PATCH", f"{mailbox}/messages/{item}", {"isRead": True}).status_code == 504
    assert 0 < sum(one["isRead"] for one in control.messages(address)) < 20


def test_one_seed_gives_one_sequence_of_errors(graph: Graph, control: Control, mailbox: str) -> None:
    def statuses() -> list[int]:
        control.put_faults(seed=5, error_rate=0.5, error_kinds=["500", "503"])
        return [graph("GET", f"{mailbox}/messages").status_code for _ in range(15)]

    first = statuses()
    assert first == statuses()
    assert set(first) == {200, 500, 503}


def test_a_denied_mailbox_is_closed_and_others_are_open(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    control.put_faults(access_denied=[address])
    assert graph("GET", f"{mailbox}/messages").json()["error"]["code"] == "ErrorAccessDenied"
    assert graph("GET", mailbox).status_code == 200


def test_token_errors_refuse_tokens(simulator: object, control: Control) -> None:
    control.put_faults(token_errors=1.0)
    assert token_for(simulator, TENANT).json()["error_codes"] == [90033]


def test_an_unknown_fault_is_refused_with_a_sentence(control: Control) -> None:
    with pytest.raises(ControlError, match="There is no fault called eror_rate"):
        control.put_faults(eror_rate=1)


def test_storage_faults_are_kept_for_the_storage_proxy(control: Control) -> None:
    control.put_faults(storage_busy=0.25, storage_reply_lost=0.5, storage_undeleted=1)
    control.call("POST", "faults/struck", {"storage_busy": 3})
    kept = control.faults()
    named = ("storage_busy", "storage_reply_lost", "storage_undeleted", "struck")
    assert tuple(kept[name] for name in named) == (
        0.25,
        0.5,
        1.0,
        {"storage_busy": 3},
    )


@pytest.mark.parametrize("kind", ["503", "504"])
@pytest.mark.parametrize(("wait", "said"), [(0, None), (2.5, "2.5")])
def test_a_busy_server_may_say_how_long_to_wait(
    graph: Graph, control: Control, mailbox: str, kind: str, wait: float, said: str | None
) -> None:
    control.put_faults(error_rate=1, error_kinds=[kind], busy_retry_after_s=wait, in_flight_s=0)
    answer = graph("GET", f"{mailbox}/messages")
    assert (answer.status_code, answer.headers.get("Retry-After")) == (int(kind), said)
    control.put_faults()
    control.clear_stats()
    graph("GET", f"{mailbox}/messages")
    assert control.stats()["calls_before_retry_after"] == (1 if wait else 0)


def test_a_batch_may_fail_as_a_whole(graph: Graph, control: Control, mailbox: str) -> None:
    control.put_faults(batch_errors=1, error_kinds=["503"], busy_retry_after_s=1.5)
    control.clear_stats()
    answer = graph("POST", "/$batch", {"requests": [a_get(1, f"{mailbox}/messages")]})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1.5")
    assert answer.json()["error"]["code"] == "ErrorServerBusy"
    assert control.stats()["graph"]["calls"] == []
    assert control.faults()["struck"]["batch_errors"] == 1
