import http.client
import json
import os
import signal

import pytest

from dev.processes import PATIENCE
from tests import patient_http
from tests.dev.conftest import StartHost

pytestmark = pytest.mark.stack


def test_a_literal_route_beats_a_parameter_and_a_parameter_beats_the_catch_all(start_host: StartHost) -> None:
    host = start_host("--no-timers")

    def which(path: str) -> str:
        return str(patient_http.get(f"{host.url}/api/things/{path}").json()["which"])

    assert [which("known"), which("seven"), which("a/b")] == ["literal", "parameter", "catch-all"]
    assert patient_http.get(f"{host.url}/things/known").status_code == 404
    assert patient_http.head(f"{host.url}/api/things/known").status_code == 404


def test_a_function_gets_the_whole_request_and_its_response_comes_back(start_host: StartHost) -> None:
    host = start_host("--no-timers")
    response = patient_http.post(
        f"{host.url}/api/things/a%20b/c?x=1&x=2&y=%26", content=b"12345", headers={"X-Test": "yes"}
    )
    assert response.status_code == 201
    assert response.headers["content-type"] == "application/json"
    told = response.json()
    assert told["url"] == f"{host.url}/api/things/a%20b/c?x=1&x=2&y=%26"
    assert told["params"] == {"x": "1,2", "y": "&"}
    assert told["route_params"] == {"path": "a b/c"}
    assert (told["method"], told["header"], told["size"], told["function"]) == (
        "POST",
        "yes",
        5,
        "everything",
    )


def test_an_exception_answers_500_and_is_logged_with_its_traceback(start_host: StartHost) -> None:
    host = start_host("--no-timers")
    assert patient_http.get(f"{host.url}/api/broken").status_code == 500
    output = host.child.output()
    assert '{"event": "function_failed", "function": "broken"}' in output
    assert "ValueError: broken on purpose" in output


def test_a_function_that_asks_for_a_key_is_refused(start_host: StartHost) -> None:
    host = start_host("--no-timers")
    assert patient_http.get(f"{host.url}/api/locked").status_code == 401


def test_a_body_over_the_limit_is_refused_before_it_is_read(start_host: StartHost) -> None:
    host = start_host("--no-timers")
    connection = http.client.HTTPConnection(host.url.removeprefix("http://"), timeout=PATIENCE)
    connection.putrequest("POST", "/api/things/big")
    connection.putheader("Content-Length", "104857601")
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_a_timer_and_a_queue_function_can_be_run_by_hand(start_host: StartHost) -> None:
    host = start_host("--no-timers")
    admin = f"{host.url}/admin/functions"
    assert patient_http.post(f"{admin}/every_second", json={"input": ""}).status_code == 202
    assert patient_http.post(f"{admin}/work", json={"input": "by hand"}).status_code == 202
    assert patient_http.post(f"{admin}/unknown", json={"input": ""}).status_code == 404
    assert host.wait_seen("timer")[0]["past_due"] is False
    assert host.wait_seen("work")[0]["body"] == "by hand"


def test_two_hosts_serve_one_port_and_one_goes_on_when_the_other_is_killed(start_host: StartHost) -> None:
    first = start_host("--no-timers", "--reuse-port")
    port = first.url.rpartition(":")[2]
    second = start_host("--no-timers", "--reuse-port", "--port", port)
    assert first.url == second.url
    pids = {patient_http.get(f"{first.url}/api/things/x").json()["pid"] for _ in range(40)}
    assert pids == {first.child.pid, second.child.pid}
    os.kill(first.child.pid, signal.SIGKILL)
    first.child.process.wait()
    assert patient_http.get(f"{first.url}/api/things/x").json()["pid"] == second.child.pid


def test_a_stopping_host_says_so_and_ends_with_0(start_host: StartHost) -> None:
    host = start_host("--no-timers")
    host.child.stop()
    assert host.child.process.returncode == 0
    assert json.loads(host.child.output().splitlines()[-1]) == {"event": "host_stopped", "finished": True}
