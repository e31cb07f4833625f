"""Autodiscovery against servers of this machine: SRV records, a provider's file, Exchange's JSON, and none of them."""

import socket
import ssl
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import trustme

from dev.processes import PATIENCE
from shared.adapters.network import name_records, pages
from shared.adapters.network.dialling import GuardedDial
from shared.adapters.network.discovering import DiscoveredServers
from shared.adapters.network.name_records import NameRecords, system_servers
from shared.adapters.network.pages import PORTS, Pages
from shared.domain.connections.accounts import Server
from shared.domain.connections.discovery import FoundServers, of_autoconfig, of_exchange

pytestmark = pytest.mark.stack
ANN = "ann@contoso.example"
HOSTS = ("autoconfig.contoso.example", "contoso.example", "autodiscover.contoso.example")
CONFIG = """<?xml version="1.0"?>
<clientConfig version="1.1"><emailProvider id="contoso.example">
  <incomingServer type="pop3"><hostname>pop.contoso.example</hostname><port>995</port><socketType>SSL</socketType>
  </incomingServer>
  <incomingServer type="imap"><hostname>clear.contoso.example</hostname><port>143</port><socketType>plain</socketType>
  </incomingServer>
  <incomingServer type="imap"><hostname>imap.%EMAILDOMAIN%</hostname><port>993</port><socketType>SSL</socketType>
  </incomingServer>
  <outgoingServer type="smtp"><hostname>smtp.contoso.example</hostname><port>587</port>
    <socketType>STARTTLS</socketType></outgoingServer>
</emailProvider></clientConfig>"""
EXCHANGE = '{"Protocol":"AutodiscoverV1","Url":"https://mail.contoso.example/autodiscover/autodiscover.xml"}'

Record = tuple[int, int, int, str]


class Names:
    """A resolver that knows SRV records; names in answers go on elsewhere, as real ones do."""

    def __init__(self) -> None:
        self.records: dict[str, list[Record]] = {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def server(self) -> tuple[str, int]:
        return ("127.0.0.1", int(self.socket.getsockname()[1]))

    def _serve(self) -> None:
        while True:
            try:
                question, peer = self.socket.recvfrom(4_096)
            except OSError:
                return
            self.socket.sendto(self._answer(question), peer)

    def _answer(self, question: bytes) -> bytes:
        labels, place = [], 12
        while length := question[place]:
            labels.append(question[place + 1 : place + 1 + length].decode())
            place += 1 + length
        found = self.records.get(".".join(labels), [])
        head = question[:2] + struct.pack(">5H", 0x8180, 1, len(found), 0, 0)
        return head + question[12:] + b"".join(map(_record, found))


def _record(record: Record) -> bytes:
    priority, weight, port, target = record
    labels = [bytes([len(label)]) + label.encode() for label in filter(None, target.split("."))]
    data = struct.pack(">3H", priority, weight, port) + b"".join(labels) + b"\0"
    return b"\xc0\x0c" + struct.pack(">HHIH", 33, 1, 60, len(data)) + data


class Web:
    """Serves pages by host and path over TLS, `otherwise` at every other place; notes what was asked for.

    A page that is an address leads there; `wants_sign_in` are places that ask for one.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self.pages: dict[str, str] = {}
        self.otherwise = ""
        self.wants_sign_in: set[str] = set()
        self.asked: list[str] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                place = f"{self.headers['Host']}{self.path.partition('?')[0]}"
                web.asked.append(f"{self.headers['Host']}{self.path} {self.headers.get('Authorization', '')}")
                page = web.pages.get(place, web.otherwise)
                leads_on = page.startswith(("https:", "http:"))
                if place in web.wants_sign_in:
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="Welcome"')
                else:
                    self.send_response(302 if leads_on else 200 if page else 404)
                if leads_on:
                    self.send_header("Location", page)
                self.end_headers()
                self.wfile.write(page.encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    def dial(self, _host: str, _port: int) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)


@pytest.fixture
def names() -> Iterator[Names]:
    made = Names()
    with closing(made.socket):
        yield made


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def web(authority: trustme.CA) -> Iterator[Web]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*HOSTS).configure_cert(context)
    made = Web(context)
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def discovery(
    names: Names, web: Web, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> DiscoveredServers:
    """It waits as long as servers in this process may take."""
    for module in (name_records, pages):
        monkeypatch.setattr(module, "_WITHIN", 60.0)
    trusted = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    return DiscoveredServers(NameRecords([names.server]), Pages(web.dial, trusted), within=PATIENCE)


def test_srv_records_by_priority_and_then_weight(names: Names, discovery: DiscoveredServers) -> None:
    names.records = {
        "_imaps._tcp.contoso.example": [
            (10, 0, 993, "second.contoso.example"),
            (0, 1, 993, "light.contoso.example"),
            (0, 5, 1993, "imap.contoso.example"),
        ],
        "_submission._tcp.contoso.example": [(0, 0, 587, "smtp.contoso.example")],
    }
    smtp = Server("smtp.contoso.example", 587, "starttls")
    assert discovery.find(ANN) == FoundServers(Server("imap.contoso.example", 1993, "tls"), smtp)


def test_a_record_that_leads_to_another_domain_wants_a_persons_word(
    names: Names, discovery: DiscoveredServers
) -> None:
    names.records = {"_imap._tcp.contoso.example": [(0, 0, 143, "imap.fabrikam.example")]}
    found = discovery.find(ANN)
    assert found == FoundServers(Server("imap.fabrikam.example", 143, "starttls"), None, wants_word=True)


def test_a_service_that_a_domain_says_it_has_not_is_none(names: Names, discovery: DiscoveredServers) -> None:
    names.records = {"_imaps._tcp.contoso.example": [(0, 0, 0, "")]}
    assert discovery.find(ANN) is None


@pytest.mark.parametrize(
    "place",
    [
        "autoconfig.contoso.example/mail/config-v1.1.xml",
        "contoso.example/.well-known/autoconfig/mail/config-v1.1.xml",
    ],
)
def test_the_provider_s_own_file(web: Web, discovery: DiscoveredServers, place: str) -> None:
    web.pages = {place: CONFIG}
    smtp = Server("smtp.contoso.example", 587, "starttls")
    assert discovery.find(ANN) == FoundServers(Server("imap.contoso.example", 993, "tls"), smtp)


def test_exchange_s_own_without_a_sign_in_and_wherever_it_was_moved_to(
    web: Web, discovery: DiscoveredServers
) -> None:
    path = f"autodiscover.contoso.example/autodiscover/autodiscover.json/v1.0/{ANN}"
    web.pages = {path: "https://contoso.example/moved", "contoso.example/moved": EXCHANGE}
    found = discovery.find(ANN)
    assert found is not None
    assert found.imap == Server("mail.contoso.example", 993, "tls")
    assert all(asked.endswith(" ") for asked in web.asked), "nobody signs in"


@pytest.mark.parametrize("target", ["http://contoso.example/plain", "https://autodiscover.contoso.example/x"])
def test_what_is_moved_to_where_nothing_is_encrypted_or_round_and_round_is_nothing(
    web: Web, discovery: DiscoveredServers, target: str
) -> None:
    path = f"autodiscover.contoso.example/autodiscover/autodiscover.json/v1.0/{ANN}"
    web.pages = {path: target, "autodiscover.contoso.example/x": target, "contoso.example/plain": EXCHANGE}
    assert discovery.find(ANN) is None


@pytest.mark.parametrize("answer", ["a page", "a page, and a sign-in", "on to where nothing is encrypted"])
def test_a_web_site_that_answers_for_every_name_is_no_mail_server(
    web: Web, discovery: DiscoveredServers, answer: str
) -> None:
    """A wildcard in DNS leads every name to it."""
    web.otherwise = "<html><title>Welcome</title></html>"
    exchange = f"autodiscover.contoso.example/autodiscover/autodiscover.json/v1.0/{ANN}"
    if answer == "a page, and a sign-in":
        web.wants_sign_in = {exchange, "autoconfig.contoso.example/mail/config-v1.1.xml"}
    if answer == "on to where nothing is encrypted":
        web.otherwise = "http://contoso.example/mail/config-v1.1.xml"
    assert discovery.find(ANN) is None
    assert len(web.asked) == 3
    assert all(asked.endswith(" ") for asked in web.asked), "nobody signs in"


def test_nothing_that_is_published_is_nothing_found(discovery: DiscoveredServers, web: Web) -> None:
    assert discovery.find(ANN) is None
    assert len(web.asked) == 3


def test_who_keeps_silent_is_given_up(authority: trustme.CA) -> None:
    """Nobody accepts, nobody answers."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute,
        socket.create_server(("127.0.0.1", 0)) as deaf,
    ):
        mute.bind(("127.0.0.1", 0))
        trusted = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())

        def dial(_host: str, _port: int) -> socket.socket:
            return socket.create_connection(deaf.getsockname(), 60)

        records = NameRecords([mute.getsockname()])
        discovery = DiscoveredServers(records, Pages(dial, trusted), within=0.2)
        assert discovery.find(ANN) is None


