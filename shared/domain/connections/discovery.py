"""What published descriptions say of a domain's mail servers: SRV records, the provider's autoconfig, Exchange's JSON.

Reads texts, asks nobody. A host of Microsoft's is told like any other: who saves it is told to sign in.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit
from xml.etree import ElementTree

from shared.domain.connections.accounts import SMTP_PORTS, STARTTLS, TLS, Server
from shared.domain.mail.addresses import domain_of
from shared.domain.mail.public_domains import registrable

# The services of RFC 6186 and RFC 8314 in order of preference.
IMAP_SERVICES: Final = (("_imaps._tcp", TLS), ("_imap._tcp", STARTTLS))
SMTP_SERVICES: Final = (("_submissions._tcp", TLS), ("_submission._tcp", STARTTLS))
_SOCKETS: Final = {"SSL": TLS, "STARTTLS": STARTTLS}
_LONGEST: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Srv:
    """An SRV record (RFC 2782). A target of '' says that there is no such service."""

    priority: int
    weight: int
    port: int
    target: str


@dataclass(frozen=True, slots=True)
class FoundServers:
    """Where a mailbox lies, and where its mail leaves.

    `wants_word`: the name of another domain came by DNS, which anybody on the way may have answered: RFC 6186 has a
    person confirm it.
    """

    imap: Server
    smtp: Server | None = None
    wants_word: bool = False


def of_srv(records: Sequence[Srv], security: str) -> Server | None:
    """The server that is to be tried first; None where the domain says that there is none."""
    offered = [record for record in records if record.target]
    if not offered:
        return None
    first = min(offered, key=lambda record: (record.priority, -record.weight))
    return Server(first.target.casefold(), first.port, security)


def is_elsewhere(server: Server, address: str) -> bool:
    """Whether a server stands in another domain than the address."""
    return registrable(server.host) != registrable(domain_of(address))


def of_autoconfig(text: str, address: str) -> FoundServers | None:
    """The servers of a provider's config-v1.1.xml; encrypted ones alone. None for what is no such file."""
    # No such file declares types; what does may swell without end.
    if len(text) > _LONGEST or "<!" in text.replace("<!--", ""):
        return None
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return None
    imap = next(_servers(root, "incomingServer", "imap", address), None)
    smtp = next(_servers(root, "outgoingServer", "smtp", address), None)
    return FoundServers(imap, smtp) if imap else None


def _servers(root: ElementTree.Element, tag: str, kind: str, address: str) -> Iterator[Server]:
    for element in root.iter(tag):
        host, port = element.findtext("hostname", ""), element.findtext("port", "")
        security = _SOCKETS.get(element.findtext("socketType", "").strip().upper(), "")
        if element.get("type") == kind and security and port.strip().isdigit() and host.strip():
            name = host.strip().replace("%EMAILDOMAIN%", domain_of(address))
            yield Server(name.casefold(), int(port), security)


def of_exchange(text: str) -> FoundServers | None:
    """The server that Exchange's autodiscover (V2, JSON) leads to: where its web services are, IMAP is too."""
    try:
        answer = json.loads(text[:_LONGEST])
    except (ValueError, RecursionError):
        return None
    url = answer.get("Url") if isinstance(answer, dict) else None
    parts = urlsplit(url) if isinstance(url, str) else None
    if parts is None or parts.scheme != "https" or not parts.hostname:
        return None
    submission = Server(parts.hostname, SMTP_PORTS[STARTTLS], STARTTLS)
    return FoundServers(Server(parts.hostname, 993, TLS), submission)
