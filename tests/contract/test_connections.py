"""What every `connection_ports.Connections` must do."""

from dataclasses import replace

import pytest

from shared.domain.connections.connections import MailConnection
from shared.domain.errors import Conflict
from tests.builders import NOW


def a_connection(tenant: str, connection_id: str = "graph-app", mode: str = "rbac") -> MailConnection:
    return MailConnection(
        tenant,
        connection_id,
        mode,
        state="verified",
        mailbox="ann@contoso.example",
        link_hash="ab" * 32,
        link_expires_at=NOW,
        flow="v1.x.y",
        consented_at=NOW,
        token="v1.a.b",
    )


class TestConnections:
    def test_a_connection_comes_back_as_it_was_put(self, storage, tenant):
        put = storage.connections.put(a_connection(tenant))
        assert put.etag
        assert storage.connections.get(tenant, "graph-app") == put

    def test_one_that_was_never_put_is_none(self, storage, tenant):
        assert storage.connections.get(tenant, "graph-app") is None
        assert storage.connections.of(tenant) == []

    def test_a_stale_version_is_refused(self, storage, tenant):
        first = storage.connections.put(a_connection(tenant))
        second = storage.connections.put(replace(first, state="lost"))
        for stale in (replace(first, token="t"), a_connection(tenant)):
            with pytest.raises(Conflict):
                storage.connections.put(stale)
        assert storage.connections.get(tenant, "graph-app") == second

    def test_the_connections_of_an_organisation_come_in_order_and_are_its_own(self, storage, tenant):
        other = tenant[:-4] + "0000"
        storage.connections.put(a_connection(other))
        for name in ("graph-delegated", "agent:ann@contoso.example", "graph-app"):
            storage.connections.put(a_connection(tenant, name))
        found = [one.connection_id for one in storage.connections.of(tenant)]
        assert found == ["agent:ann@contoso.example", "graph-app", "graph-delegated"]
        everywhere = {one.tenant_id for one in storage.connections.all()}
        assert {tenant, other} <= everywhere

    def test_a_deleted_one_is_gone_and_deleting_it_again_is_no_error(self, storage, tenant):
        storage.connections.put(a_connection(tenant))
        storage.connections.delete(tenant, "graph-app")
        storage.connections.delete(tenant, "graph-app")
        assert storage.connections.get(tenant, "graph-app") is None
