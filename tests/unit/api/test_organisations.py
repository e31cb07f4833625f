"""Organisations over HTTP: what the operator does and what an admin may set."""

from dataclasses import replace
from string import ascii_uppercase

import pytest

from tests.builders import HOME, MAILBOX_ID, TENANT, a_mailbox
from tests.fakes import FakeStorage
from tests.unit.api.tokens import CLIENT, OTHER, STRANGER, Issuer
from tests.unit.api.wiring import Api


def named(tenant: str) -> dict[str, str]:
    return {"Postledger-Organisation": tenant}


def test_the_operator_lets_a_tenant_in_and_its_people_work_from_then_on(api: Api, issuer: Issuer) -> None:
    operator, admin = issuer.app("Operator", tenant=HOME), issuer.user("Admin", tenant=STRANGER)
    assert api.get("organisation", admin).status_code == 403
    assert api.get("organisation", operator, headers=named(STRANGER)).status_code == 404
    body = {"name": "Litware", "enabled": True, "services": [CLIENT]}
    answer = api.put("organisation", operator, json=body, headers=named(STRANGER.upper()))
    assert answer.status_code == 200
    assert (answer.json()["tenant_id"], answer.json()["state"]) == (STRANGER, "enabled")
    assert api.get("organisation", admin).json()["services"] == [CLIENT]


def test_the_operator_can_start_with_the_home_tenant(api: Api, issuer: Issuer) -> None:
    operator = issuer.app("Operator", tenant=HOME)
    assert api.get("organisation", operator).status_code == 404
    assert api.put("organisation", operator, json={"enabled": True}).json()["enabled"] is True


def test_the_operator_reads_no_mail(api: Api, issuer: Issuer) -> None:
    operator = issuer.app("Operator", tenant=HOME)
    assert api.get("timelines/contact/C-1", operator, headers=named(TENANT)).status_code == 403


def test_an_admin_sets_everything_but_what_is_the_operator_s(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    token = issuer.user("Admin")
    current = api.get("organisation", token).json()
    answer = api.put(
        "organisation", token, json={**current, "capture_hours": 48, "never_log": ["Bank.example"]}
    )
    assert answer.status_code == 200
    assert (answer.json()["capture_hours"], answer.json()["never_log"]) == (48, ["bank.example"])
    for body in ({"enabled": False}, {"services": [CLIENT]}):
        refused = api.put("organisation", token, json=body)
        assert (refused.status_code, "operator" in refused.json()["detail"]) == (403, True)
    assert storage.organisations.rows[TENANT].enabled


RULE = {"from": "*sales_mailboxes*", "fallback": "desk@contoso.example"}


def nested(depth: int) -> dict[str, object]:
    found: dict[str, object] = {}
    for _ in range(depth):
        found = {"quotation": found}
    return found


def capture(storage: FakeStorage, *names: str) -> None:
    for number, name in enumerate(names):
        storage.mailboxes.save(a_mailbox(mailbox_id=f"{number:032x}", address=f"{name}@contoso.example"))


def test_rules_for_the_sender_have_a_shape(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    capture(storage, "desk", "billing")
    token = issuer.user("Admin")
    rules = {"quotation": RULE, "invoice": {"from": "Billing@Contoso.example"}}
    answer = api.put("organisation", token, json={"from_rules": rules})
    assert answer.json()["from_rules"] == {
        "quotation": RULE,
        "invoice": {"from": "billing@contoso.example", "fallback": None},
    }
    assert api.put("organisation", token, json={"from_rules": {}}).json()["from_rules"] == {"quotation": None}


@pytest.mark.parametrize(
    "rules",
    [
        nested(3),
        {"quotation": {}},
        {"quotation": {"from": "nobody"}},
        {"quotation": {**RULE, "then": 1}},
        {"Two words": RULE},
        {f"purpose{number}": RULE for number in range(21)},
        {"x" * 33: RULE},
    ],
)
def test_rules_for_the_sender_of_another_shape_are_refused(
    api: Api, issuer: Issuer, storage: FakeStorage, rules: object
) -> None:
    capture(storage, "desk")
    assert api.put("organisation", issuer.user("Admin"), json={"from_rules": rules}).status_code == 422


@pytest.mark.parametrize("depth", [2, 256, 5_000])
def test_a_row_with_rules_of_another_shape_fails_no_list(
    api: Api, issuer: Issuer, storage: FakeStorage, depth: int
) -> None:
    """An earlier release stored any JSON."""
    row = storage.organisations.rows[TENANT]
    storage.organisations.put(replace(row, from_rules={"invoice": RULE, **nested(depth)}))
    listed = api.get("organisations", issuer.app("Operator", tenant=HOME))
    assert [one["tenant_id"] for one in listed.json()["organisations"]] == [TENANT, OTHER]
    assert listed.json()["organisations"][0]["from_rules"] == {"quotation": None, "invoice": RULE}


@pytest.mark.parametrize(
    "body", [{"colour": 1}, {"capture_hours": "2"}, {"capture_hours": -1}, {"own_domains": ["x"]}, []]
)
def test_a_mistake_is_refused(api: Api, issuer: Issuer, body: object) -> None:
    assert api.put("organisation", issuer.user("Admin"), json=body).status_code == 422


def test_switching_an_organisation_puts_its_subscriptions_in_order(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    operator = issuer.app("Operator", tenant=HOME)
    for enabled, queued in ((True, 1), (False, 2), (False, 3), (True, 4)):
        api.put("organisation", operator, json={"enabled": enabled}, headers=named(TENANT))
        assert [one.mailbox_id for one in storage.queue.commands] == [MAILBOX_ID] * queued


def test_organisations_are_listed_for_the_operator_page_by_page(api: Api, issuer: Issuer) -> None:
    operator = issuer.app("Operator", tenant=HOME)
    first = api.get("organisations?limit=1", operator).json()
    second = api.get("organisations", operator, params={"limit": 1, "cursor": first["cursor"]}).json()
    assert [one["tenant_id"] for one in (*first["organisations"], *second["organisations"])] == [
        TENANT,
        OTHER,
    ]
    assert second["cursor"] is None


def test_earlier_prefixes_of_codes_are_remembered(api: Api, issuer: Issuer) -> None:
    token = issuer.user("Admin")

    def change(prefix: str) -> object:
        return api.put("organisation", token, json={"code_prefix": prefix}).json()["earlier_code_prefixes"]

    assert change("CE") == ["PL"]
    assert change("ce") == ["PL"]
    assert change("CON") == ["CE", "PL"]
    assert change("PL") == ["CON", "CE"]
    current = api.get("organisation", token).json()
    again = api.put("organisation", token, json={**current, "earlier_code_prefixes": ["XX"]}).json()
    assert again["earlier_code_prefixes"] == ["CON", "CE"]


def test_prefixes_are_not_changed_without_end(api: Api, issuer: Issuer) -> None:
    token = issuer.user("Admin")
    answers = [
        api.put("organisation", token, json={"code_prefix": f"Q{letter}"}) for letter in ascii_uppercase[:22]
    ]
    assert [answer.status_code for answer in answers] == [200] * 20 + [422] * 2
    assert "earlier one" in answers[-1].json()["detail"]
    assert api.put("organisation", token, json={"code_prefix": "QA"}).status_code == 200