def test_pages_are_read_at_public_addresses_alone(web: Web, authority: trustme.CA) -> None:
    trusted = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    guarded = Pages(GuardedDial(ports=PORTS, resolve=lambda *_: ["127.0.0.1"]), trusted)
    web.pages = {"contoso.example/x": EXCHANGE}
    assert guarded.get("https://contoso.example/x") == ""
    assert web.asked == []


@pytest.mark.parametrize("address", ["ann@gmail.com", "ann@icloud.com"])
def test_a_known_provider_is_asked_nothing(discovery: DiscoveredServers, web: Web, address: str) -> None:
    found = discovery.find(address)
    assert found is not None
    assert found.smtp is not None
    assert web.asked == []


HOSTILE: Mapping[str, bytes] = {
    "round and round": b"\xc0\x0c" * 40,
    "cut": b"",
    "a name beyond the end": b"\x3fabc",
}


@pytest.mark.parametrize("tail", HOSTILE.values(), ids=list(HOSTILE))
def test_answers_that_are_none_are_no_records(
    names: Names, tail: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(question: bytes) -> bytes:
        return question[:2] + struct.pack(">5H", 0x8180, 1, 5, 0, 0) + question[12:] + tail

    monkeypatch.setattr(names, "_answer", answer)
    assert list(NameRecords([names.server]).srv("_imaps._tcp.contoso.example")) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html><body>Welcome</body></html>",
        '<!DOCTYPE a [<!ENTITY b "c">]><clientConfig/>',
        CONFIG.replace("<socketType>SSL", "<socketType>none"),
        CONFIG.replace("993", "many"),
        "x" * 100_000,
    ],
)
def test_what_is_no_configuration_is_none(text: str) -> None:
    assert of_autoconfig(text, ANN) is None


@pytest.mark.parametrize("text", ["", "[]", '{"Url": 1}', '{"Url": "http://a.example/"}', "[" * 90_000])
def test_what_is_no_answer_of_exchange_is_none(text: str) -> None:
    assert of_exchange(text) is None


def test_resolvers_are_those_of_the_machine(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text(
        "# ours\nsearch contoso.example\nnameserver 192.0.2.1\nnameserver 2001:db8::1\nnameserver x\n"
    )
    assert system_servers(file) == [("192.0.2.1", 53), ("2001:db8::1", 53)]
    assert system_servers(tmp_path / "none") == []
