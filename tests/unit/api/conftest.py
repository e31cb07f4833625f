"""The whole API over fakes: real routes, real use cases, real token verification with keys of our own."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from shared.adapters.entra import EntraTokens, SigningKeys
from shared.api.app import create_app
from tests.builders import TENANT, a_mailbox, an_organisation
from tests.composed import use_cases_over
from tests.fakes import FakePorts
from tests.unit.api.tokens import AUDIENCE, AUTHORITY, OTHER, Issuer
from tests.unit.api.wiring import BUILD, ORIGIN, PUBLIC_URL, Api


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def storage() -> FakePorts:
    """Two enabled organisations; the agent's mailbox is in the first."""
    storage = FakePorts()
    storage.organisations.put(an_organisation())
    storage.organisations.put(an_organisation(tenant_id=OTHER, name="Fabrikam", own_domains=()))
    storage.mailboxes.save(a_mailbox(tenant_id=TENANT))
    return storage


@pytest.fixture
def api(storage: FakePorts, issuer: Issuer) -> Iterator[Api]:
    use_cases = use_cases_over(storage)
    verifier = EntraTokens(
        authority=AUTHORITY,
        audiences=frozenset({AUDIENCE, f"api://{AUDIENCE}"}),
        is_known_tenant=use_cases.served_tenants,
        keys=SigningKeys(AUTHORITY, fetch=issuer.published),
    )
    app = create_app(use_cases, verifier, BUILD, public_url=PUBLIC_URL, cors_origins=(ORIGIN,))
    with TestClient(app, raise_server_exceptions=True) as client:
        yield Api(client, storage, issuer)
