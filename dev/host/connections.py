"""Storage clients for the connection a trigger names: a connection string, or addresses and an identity.

The only module of the host that makes clients; all share one pool of connections.
"""

import os
from collections.abc import Mapping
from typing import Any

import requests
from azure.core.pipeline.transport import RequestsTransport
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import ExponentialRetry, QueueServiceClient
from requests.adapters import HTTPAdapter

from dev.azurite import Ports
from dev.host.configuration import HostError

HOST_STORAGE = "AzureWebJobsStorage"
_EMULATOR = "UseDevelopmentStorage=true"
_EMULATOR_STRING = Ports(blob=10000, queue=10001, table=10002).connection_string


class Connections:
    """Makes clients from app settings. `settings` is the environment unless given.

    A request without an answer fails after `no_answer` seconds; it is tried again so many times (`retries`).
    """

    def __init__(
        self, settings: Mapping[str, str] | None = None, *, retries: int = 3, no_answer: float = 100
    ) -> None:
        self._settings = os.environ if settings is None else settings
        self._retries = retries
        self._no_answer = no_answer
        self._session = requests.Session()
        self._credentials: dict[str, Any] = {}
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_connections=8, pool_maxsize=64))

    def queues(self, name: str) -> QueueServiceClient:
        """The queue service of connection `name`."""
        if text := self._connection_string(name):
            return QueueServiceClient.from_connection_string(text, **self._options())
        uri = self._service_uri(name, "queue")
        return QueueServiceClient(uri, credential=self._credential(name), **self._options())

    def blobs(self, name: str) -> BlobServiceClient:
        """The blob service of connection `name`."""
        if text := self._connection_string(name):
            return BlobServiceClient.from_connection_string(text, **self._options())
        uri = self._service_uri(name, "blob")
        return BlobServiceClient(uri, credential=self._credential(name), **self._options())

    def tables(self, name: str) -> TableServiceClient:
        """The table service of connection `name`."""
        transport = RequestsTransport(session=self._session, session_owner=False)
        if text := self._connection_string(name):
            return TableServiceClient.from_connection_string(text, transport=transport)
        uri = self._service_uri(name, "table")
        return TableServiceClient(uri, credential=self._credential(name), transport=transport)

    def _connection_string(self, name: str) -> str | None:
        text = self._settings.get(name)
        return _EMULATOR_STRING if text and text.strip("; ") == _EMULATOR else text

    def _service_uri(self, name: str, service: str) -> str:
        if uri := self._settings.get(f"{name}__{service}ServiceUri"):
            return uri
        if account := self._settings.get(f"{name}__accountName"):
            return f"https://{account}.{service}.core.windows.net"
        raise HostError(f"connection {name}: neither {name} nor {name}__{service}ServiceUri is set")

    def _credential(self, name: str) -> Any:
        """One for all clients of a connection, so that its tokens are asked for once."""
        if name not in self._credentials:
            self._credentials[name] = self._new_credential(name)
        return self._credentials[name]

    def _new_credential(self, name: str) -> Any:
        from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

        client_id = self._settings.get(f"{name}__clientId")
        if self._settings.get(f"{name}__credential", "").lower() == "managedidentity":
            return (
                ManagedIdentityCredential(client_id=client_id) if client_id else ManagedIdentityCredential()
            )
        return DefaultAzureCredential()

    def _options(self) -> dict[str, Any]:
        return {
            "transport": RequestsTransport(
                session=self._session,
                session_owner=False,
                connection_timeout=self._no_answer,
                read_timeout=self._no_answer,
            ),
            "retry_policy": ExponentialRetry(
                initial_backoff=0, increment_base=2, retry_total=self._retries, random_jitter_range=1
            ),
        }
