"""The whole API over fakes: real routes, real use cases, real token verification with keys of our own."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from shared.adapters.entra import EntraTokens, SigningKeys
from shared.api.app import create_app
from shared.services.connections.callers import ServedTenants
from tests.builders import TENANT, a_mailbox, an_organisation
from tests.connecting_world import ConnectingWorld
from tests.fakes import FakeStorage
from tests.unit.api.tokens import AUDIENCE, AUTHORITY, HOME, OTHER, Issuer
from tests.unit.api.wiring import ORIGIN, Api, use_cases_over


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def storage() -> FakeStorage:
    """Two enabled organisations; the agent's mailbox is in the first."""
    storage = FakeStorage()
    storage.organisations.put(an_organisation())
    storage.organisations.put(an_organisation(tenant_id=OTHER, name="Fabrikam", own_domains=()))
    storage.mailboxes.save(a_mailbox(tenant_id=TENANT))
    return storage


@pytest.fixture
def api(storage: FakeStorage, issuer: Issuer) -> Iterator[Api]:
    verifier = EntraTokens(
        authority=AUTHORITY,
        audiences=frozenset({AUDIENCE, f"api://{AUDIENCE}"}),
        is_known_tenant=ServedTenants(storage.organisations, HOME),
        keys=SigningKeys(AUTHORITY, fetch=issuer.published),
    )
    world = ConnectingWorld(storage)
    app = create_app(use_cases_over(storage, world), verifier, cors_origins=(ORIGIN,))
    with TestClient(app, raise_server_exceptions=True) as client:
        yield Api(client, storage, issuer, world.mail)
