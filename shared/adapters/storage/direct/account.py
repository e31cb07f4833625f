"""Where the services of an account are, and the key that opens it, if there is one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from shared.adapters.storage.direct.exchange import Service
from shared.domain.errors import Unavailable

# The account that every Azurite has (Microsoft, "Use the Azurite emulator", well-known account and key).
_DEVELOPMENT: Final = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;"
    "QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
    "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;"
)


@dataclass(frozen=True, slots=True)
class Account:
    """Addresses without a slash at their end. `name` and `key` are empty where an identity opens the account."""

    addresses: Mapping[Service, str]
    name: str = ""
    key: str = field(default="", repr=False)

    def address(self, service: Service) -> str:
        """Raises Unavailable where none was given: a fault of this deployment."""
        address = self.addresses.get(service, "")
        if not address:
            raise Unavailable(f"no address of the {service} service is set")
        return address

    @classmethod
    def of_addresses(cls, *, table: str, queue: str, blob: str) -> "Account":
        given = {Service.TABLE: table, Service.QUEUE: queue, Service.BLOB: blob}
        return cls({service: address.rstrip("/") for service, address in given.items()})

    @classmethod
    def of_connection_string(cls, text: str) -> "Account":
        """Raises Unavailable for one without an account key, such as one with a shared access signature."""
        if text.strip().rstrip(";").lower() == "usedevelopmentstorage=true":
            text = _DEVELOPMENT
        parts = dict(_pair(part) for part in text.split(";") if part.strip())
        name, key = parts.get("accountname", ""), parts.get("accountkey", "")
        if not (name and key):
            raise Unavailable(
                "the storage connection string has no account key; set POSTLEDGER_STORAGE to sdk"
            )
        return cls({service: _address(service, name, parts) for service in Service}, name, key)


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return name.strip().lower(), value.strip()


def _address(service: Service, account: str, parts: Mapping[str, str]) -> str:
    explicit = parts.get(f"{service}endpoint")
    if explicit:
        return explicit.rstrip("/")
    scheme = parts.get("defaultendpointsprotocol", "https")
    suffix = parts.get("endpointsuffix", "core.windows.net")
    return f"{scheme}://{account}.{service}.{suffix}"
