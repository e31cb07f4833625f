"""Clients of one storage account, by connection string or by identity, over one pool of connections.

Imports Azure's packages when a client is first asked for: blobs cost a worker's start 200 ms that no webhook needs.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeVar

from shared import telemetry
from shared.adapters.storage.settings import DIRECT, StorageSettings
from shared.telemetry.user_agent import user_agent

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import RequestsTransport
    from azure.data.tables import TableClient, TableServiceClient
    from azure.storage.blob import BlobServiceClient, ContainerClient
    from azure.storage.queue import QueueClient, QueueServiceClient
    from requests import Response

    from shared.adapters.storage.calls import Calls

# The SDKs' own limits and retries add up (86 s for a queue that is down); a failed command is put back anyway.
CONNECT_TIMEOUT: Final = 5.0
READ_TIMEOUT: Final = 20.0
RETRIES: Final = 3
SIDE_BY_SIDE: Final = 8
POOL_SIZE: Final = 64
BLOCK: Final = 4 * 1024 * 1024

T = TypeVar("T")
R = TypeVar("R")


class Connection:
    """Creates calls and clients. Threads may share it; a function app needs one.

    Listeners hear method and status of every answer, whichever client asked.
    """

    def __init__(self, settings: StorageSettings, *, retries: int = RETRIES) -> None:
        self._settings = settings
        self._retries = retries
        self._lock = Lock()
        self.listeners: list[Callable[[str, int], None]] = [_count]
        self._queues: dict[str, QueueClient] = {}
        self._containers: dict[str, ContainerClient] = {}

    @cached_property
    def calls(self) -> "Calls":
        """Tables, queues and leases, as the stores ask for them."""
        if self._settings.calls == DIRECT:
            return self._direct_calls()
        from shared.adapters.storage.sdk.client import SdkCalls

        return SdkCalls(self)

    def table(self, name: str) -> "TableClient":
        return self.table_service.get_table_client(name)

    def queue(self, name: str) -> "QueueClient":
        with self._lock:
            if name not in self._queues:
                self._queues[name] = self._new_queue(name)
            return self._queues[name]

    def container(self, name: str) -> "ContainerClient":
        with self._lock:
            if name not in self._containers:
                self._containers[name] = self.blob_service.get_container_client(name)
            return self._containers[name]

    def side_by_side(self, run: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """The results in order, with up to eight calls at a time. `run` must not call this method again."""
        given = list(items)
        if len(given) < 2:
            return [run(item) for item in given]
        # A worker counts its requests for the command that waits for it.
        contexts = [copy_context() for _ in given]
        return list(self._workers.map(lambda item, context: context.run(run, item), given, contexts))

    @cached_property
    def transport(self) -> "RequestsTransport":
        """One pool of connections for all clients; proxies and certificates are not taken from the environment."""
        import requests
        from azure.core.pipeline.transport import RequestsTransport
        from requests.adapters import HTTPAdapter

        session = requests.Session()
        # Settings alone decide how storage is reached, not the proxies or .netrc of an environment.
        session.trust_env = False
        session.hooks["response"].append(self._tell)
        for scheme in ("https://", "http://"):
            # The SDK retries by itself; both together would multiply the tries.
            session.mount(scheme, HTTPAdapter(pool_connections=4, pool_maxsize=POOL_SIZE, max_retries=0))
        return RequestsTransport(
            session=session,
            use_env_settings=False,
            connection_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            connection_verify=self._settings.ca_bundle or True,
        )

    @cached_property
    def _workers(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="storage")

    @cached_property
    def _credential(self) -> "TokenCredential":
        from azure.identity import ManagedIdentityCredential

        return ManagedIdentityCredential(client_id=self._settings.client_id or None, user_agent=user_agent())

    @cached_property
    def table_service(self) -> "TableServiceClient":
        from azure.data.tables import TableServiceClient

        options: dict[str, Any] = {
            "transport": self.transport,
            "retry_total": self._retries,
            "retry_backoff_factor": 0.4,
            "retry_backoff_max": 5,
            "user_agent": user_agent(),
        }
        if self._settings.connection_string:
            return TableServiceClient.from_connection_string(self._settings.connection_string, **options)
        return TableServiceClient(self._settings.table_uri, credential=self._credential, **options)

    @cached_property
    def queue_service(self) -> "QueueServiceClient":
        from azure.storage.queue import QueueServiceClient

        options = self._options()
        if self._settings.connection_string:
            return QueueServiceClient.from_connection_string(self._settings.connection_string, **options)
        return QueueServiceClient(self._settings.queue_uri, credential=self._credential, **options)

    @cached_property
    def blob_service(self) -> "BlobServiceClient":
        from azure.storage.blob import BlobServiceClient

        options = {
            **self._options(),
            "max_block_size": BLOCK,
            "max_single_put_size": BLOCK,
            "max_single_get_size": BLOCK,
            "max_chunk_get_size": BLOCK,
        }
        if self._settings.connection_string:
            return BlobServiceClient.from_connection_string(self._settings.connection_string, **options)
        return BlobServiceClient(self._settings.blob_uri, credential=self._credential, **options)

    def _tell(self, response: "Response", *_: object, **__: object) -> None:
        for hear in self.listeners:
            hear(str(response.request.method), response.status_code)

    def _direct_calls(self) -> "Calls":
        from shared.adapters.storage.direct.client import DirectCalls, opened
        from shared.adapters.storage.direct.exchange import Patience
        from shared.adapters.storage.direct.sending import Sender
        from shared.adapters.storage.direct.wire import Wire

        account, authority = opened(self._settings, lambda: self._credential)
        wire = Wire(size=POOL_SIZE, ca_bundle=self._settings.ca_bundle)
        patience = Patience(CONNECT_TIMEOUT, READ_TIMEOUT, self._retries)
        return DirectCalls(Sender(account, authority, wire, patience=patience, listeners=self.listeners))

    def _new_queue(self, name: str) -> "QueueClient":
        from azure.storage.queue import QueueClient, TextBase64EncodePolicy

        # The Functions queue trigger expects base64; host.json says the same.
        options = {**self._options(), "message_encode_policy": TextBase64EncodePolicy()}
        if self._settings.connection_string:
            return QueueClient.from_connection_string(self._settings.connection_string, name, **options)
        return QueueClient(self._settings.queue_uri, name, credential=self._credential, **options)

    def _options(self) -> dict[str, Any]:
        return {
            "transport": self.transport,
            "retry_total": self._retries,
            "initial_backoff": 1,
            "increment_base": 2,
            "random_jitter_range": 1,
            "user_agent": user_agent(),
        }


def _count(method: str, status: int) -> None:  # noqa: ARG001
    telemetry.count(telemetry.Counted.STORAGE_CALLS)
