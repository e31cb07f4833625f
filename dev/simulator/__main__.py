"""`python -m dev.simulator`: serves until SIGTERM; writes where it is to the ready file once it can be reached."""

import argparse
import asyncio
import json
import os
import socket
import ssl
from pathlib import Path

from dev.dovecot import Dovecot
from dev.simulator.serve import TlsFiles, build_server, listen
from dev.simulator.smtp_sink import Sink
from dev.simulator.world import AppRegistration


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dev.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--cert", type=Path, required=True, help="certificate for localhost, PEM")
    parser.add_argument("--key", type=Path, required=True, help="its private key, PEM")
    parser.add_argument("--ca", type=Path, required=True, help="the authority's certificate, PEM")
    parser.add_argument("--home-tenant", required=True, help="tenant of the deployment")
    parser.add_argument("--client-id", required=True, help="the application that asks for Graph tokens")
    parser.add_argument("--client-secret", default="", help="its secret")
    parser.add_argument("--client-certificate", type=Path, help="its certificate, PEM")
    parser.add_argument(
        "--redirect-uri", action="append", default=[], help="one that is registered; none: any"
    )
    parser.add_argument("--imap-root", type=Path, help="the folder of the IMAP server beside it")
    parser.add_argument("--imap-port", type=int, default=0, help="where that one speaks TLS")
    parser.add_argument("--ready-file", type=Path, help="gets {url, pid, smtp_port} as JSON")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    certificate = arguments.client_certificate.read_text() if arguments.client_certificate else None
    registration = AppRegistration(
        arguments.client_id.lower(),
        arguments.client_secret,
        arguments.home_tenant.lower(),
        certificate,
        tuple(arguments.redirect_uri),
    )
    listener = listen(arguments.port)
    root = arguments.imap_root
    imap = Dovecot(root, arguments.imap_port, 0, arguments.ca, 0) if root else None
    files = TlsFiles(arguments.cert, arguments.key, arguments.ca)
    smtp = _sink(imap, files) if imap else None
    server, url = build_server(registration, files, listener, imap, smtp)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    if arguments.ready_file and server.started:
        draft = arguments.ready_file.with_suffix(".part")
        smtp_port = smtp.port if smtp else None
        draft.write_text(json.dumps({"url": url, "pid": os.getpid(), "smtp_port": smtp_port}))
        draft.replace(arguments.ready_file)
    await serving


def _sink(imap: Dovecot, files: TlsFiles) -> Sink:
    """A submission server for the users of the IMAP server."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = int(found.getsockname()[1])
    sink = Sink(imap.password_of, lambda _address, _raw: None)
    sink.serve(port, context)
    return sink


if __name__ == "__main__":
    asyncio.run(_serve(_arguments()))
