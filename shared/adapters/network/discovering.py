"""Finds the servers of a mailbox by its address: SRV records, the provider's own file, Exchange's autodiscover.

Finds, and never signs in: names for discovery are answered by wildcards and web sites, which get no password.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from threading import Thread
from time import monotonic
from typing import Final
from urllib.parse import quote

from shared.adapters.network.dialling import is_closed
from shared.adapters.network.name_records import NameRecords
from shared.adapters.network.pages import Pages
from shared.domain.connections.accounts import Server
from shared.domain.connections.discovery import (
    IMAP_SERVICES,
    SMTP_SERVICES,
    FoundServers,
    is_elsewhere,
    of_autoconfig,
    of_exchange,
    of_srv,
)
from shared.domain.connections.providers import provider_of
from shared.domain.connections.public_addresses import Network
from shared.domain.errors import PostledgerError
from shared.domain.mail.addresses import domain_of

WITHIN: Final = 8.0
_AUTOCONFIG: Final = (
    "https://autoconfig.{domain}/mail/config-v1.1.xml?emailaddress={address}",
    "https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress={address}",
)
_EXCHANGE: Final = (
    "https://autodiscover.{domain}/autodiscover/autodiscover.json/v1.0/{address}?Protocol=AutodiscoverV1"
)


class DiscoveredServers:
    """Implements `ports.MailServers`. All ways are tried side by side, and the first in their order counts."""

    def __init__(
        self,
        records: NameRecords,
        pages: Pages,
        within: float = WITHIN,
        *,
        opened: Sequence[Network] = (),
    ) -> None:
        self._records = records
        self._pages = pages
        self._within = within
        self._opened = opened

    def may_be_named(self, host: str) -> bool:
        return not is_closed(host, self._opened)

    def find(self, address: str) -> FoundServers | None:
        provider = provider_of(address)
        if provider is not None and provider.imap is not None:
            return FoundServers(provider.imap, provider.smtp)
        ends = monotonic() + self._within
        ways = [_begun(way, address) for way in (self._by_records, self._by_file, self._by_exchange)]
        for way in ways:
            try:
                found = way.result(max(0.0, ends - monotonic()))
            except Late:
                continue
            if found is not None:
                return found
        return None

    def _by_records(self, address: str) -> FoundServers | None:
        imap = self._service(IMAP_SERVICES, address)
        if imap is None:
            return None
        return FoundServers(imap, self._service(SMTP_SERVICES, address), is_elsewhere(imap, address))

    def _service(self, services: tuple[tuple[str, str], ...], address: str) -> Server | None:
        domain = domain_of(address)
        found = (of_srv(self._records.srv(f"{name}.{domain}"), security) for name, security in services)
        return next(filter(None, found), None)

    def _by_file(self, address: str) -> FoundServers | None:
        texts = (self._pages.get(_filled(url, address)) for url in _AUTOCONFIG)
        return next(filter(None, (of_autoconfig(text, address) for text in texts if text)), None)

    def _by_exchange(self, address: str) -> FoundServers | None:
        return of_exchange(self._pages.get(_filled(_EXCHANGE, address)))


def _filled(url: str, address: str) -> str:
    return url.format(domain=domain_of(address), address=quote(address, safe="@"))


def _begun(way: Callable[[str], FoundServers | None], address: str) -> "Future[FoundServers | None]":
    """A way in a thread of its own: one that is kept waiting keeps nobody else waiting."""
    answer: Future[FoundServers | None] = Future()

    def run() -> None:
        try:
            answer.set_result(way(address))
        # What a strange server makes of a parser is nothing found.
        except (OSError, ValueError, LookupError, PostledgerError):
            answer.set_result(None)

    Thread(target=run, name="discovery", daemon=True).start()
    return answer
