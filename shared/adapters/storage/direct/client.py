"""The direct calls of one account, and what opens it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from shared.adapters.storage.direct import listing
from shared.adapters.storage.direct.account import Account
from shared.adapters.storage.direct.bearer import Bearer
from shared.adapters.storage.direct.exchange import Sends, Service
from shared.adapters.storage.direct.leases import DirectLeases
from shared.adapters.storage.direct.queues import DirectQueue
from shared.adapters.storage.direct.sending import Authority
from shared.adapters.storage.direct.shared_key import SharedKey
from shared.adapters.storage.direct.tables import DirectTable
from shared.adapters.storage.settings import StorageSettings
from shared.domain.errors import Unavailable

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential


class DirectCalls:
    """Implements `calls.Calls`."""

    def __init__(self, sender: Sends) -> None:
        self._sender = sender

    def tables(self) -> set[str]:
        return listing.tables(self._sender)

    def queues(self) -> set[str]:
        return listing.named(self._sender, Service.QUEUE)

    def containers(self) -> set[str]:
        return listing.named(self._sender, Service.BLOB)

    def table(self, name: str) -> DirectTable:
        return DirectTable(self._sender, name)

    def queue(self, name: str) -> DirectQueue:
        return DirectQueue(self._sender, name)

    def leases(self, container: str) -> DirectLeases:
        return DirectLeases(self._sender, container)


def opened(
    settings: StorageSettings, credential: Callable[[], "TokenCredential"]
) -> tuple[Account, Authority]:
    """Where the account is, and how requests prove who asks.

    Raises Unavailable where a token would go over HTTP, in clear text.
    """
    if settings.connection_string:
        account = Account.of_connection_string(settings.connection_string)
        return account, SharedKey(account.name, account.key)
    account = Account.of_addresses(table=settings.table_uri, queue=settings.queue_uri, blob=settings.blob_uri)
    given = [account.addresses[service] for service in Service if account.addresses[service]]
    if not all(address.startswith("https://") for address in given):
        raise Unavailable("an identity opens storage over HTTPS only")
    return account, Bearer(credential())
