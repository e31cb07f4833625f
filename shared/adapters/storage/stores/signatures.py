"""The table Signatures: what stands below the mails of each agent."""

from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, packed, part_names, unpacked
from shared.adapters.storage.table import Table
from shared.domain import names


class AzureSignatures:
    """Implements `ports.Signatures`: one request each."""

    def __init__(self, connection: Connection) -> None:
        self._table = Table(connection, names.SIGNATURES)

    def get(self, tenant_id: str, agent_id: str) -> str:
        row = self._table.get(escaped(tenant_id), escaped(agent_id), part_names())
        return str(unpacked(row)["html"]) if row else ""

    def put(self, tenant_id: str, agent_id: str, html: str) -> None:
        keys = {"PartitionKey": escaped(tenant_id), "RowKey": escaped(agent_id)}
        self._table.upsert({**keys, **packed({"html": html})})
