"""Handing a mailbox over: who may do it for whom, what the audit says of it, and who sees it afterwards."""

import pytest

from shared.domain.errors import AccessDenied, Unavailable
from tests.builders import AGENT, HOME, NOW, TENANT, a_mailbox, rewrite
from tests.fakes import FakeStorage
from tests.unit.api.tokens import Issuer
from tests.unit.api.wiring import Api

BEA, CARL = "bea@contoso.example", "carl@contoso.example"
BEA_ID, CARL_ID = "b" * 8, "c" * 8
PATH = f"mailboxes/{AGENT}"


@pytest.fixture(autouse=True)
def directory(storage: FakeStorage) -> None:
    storage.mail.add_mailbox(AGENT, user_id="a" * 8)
    storage.mail.add_mailbox(BEA, user_id=BEA_ID, aliases=["bea.admin@contoso.example"])
    storage.mail.add_mailbox(CARL, user_id=CARL_ID)


def bea(issuer: Issuer, *roles: str) -> str:
    return issuer.user(*(roles or ("Admin",)), oid=BEA_ID, preferred_username=BEA)


def carl(issuer: Issuer, *roles: str) -> str:
    return issuer.user(*(roles or ("Admin",)), oid=CARL_ID, preferred_username=CARL)


def agent_of(storage: FakeStorage) -> str:
    mailbox = storage.mailboxes.get(TENANT, AGENT)
    assert mailbox is not None
    return mailbox.agent


@pytest.mark.parametrize("agent", [BEA, "bea.admin@contoso.example"])
@pytest.mark.parametrize("kind", ["personal", "intake"])
def test_an_admin_cannot_take_a_colleague_s_mailbox(
    api: Api, issuer: Issuer, storage: FakeStorage, agent: str, kind: str
) -> None:
    answer = api.put(PATH, bea(issuer), json={"agent": agent, "kind": kind})
    assert (answer.status_code, "another admin" in answer.json()["detail"]) == (403, True)
    assert agent_of(storage) == AGENT
    assert api.put(f"mailboxes/{CARL}", bea(issuer), json={"agent": agent, "kind": kind}).status_code == 403


def test_nor_by_deleting_and_connecting_it_anew(api: Api, issuer: Issuer) -> None:
    assert api.delete(PATH, bea(issuer)).status_code == 204
    assert api.put(PATH, bea(issuer), json={"agent": BEA, "kind": "personal"}).status_code == 403


