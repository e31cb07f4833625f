"""Microsoft's servers are told which version of Postledger asks them."""

from dev.tenant import Tenant, a_mail
from shared.bootstrap.build import build
from tests.e2e.conftest import CONTACT


def test_every_request_to_microsoft_names_us_and_our_version(tenant: Tenant, ann: str) -> None:
    mail = a_mail(CONTACT, ann)
    tenant.deliver(ann, mail)
    tenant.entry("contact/C-1", mail)
    assert set(tenant.control.stats()["agents"]) == {f"Postledger/{build().version}"}
