"""Where the storage account is, and what carries out the calls."""

from dataclasses import dataclass
from typing import Final

DIRECT: Final = "direct"


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """Where the account is: a connection string, or the three service addresses and an identity.

    `client_id` names a user-assigned identity; `ca_bundle` is a file of certificates to trust instead. `calls` says
    what carries out the hot path: `direct` (urllib3) or `sdk` (Azure's packages, which do all the rest as well).
    """

    connection_string: str = ""
    table_uri: str = ""
    queue_uri: str = ""
    blob_uri: str = ""
    client_id: str = ""
    ca_bundle: str | None = None
    calls: str = DIRECT
