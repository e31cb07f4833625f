"""The whole API over fakes: real routes, real use cases, real token verification with keys of our own."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from tests.builders import TENANT, a_mailbox, an_organisation
from tests.fakes import FakePorts
from tests.unit.api.tokens import OTHER, Issuer
from tests.unit.api.wiring import Api, app_over


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
    with TestClient(app_over(storage, issuer), raise_server_exceptions=True) as client:
        yield Api(client, storage, issuer)
