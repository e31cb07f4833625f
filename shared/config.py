"""The settings of a deployment, and the only reader of the environment. One error names every problem."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from shared.domain.connections.public_addresses import Network, networks_of
from shared.domain.connections.tenant_ids import is_tenant_id

STORAGE: Final = "AzureWebJobsStorage"
GRAPH_URL: Final = "https://graph.microsoft.com"
AUTHORITY_URL: Final = "https://login.microsoftonline.com"
# As long as the hash of HMAC-SHA256, and the key of AES-256.
KEY_BYTES: Final = 32
# Microsoft names no time within which a draft that it took has left.
SETTLES_AFTER: Final = timedelta(minutes=10)
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
# How tables, queues and leases are asked: over urllib3, or by Azure's packages.
STORAGE_CALLS: Final = ("direct", "sdk")

# Every setting with its purpose; a test compares docs/configuration.md with it.
SETTINGS: Final = {
    STORAGE: "Connection string of the storage account; Azurite and local runs.",
    f"{STORAGE}__blobServiceUri": "Blob endpoint, for the identity-based connection that Azure uses.",
    f"{STORAGE}__queueServiceUri": "Queue endpoint, for the same connection.",
    f"{STORAGE}__tableServiceUri": "Table endpoint, for the same connection.",
    f"{STORAGE}__credential": "`managedidentity`; the Functions host reads it.",
    f"{STORAGE}__clientId": "Client id of the user-assigned identity that opens the storage account.",
    "POSTLEDGER_CLIENT_ID": "Application (client) id of the app registration.",
    "POSTLEDGER_HOME_TENANT_ID": "Tenant of the deployment.",
    "POSTLEDGER_CLIENT_SECRET": "Client secret; the first of three ways to prove the app's identity.",
    "POSTLEDGER_CLIENT_SECRET_EXPIRES": "When the client secret ends, so that an alert can say so before.",
    "POSTLEDGER_CERTIFICATE": "Private key and certificate, a PEM or its path; the second way.",
    "POSTLEDGER_MANAGED_IDENTITY_CLIENT_ID": "User-assigned identity as federated credential; the third way.",
    "POSTLEDGER_PUBLIC_URL": "Address at which Microsoft Graph reaches this app, without a path.",
    "POSTLEDGER_HASH_KEY": "64 hexadecimal digits: the key of every keyed hash. Never changes.",
    "POSTLEDGER_CODE_KEYS": "Keys that sign reference codes: 64 hexadecimal digits each, by commas, newest first.",
    "POSTLEDGER_TOKEN_KEYS": "Keys that seal people's sign-ins, newest first; only for delegated access.",
    "POSTLEDGER_GRAPH_URL": "Microsoft Graph, for national clouds.",
    "POSTLEDGER_AUTHORITY_URL": "Microsoft Entra ID, for national clouds.",
    "POSTLEDGER_API_AUDIENCE": "Audience of the API's tokens if it is not the client id.",
    "POSTLEDGER_CORS_ORIGINS": "Web origins that may call the API, separated by commas.",
    "POSTLEDGER_PRIVATE_NETWORKS": "Networks within which mail servers may be named, separated by commas.",
    "POSTLEDGER_STORAGE": "`direct` or `sdk`: what carries out the frequent calls to storage.",
    "POSTLEDGER_SETTLES_AFTER": "Seconds for which a server may work on a mail that it took; for simulators.",
    "REQUESTS_CA_BUNDLE": "Certificates to trust instead of the default ones; local runs.",
}


class ConfigurationError(Exception):
    """The environment does not describe a deployment. The message names every problem."""


@dataclass(frozen=True, slots=True)
class StorageConnection:
    """A connection string, or three endpoints with an identity; `calls` is one of STORAGE_CALLS."""

    connection_string: str
    blob_uri: str
    queue_uri: str
    table_uri: str
    client_id: str
    calls: str


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, validated. Exactly one of secret, certificate and identity is set."""

    storage: StorageConnection
    client_id: str
    home_tenant_id: str
    client_secret: str
    client_secret_expires_at: datetime | None
    certificate: str
    managed_identity_client_id: str
    public_url: str
    hash_key: bytes
    code_keys: tuple[bytes, ...]
    token_keys: tuple[bytes, ...]
    graph_url: str
    authority_url: str
    api_audience: str
    cors_origins: tuple[str, ...]
    private_networks: tuple[Network, ...]
    ca_bundle: str | None
    settled_after: timedelta

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read and check everything. Raises ConfigurationError."""
        reader = _Reader(os.environ if environment is None else environment)
        settings = cls(
            storage=reader.storage(),
            client_id=reader.required("POSTLEDGER_CLIENT_ID"),
            home_tenant_id=reader.tenant("POSTLEDGER_HOME_TENANT_ID"),
            client_secret=reader.text("POSTLEDGER_CLIENT_SECRET"),
            client_secret_expires_at=reader.time("POSTLEDGER_CLIENT_SECRET_EXPIRES"),
            certificate=reader.text("POSTLEDGER_CERTIFICATE"),
            managed_identity_client_id=reader.text("POSTLEDGER_MANAGED_IDENTITY_CLIENT_ID"),
            public_url=reader.required("POSTLEDGER_PUBLIC_URL").rstrip("/"),
            hash_key=reader.key("POSTLEDGER_HASH_KEY"),
            code_keys=reader.keys("POSTLEDGER_CODE_KEYS", reader.required),
            token_keys=reader.keys("POSTLEDGER_TOKEN_KEYS"),
            graph_url=reader.text("POSTLEDGER_GRAPH_URL", GRAPH_URL).rstrip("/"),
            authority_url=reader.text("POSTLEDGER_AUTHORITY_URL", AUTHORITY_URL).rstrip("/"),
            api_audience=reader.text("POSTLEDGER_API_AUDIENCE"),
            cors_origins=reader.list("POSTLEDGER_CORS_ORIGINS"),
            private_networks=reader.networks("POSTLEDGER_PRIVATE_NETWORKS"),
            # The local runner trusts a certificate authority of its own.
            ca_bundle=reader.text("REQUESTS_CA_BUNDLE") or None,
            settled_after=reader.seconds("POSTLEDGER_SETTLES_AFTER", SETTLES_AFTER),
        )
        is_simulated = urlsplit(settings.graph_url).hostname in LOOPBACK
        if settings.settled_after < SETTLES_AFTER and not is_simulated:
            reader.problems.append(
                "POSTLEDGER_SETTLES_AFTER may be less than 600 seconds only over a simulator on this machine: a real "
                "server may still be at work on a mail, which would leave twice"
            )
        ways = (settings.client_secret, settings.certificate, settings.managed_identity_client_id)
        # With two ways set, a forgotten secret would stay in use unseen.
        if sum(map(bool, ways)) != 1:
            reader.problems.append(
                "set exactly one of POSTLEDGER_CLIENT_SECRET, POSTLEDGER_CERTIFICATE and "
                "POSTLEDGER_MANAGED_IDENTITY_CLIENT_ID"
            )
        if reader.problems:
            raise ConfigurationError(
                "Settings: " + "; ".join(reader.problems) + ". See docs/configuration.md."
            )
        return settings


class _Reader:
    """Reads values from an environment and collects their problems."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.problems: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        return self.environment.get(name, "").strip() or default

    def time(self, name: str) -> datetime | None:
        """A point in time in ISO 8601, in UTC where it names no zone; None where it is empty."""
        text = self.text(name)
        try:
            found = datetime.fromisoformat(text) if text else None
        except ValueError:
            self.problems.append(f"{name} must be a time such as 2027-01-31T00:00:00Z")
            return None
        return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found

    def seconds(self, name: str, default: timedelta) -> timedelta:
        """A number of seconds above 0."""
        text = self.text(name)
        if not text:
            return default
        if not text.isascii() or not text.isdigit() or len(text) > 6 or int(text) == 0:
            self.problems.append(f"{name} must be a whole number of seconds")
            return default
        return timedelta(seconds=int(text))

    def list(self, name: str) -> tuple[str, ...]:
        """The items of a list, separated by commas."""
        items = self.text(name).replace(" ", "").split(",")
        return tuple(filter(None, items))

    def networks(self, name: str) -> tuple[Network, ...]:
        try:
            return networks_of(self.list(name))
        except ValueError:
            self.problems.append(f"{name} must be networks such as 10.0.0.0/8, separated by commas")
            return ()

    def required(self, name: str) -> str:
        value = self.text(name)
        if not value:
            self.problems.append(f"{name} is missing")
        return value

    def tenant(self, name: str) -> str:
        # Entra ID's tokens spell a tenant id in lower case.
        value = self.required(name).lower()
        if value and not is_tenant_id(value):
            self.problems.append(f"{name} is not a tenant id (a GUID)")
        return value

    def key(self, name: str) -> bytes:
        value = self.required(name)
        key = _hexadecimal(value)
        if value and len(key) != KEY_BYTES:
            self.problems.append(f"{name} must be {2 * KEY_BYTES} hexadecimal digits")
        return key

    def keys(self, name: str, read: Callable[[str], str] | None = None) -> tuple[bytes, ...]:
        """Several keys, separated by commas; none if the setting is optional and empty."""
        value = (read or self.text)(name)
        texts = value.split(",") if value else []
        keys = tuple(_hexadecimal(text.strip()) for text in texts)
        if any(len(key) != KEY_BYTES for key in keys):
            self.problems.append(
                f"{name} must be keys of {2 * KEY_BYTES} hexadecimal digits, separated by commas"
            )
        return keys

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """One of the choices; the first where the setting is empty."""
        value = self.text(name, choices[0]).lower()
        if value not in choices:
            self.problems.append(f"{name} must be {' or '.join(choices)}")
        return value

    def storage(self) -> StorageConnection:
        names = [f"{STORAGE}__{kind}ServiceUri" for kind in ("blob", "queue", "table")]
        blob, queue, table = (self.text(name) for name in names)
        connection_string = self.text(STORAGE)
        if not connection_string and not (blob and queue and table):
            self.problems.append(f"{STORAGE} is missing (or all of {', '.join(names)})")
        return StorageConnection(
            connection_string,
            blob_uri=blob,
            queue_uri=queue,
            table_uri=table,
            client_id=self.text(f"{STORAGE}__clientId"),
            calls=self.choice("POSTLEDGER_STORAGE", STORAGE_CALLS),
        )


def _hexadecimal(text: str) -> bytes:
    """The bytes; empty for a text that is not hexadecimal."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
