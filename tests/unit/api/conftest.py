"""The whole API over fakes: real routes, real use cases, real token verification with keys of our own."""

import pytest

from tests.builders import TENANT, a_mailbox, an_organisation
from tests.fakes import FakePorts
from tests.unit.api.direct import Direct
from tests.unit.api.tokens import OTHER, Issuer
from tests.unit.api.wiring import Api, Served


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
def api(storage: FakePorts, issuer: Issuer) -> Api:
    return Api(Direct(Served(storage, issuer)), storage, issuer)
