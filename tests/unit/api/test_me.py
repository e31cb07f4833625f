"""What a person is here, from which addresses they may send, and whose rules name which addresses."""

from typing import Any

import pytest

from tests.builders import AGENT, TENANT, a_mailbox, mailbox_with, rewrite
from tests.fakes import FakePorts
from tests.unit.api.tokens import Issuer
from tests.unit.api.wiring import Api

OID = "0a0a0a0a-0000-4000-8000-00000000000a"
BEN, SALES, PAUSED = "ben@contoso.example", "sales@contoso.example", "paused@contoso.example"


@pytest.fixture
def storage(storage: FakePorts) -> FakePorts:
    """Ann's own mailbox, Ben's, a shared one whose senders name Ann, and a paused one of hers."""
    rewrite(
        storage.mailboxes, next(iter(storage.mailboxes.of(TENANT))), agent_id=OID, display_name="Ann Agent"
    )
    boxes = (
        a_mailbox(mailbox_id="1" * 32, address=BEN, agent=BEN, agent_id="be"),
        a_mailbox(mailbox_id="2" * 32, address=SALES, agent=BEN, agent_id="be", senders=(AGENT,)),
        mailbox_with(
            a_mailbox(mailbox_id="3" * 32, address=PAUSED, agent=AGENT, agent_id=OID), enabled=False
        ),
    )
    for box in boxes:
        storage.mailboxes.save(box)
    return storage


@pytest.fixture
def token(issuer: Issuer) -> str:
    return issuer.user("Agent", preferred_username=AGENT, oid=OID)


def test_a_person_sees_what_they_are_and_may_send_from(api: Api, token: str) -> None:
    me = api.get("me", token).json()
    assert (me["address"], me["name"], me["roles"]) == (AGENT, "Ann Agent", ["Agent"])
    assert me["organisation"] == {"name": "Contoso", "state": "enabled"}
    assert [mailbox["address"] for mailbox in me["mailboxes"]] == [AGENT, PAUSED]
    assert [(sender["address"], sender["default"]) for sender in me["senders"]] == [
        (AGENT, True),
        (SALES, False),
    ]
    assert all(sender["why"].endswith(".") for sender in me["senders"])


def test_the_senders_are_those_that_a_mail_may_leave_from(api: Api, token: str) -> None:
    body = {"to": [], "subject": "Hello", "text": "Hello"}
    for address in (AGENT, SALES, BEN, PAUSED):
        shown = api.post("messages/preview", token, json={**body, "from": address}).json()
        named = {sender["address"] for sender in api.get("me", token).json()["senders"]}
        assert (shown["from"] == address) == (address in named), address


def test_a_program_is_nobody(api: Api, issuer: Issuer) -> None:
    for answer in (
        api.get("me", issuer.app("Agent")),
        api.put("me/signature", issuer.app("Admin"), json={"html": "<p>x</p>"}),
    ):
        assert (answer.status_code, "sign in" in answer.json()["detail"]) == (422, True)


def test_a_signature_is_one_s_own(api: Api, issuer: Issuer, token: str) -> None:
    assert api.put("me/signature", token, json={"html": "<p>Ann</p>"}).status_code == 200
    ben = issuer.user("Agent", preferred_username=BEN, oid="be")
    assert api.get("me", ben).json()["signature"] == ""
    long = api.put("me/signature", token, json={"html": "x" * 100_001})
    assert (long.status_code, "100,000" in long.json()["detail"]) == (422, True)
    assert api.put("me/signature", token, json={"html": ""}).json() == {"html": ""}


RULES: list[tuple[dict[str, Any], str]] = [
    ({"quotation": {"from": "typo@contoso.example"}}, "typo@contoso.example"),
    (
        {"quotation": {"from": "*sales_mailboxes*", "fallback": "typo@contoso.example"}},
        "typo@contoso.example",
    ),
    ({"quotation": {"to": SALES}}, "to"),
    ({"quotation": "anybody"}, "quotation"),
    ({"Not a purpose": {"from": SALES}}, "purpose"),
]


@pytest.mark.parametrize(("rules", "named"), RULES)
def test_a_rule_names_captured_mailboxes_and_has_its_shape(
    api: Api, issuer: Issuer, rules: dict[str, Any], named: str
) -> None:
    admin = issuer.user("Admin")
    good = {"quotation": {"from": "*sales_mailboxes*", "fallback": SALES}}
    assert api.put("organisation", admin, json={"from_rules": good}).status_code == 200
    refused = api.put("organisation", admin, json={"from_rules": rules})
    assert (refused.status_code, named in refused.json()["detail"]) == (422, True)
    # A setting beside it is saved all the same, whatever has become of the mailboxes that stand in rules.
    assert api.put("organisation", admin, json={"capture_hours": 48}).status_code == 200
    assert api.get("organisation", admin).json()["from_rules"] == good


def test_a_client_s_address_is_a_captured_mailbox_s(api: Api, issuer: Issuer) -> None:
    admin = issuer.user("Admin")

    def put(**overrides: Any) -> Any:
        return api.put("records/client/K-1", admin, json={"name": "Fabrikam", "overrides": overrides})

    assert put(from_address=SALES).status_code == 201
    assert put(from_address="*sales_mailboxes*", from_addresses={"quotation": SALES}).status_code == 200
    for wrong in (
        {"from_address": "typo@contoso.example"},
        {"from_addresses": {"quotation": "typo@contoso.example"}},
    ):
        refused = put(**wrong)
        assert (refused.status_code, "typo@contoso.example" in refused.json()["detail"]) == (422, True)
    line = '{"kind":"client","id":"K-2","overrides":{"from_address":"typo@contoso.example"}}\n'
    loaded = api.post("records", admin, content=line).json()
    assert "typo@contoso.example" in str(loaded)