def test_nor_where_the_directory_may_not_be_read(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    storage.mail.fail("user", *[AccessDenied("no")] * 10)
    answer = api.put(PATH, bea(issuer), json={"agent": BEA})
    assert (answer.status_code, "the directory shows Postledger" in answer.json()["detail"]) == (403, True)
    new = api.put(f"mailboxes/{CARL}", bea(issuer), json={"agent": BEA, "kind": "intake"})
    assert (new.status_code, storage.mailboxes.get(TENANT, CARL)) == (403, None)


def test_nor_by_deleting_a_mailbox_for_good_where_the_directory_may_not_be_read(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    storage.mail.fail("user", *[AccessDenied("no")] * 10)
    storage.mailboxes.delete(TENANT, AGENT)
    assert api.put(PATH, bea(issuer), json={"agent": BEA, "kind": "personal"}).status_code == 403


def test_nor_while_the_directory_does_not_answer(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    """Whose address the agent's is would be found out once the directory is back."""
    storage.mail.fail("user", Unavailable("away"))
    answer = api.put(PATH, bea(issuer), json={"agent": "bea.admin@contoso.example"})
    assert (answer.status_code, agent_of(storage)) == (503, AGENT)


def test_the_own_mailbox_is_connected_where_the_directory_may_not_be_read(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    storage.mail.fail("user", *[AccessDenied("no")] * 10)
    body = {"agent": BEA, "kind": "personal"}
    assert api.put(f"mailboxes/{BEA}", bea(issuer), json=body).status_code == 201


def test_an_admin_connects_a_colleague_s_mailbox_for_the_colleague_where_the_directory_may_not_be_read(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    storage.mail.fail("user", *[AccessDenied("no")] * 10)
    body = {"agent": CARL, "kind": "personal"}
    assert api.put(f"mailboxes/{CARL}", bea(issuer), json=body).status_code == 201


def test_once_the_colleague_s_account_is_disabled_an_admin_may(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    storage.mail.disabled.add(AGENT)
    assert api.put(PATH, bea(issuer), json={"agent": BEA}).json()["agent"] == BEA


def test_another_admin_may_and_so_may_the_operator(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    assert api.put(PATH, carl(issuer), json={"agent": BEA}).status_code == 200
    operator = issuer.app("Operator", tenant=HOME)
    headers = {"Postledger-Organisation": TENANT}
    assert api.put(PATH, operator, json={"agent": CARL}, headers=headers).json()["agent"] == CARL
    for body in ({"agent": BEA, "capture": "everything"}, {"enabled": False}, {}):
        assert api.put(PATH, operator, json=body, headers=headers).status_code == 403
    new = api.put(f"mailboxes/{BEA}", operator, json={"agent": BEA}, headers=headers)
    assert (new.status_code, agent_of(storage)) == (422, CARL)


def test_an_admin_may_connect_the_own_mailbox(api: Api, issuer: Issuer) -> None:
    assert (
        api.put(f"mailboxes/{BEA}", bea(issuer), json={"agent": BEA, "kind": "personal"}).status_code == 201
    )


def test_an_agent_whom_nobody_knows_is_refused_by_name(api: Api, issuer: Issuer) -> None:
    answer = api.put(PATH, bea(issuer), json={"agent": "beaa@contoso.example"})
    assert (answer.status_code, "beaa@contoso.example" in answer.json()["detail"]) == (422, True)


def test_a_new_mailbox_does_not_wait_for_a_directory_that_is_away(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    storage.mail.fail("user", Unavailable("away"))
    body = {"agent": CARL, "kind": "personal"}
    assert api.put(f"mailboxes/{CARL}", bea(issuer), json=body).status_code == 201


def test_it_is_an_act_of_its_own_in_the_audit(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    api.put(PATH, carl(issuer), json={"agent": BEA})
    acts = [(row.what, row.by, len(row.subjects)) for row in storage.audit.of(TENANT)]
    assert acts[-3:] == [
        ("begin_hand_over_mailbox", CARL_ID, 3),
        ("hand_over_mailbox", CARL_ID, 3),
        ("put_mailbox", CARL_ID, 1),
    ]
    assert AGENT not in str(storage.audit.of(TENANT))


def test_what_cannot_be_audited_is_not_handed_over(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    storage.faults.named["Audit.append"] = Unavailable("storage is away")
    assert api.put(PATH, carl(issuer), json={"agent": BEA}).status_code == 503
    assert agent_of(storage) == AGENT


def test_the_former_agent_sees_it(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    rewrite(storage.mailboxes, a_mailbox(), agent_id="a" * 8)
    api.put(PATH, carl(issuer), json={"agent": BEA})
    former = issuer.user("Agent", oid="a" * 8)
    first = {"at": f"{NOW:%Y-%m-%dT%H:%M:%SZ}", "by": CARL, "former_agent": AGENT, "agent": BEA}
    assert api.get(f"{PATH}/handovers", former).json() == {"handovers": [first]}
    assert api.get(f"{PATH}/handovers", bea(issuer, "Agent")).json() == {"handovers": [first]}
    assert api.get(f"{PATH}/handovers", carl(issuer, "Agent")).status_code == 404
    # The address of somebody who has left is given to somebody else.
    assert api.get(f"{PATH}/handovers", issuer.user("Agent", oid="another")).status_code == 404
