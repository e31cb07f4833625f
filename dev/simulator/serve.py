"""Runs the simulator: on a socket of one's own choosing, or in a thread for the length of a test."""

import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
import uvicorn

from dev.dovecot import Dovecot
from dev.processes import PATIENCE
from dev.simulator.app import build_app
from dev.simulator.client import Control
from dev.simulator.connections import CuttableProtocol
from dev.simulator.smtp_sink import Sink
from dev.simulator.world import AppRegistration, World

HOME_TENANT = "0b6f1d0e-6a6f-4c53-9d0e-5d3a50d1c001"
CLIENT_ID = "7c1f3d52-1f0b-4a9e-8f39-2a6b0c7de002"
CLIENT_SECRET = "simulated-secret-of-the-application"


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Certificate and key of `localhost`, and the authority that signed them, as PEM files."""

    certificate: Path
    key: Path
    authority: Path


@dataclass(frozen=True, slots=True)
class Simulator:
    """A running simulator, as tests see it."""

    url: str
    ca_file: str
    home_tenant_id: str
    client_id: str
    client_secret: str
    control: Control


def make_tls_files(directory: Path) -> TlsFiles:
    """A throw-away authority and its certificate for localhost and 127.0.0.1."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    files = TlsFiles(directory / "server.pem", directory / "server.key", directory / "ca.pem")
    issued.private_key_pem.write_to_path(str(files.key))
    files.certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    authority.cert_pem.write_to_path(str(files.authority))
    return files


def listen(port: int) -> socket.socket:
    """A loopback socket; port 0 takes a free one."""
    listener = socket.socket(
        socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP
    )  # else asyncio leaves Nagle on
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(1024)
    return listener


def build_server(
    registration: AppRegistration,
    files: TlsFiles,
    listener: socket.socket,
    imap: Dovecot | None = None,
    smtp: Sink | None = None,
) -> tuple[uvicorn.Server, str]:
    """The server for that socket, and its URL. `imap` and `smtp` are servers beside it that it controls."""
    url = f"https://localhost:{listener.getsockname()[1]}"
    app = build_app(World(registration, url=url, imap=imap, smtp=smtp), str(files.authority))
    config = uvicorn.Config(
        app,
        http=CuttableProtocol,
        ws="none",
        log_level="critical",
        access_log=False,
        timeout_keep_alive=60,
        server_header=False,
        ssl_certfile=str(files.certificate),
        ssl_keyfile=str(files.key),
        ssl_version=ssl.PROTOCOL_TLS_SERVER,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config), url


@contextmanager
def running_simulator(
    *, client_certificate: str | None = None, redirect_uris: tuple[str, ...] = ()
) -> Iterator[Simulator]:
    """A simulator in a thread, on a free port, with an authority of its own. Raises TimeoutError."""
    with tempfile.TemporaryDirectory(prefix="simulator-") as directory:
        files = make_tls_files(Path(directory))
        registration = AppRegistration(
            CLIENT_ID, CLIENT_SECRET, HOME_TENANT, client_certificate, redirect_uris
        )
        listener = listen(0)
        server, url = build_server(registration, files, listener)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, daemon=True, name="simulator"
        )
        thread.start()
        try:
            _wait_until_started(server)
            with Control(url, str(files.authority)) as control:
                yield Simulator(url, str(files.authority), HOME_TENANT, CLIENT_ID, CLIENT_SECRET, control)
        finally:
            server.should_exit = True
            thread.join(timeout=PATIENCE)
            listener.close()


def _wait_until_started(server: uvicorn.Server) -> None:
    deadline = time.monotonic() + PATIENCE
    while not server.started:
        if time.monotonic() > deadline:
            raise TimeoutError("The simulator did not start.")
        time.sleep(0.01)
