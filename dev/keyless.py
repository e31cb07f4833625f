"""App settings of a set-up in which nothing has a key: storage and the application's own sign-in by identity.

The simulator plays the platform's endpoint for managed identities, and Azurite takes its tokens.
"""

from dev.azurite import Ports
from dev.simulator.entra import MANAGED_IDENTITY

STORAGE = "AzureWebJobsStorage"


def settings(storage: Ports, simulator_url: str) -> dict[str, str]:
    """What the platform and the infrastructure templates set, for a storage account at these addresses."""
    addresses = {f"{STORAGE}__{name}ServiceUri": uri for name, uri in storage.addresses.items()}
    return {
        **addresses,
        f"{STORAGE}__credential": "managedidentity",
        f"{STORAGE}__clientId": MANAGED_IDENTITY,
        "POSTLEDGER_MANAGED_IDENTITY_CLIENT_ID": MANAGED_IDENTITY,
        "IDENTITY_ENDPOINT": f"{simulator_url}/msi/token",
        "IDENTITY_HEADER": "of this machine",
    }
