"""A campaign over a real stack, where the server takes the headers of one-click unsubscribing out, or leaves them."""

import re
from email.message import EmailMessage
from typing import Any

import pytest
import requests

from dev.processes import PATIENCE
from dev.tenant import Tenant, eventually
from tests.e2e.test_sending import Sending, a_body

PEOPLE = {"P-1": "one@fabrikam.example", "P-2": "two@fabrikam.example"}
LINK = re.compile(r"https?://[^\s\"<>]+/api/v1/unsubscribe/[\w.~-]+")


@pytest.fixture
def sending(tenant: Tenant, ann: str) -> Sending:
    for contact, address in PEOPLE.items():
        tenant.contact(contact, address)
    return Sending(tenant, ann, tenant.api_of(ann))


def begin(sending: Sending, key: str) -> str:
    body = {"name": key, "subject": "News", "html": "<p>Hello.</p>", "contacts": list(PEOPLE)}
    return str(sending.send("campaigns", key, **body)["id"])


def ended(sending: Sending, campaign: str) -> dict[str, Any]:
    """The campaign once all of its mails have left, and its first copy was looked at."""

    def probe() -> dict[str, Any] | None:
        found: dict[str, Any] = sending.api.call("GET", f"campaigns/{campaign}")
        is_over = found["waiting"] == found["on_its_way"] == 0 and found["headers_survive"] is not None
        return found if is_over else None

    return eventually(probe, what="the end of a campaign")


def part(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content())


@pytest.mark.parametrize("keeps", [False, True])
def test_212_whatever_becomes_of_the_headers_everybody_finds_the_own_way_out_in_the_body(
    sending: Sending, keeps: bool
) -> None:
    sending.tenant.control.put_habits(keeps_headers=keeps)
    found = ended(sending, begin(sending, "spring"))
    assert (found["sent"], found["headers_survive"], found["warning"] is None) == (2, keeps, keeps)
    left = {mail["To"].addresses[0].addr_spec: mail for mail in sending.left()}
    assert set(left) == set(PEOPLE.values())
    links = {}
    for address, mail in left.items():
        assert ("List-Unsubscribe" in mail) is keeps
        [links[address]] = set(LINK.findall(part(mail, "html"))) & set(LINK.findall(part(mail, "plain")))
    assert len(set(links.values())) == 2

    answer = requests.post(links["one@fabrikam.example"], timeout=PATIENCE)
    assert answer.status_code == 200
    found = ended(sending, begin(sending, "autumn"))
    assert (found["sent"], found["left_out"]) == (1, 1)
    ordinary = sending.ended(
        sending.send(**a_body(to=[{"name": "", "address": "one@fabrikam.example"}], records=[]))
    )
    assert ordinary["state"] == "confirmed"
