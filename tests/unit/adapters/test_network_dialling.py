"""No spelling of a private address is connected to, whatever a name resolves to, and when."""

import socket
from collections.abc import Sequence

import pytest

from shared.adapters.network.dialling import MAIL_PORTS, NO_SUCH_SERVER, GuardedDial, connected
from shared.domain.connections.public_addresses import may_be_reached, networks_of
from shared.domain.errors import AccessDenied, Unavailable

PUBLIC = "93.184.216.34"
# What the C library reads as an address, and what resolvers answer with.
SPELLINGS = (
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "127.255.255.254",
    "0",
    "0.0.0.0",
    "10.0.0.1",
    "10.1",
    "167772161",
    "0x0a000001",
    "012.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "192.168.1",
    "3232235521",
    "0xc0a80001",
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "0251.0376.0251.0376",
    "100.64.0.1",
    "168.63.129.16",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "0:0:0:0:0:0:0:1",
    "::",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2001:0:7f00:1::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "localhost",
)


def numeric(host: str, _port: int) -> Sequence[str]:
    """As the C library reads it, without a look at any server; a name that stands in no registry is loopback's."""
    if host == "localhost":
        return ["127.0.0.1", "::1"]
    # `inet_aton` reads IPv4 as the resolver does, with octal and hexadecimal numbers and fewer than four of them.
    return [host] if ":" in host else [socket.inet_ntoa(socket.inet_aton(host))]


class Connected:
    """Stands for the network: notes where a connection was to go to, and where it led."""

    def __init__(self, peer: str = "") -> None:
        self.peer = peer
        self.tried: list[tuple[str, int]] = []
        self.closed = False

    def __call__(self, address: str, port: int, _within: float) -> socket.socket:
        self.tried.append((address, port))
        self.peer = self.peer or address
        return self  # type: ignore[return-value]

    def getpeername(self) -> tuple[str, int]:
        return self.peer, 993

    def close(self) -> None:
        self.closed = True


def test_there_are_forty_spellings_at_least() -> None:
    assert len(set(SPELLINGS)) >= 40


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_of_a_private_address_is_connected_to(host: str) -> None:
    network = Connected()
    with pytest.raises(AccessDenied) as refused:
        GuardedDial(resolve=numeric, connect=network)(host, 993)
    assert (refused.value.code, network.tried) == (NO_SUCH_SERVER, [])


@pytest.mark.parametrize("found", [["10.0.0.1"], [PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC], []])
def test_a_name_that_leads_inside_is_refused_once_it_is_resolved(found: list[str]) -> None:
    network = Connected()
    with pytest.raises(AccessDenied):
        GuardedDial(resolve=lambda *_: found, connect=network)("mail.contoso.example", 993)
    assert network.tried == []


def test_the_address_that_was_looked_at_is_the_one_that_is_connected_to() -> None:
    answers, network = [[PUBLIC], ["127.0.0.1"]], Connected()
    dial = GuardedDial(resolve=lambda *_: answers.pop(0), connect=network)
    dial("mail.contoso.example", 993)
    assert (network.tried, len(answers)) == ([(PUBLIC, 993)], 1)


def test_a_connection_that_came_out_inside_is_closed_before_a_word_is_said() -> None:
    network = Connected(peer="127.0.0.1")
    with pytest.raises(AccessDenied):
        GuardedDial(resolve=lambda *_: [PUBLIC], connect=network)("mail.contoso.example", 993)
    assert network.closed


def test_only_ports_of_mail_are_connected_to() -> None:
    network = Connected()
    dial = GuardedDial(resolve=lambda *_: [PUBLIC], connect=network)
    for port in (22, 80, 443, 445, 3306, 6379, 10255):
        with pytest.raises(AccessDenied):
            dial("mail.contoso.example", port)
    assert network.tried == []
    for port in sorted(MAIL_PORTS):
        dial("mail.contoso.example", port)
    assert {port for _, port in network.tried} == MAIL_PORTS


def test_a_deployment_opens_networks_of_its_own_with_all_their_ports_and_no_others() -> None:
    opened = networks_of(["10.1.0.0/16", "::1/128"])
    network = Connected()
    dial = GuardedDial(opened, resolve=numeric, connect=network)
    dial("10.1.2.3", 10_993)
    dial("::1", 993)
    for host in ("10.2.0.1", "127.0.0.1", "169.254.169.254"):
        with pytest.raises(AccessDenied):
            dial(host, 993)
    assert network.tried == [("10.1.2.3", 10_993), ("::1", 993)]
    # Metadata of the cloud stays closed, whatever is opened.
    assert not may_be_reached("169.254.169.254", networks_of(["0.0.0.0/0"]))
    assert not may_be_reached("::ffff:168.63.129.16", networks_of(["0.0.0.0/0", "::/0"]))


def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    tried: list[str] = []

    def connect(address: str, _port: int, _within: float) -> socket.socket:
        tried.append(address)
        raise OSError("no route")

    found = [PUBLIC, "2606:2800:220:1:248:1893:25c8:1946"]
    with pytest.raises(Unavailable):
        GuardedDial(resolve=lambda *_: found, connect=connect)("mail.contoso.example", 993)
    assert tried == found


def test_a_name_is_never_connected_to() -> None:
    with pytest.raises(ValueError, match="mail"):
        connected("mail.contoso.example", 993, 1)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"])
def test_public_addresses_are_reached(address: str) -> None:
    assert may_be_reached(address)
