"""The storage proxy in front of the tests' Azurite, without a simulator."""

import json
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from dev.azurite import Azurite, Ports
from dev.processes import Child, wait_for, wait_for_ready
from tests import patient_http


class Control:
    """A stand-in for the simulator's `GET /_control/faults`."""

    def __init__(self) -> None:
        self.faults: dict[str, Any] = {}
        self.struck: Counter[str] = Counter()
        control = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told = json.loads(self.rfile.read(int(self.headers["content-length"])))
                control.struck.update(told)
                self.do_GET()

            def do_GET(self) -> None:
                content = json.dumps(control.faults).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Proxy:
    """A running proxy, its ports and its counters."""

    def __init__(self, ready: dict[str, Any], control: Control) -> None:
        self.connection_string = Ports(ready["blob"], ready["queue"], ready["table"]).connection_string
        self.stats_url = ready["stats_url"]
        self.dam_url = ready["dam_url"]
        self.faults_url = ready["faults_url"]
        self.control = control

    def stats(self) -> dict[str, Any]:
        found: dict[str, Any] = patient_http.get(self.stats_url).json()
        return found

    @contextmanager
    def failing(self, **faults: float) -> Iterator[None]:
        self.control.faults = {"seed": 7, **faults}

        def taken_over() -> bool | None:
            return True if faults.items() <= patient_http.get(self.faults_url).json().items() else None

        wait_for(taken_over, f"{faults} never came", every=0.1)
        yield
        self.control.faults = {}


@pytest.fixture
def proxy(azurite: Azurite, tmp_path: Path) -> Iterator[Proxy]:
    control = Control()
    ready = tmp_path / "proxy.json"
    ports = azurite.ports
    command = [
        sys.executable,
        "-m",
        "dev.storage_proxy",
        "--simulator-url",
        control.url,
        '--watch="watched for"',
        "--ready-file",
        str(ready),
    ]
    command += [
        "--blob-port",
        str(ports.blob),
        "--queue-port",
        str(ports.queue),
        "--table-port",
        str(ports.table),
    ]
    child = Child.start("proxy", command, log=tmp_path / "proxy.log")
    yield Proxy(wait_for_ready(child, ready), control)
    child.stop()
    control.server.shutdown()
