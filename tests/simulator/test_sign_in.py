"""People at Entra's pages: consent, sign-ins with PKCE, rotation, revocation; and what the tokens may do."""

from collections.abc import Iterator
from email import message_from_string
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msal
import pytest
import requests

from dev.processes import PATIENCE, wait_for
from dev.simulator.serve import Simulator, running_simulator
from tests.simulator.conftest import TENANT, Graph, token_for

pytestmark = pytest.mark.stack
OTHER = "22222222-2222-4333-8444-555555555555"
BACK = "https://app.example/back"
ANN, BEN, SERVICE = "ann@contoso.example", "ben@contoso.example", "crm@contoso.example"
# RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
SCOPES = ["User.Read", "Mail.ReadWrite.Shared"]


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    with running_simulator() as running:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", running.ca_file)
        running.control.organisations(TENANT, "contoso.example", consented=True)
        running.control.organisations(OTHER, "fabrikam.example", consented=True)
        for address in (ANN, BEN, "eve@fabrikam.example"):
            running.control.users(OTHER if "fabrikam" in address else TENANT, address)
        running.control.users(TENANT, SERVICE, mailbox=False)
        yield running


def opened(simulator: Simulator, url: str) -> tuple[int, dict[str, str]]:
    """A link as a person opens it: the status, and what the redirect carries back."""
    answer = requests.get(url, allow_redirects=False, verify=simulator.ca_file, timeout=PATIENCE)
    return answer.status_code, dict(parse_qsl(urlsplit(answer.headers.get("location", "")).query))


def consent_link(simulator: Simulator) -> str:
    query = f"client_id={simulator.client_id}&redirect_uri={BACK}&state=s1&scope=x/.default"
    return f"{simulator.url}/{TENANT}/v2.0/adminconsent?{query}"


@pytest.mark.parametrize(
    ("act", "status", "returned"),
    [
        ("grant", 302, {"tenant": TENANT, "admin_consent": "True"}),
        ("decline", 302, {"error": "consent_required", "admin_consent": "True"}),
        ("not_admin", 302, {"error": "access_denied", "admin_consent": "True"}),
        ("other_tenant", 302, {"tenant": OTHER, "admin_consent": "True"}),
        ("wrong_account", 400, {}),
    ],
)
def test_consent_ends_as_the_person_acts(
    simulator: Simulator, act: str, status: int, returned: dict[str, str]
) -> None:
    simulator.control.organisations(TENANT, "contoso.example", consented=False)
    simulator.control.person(TENANT, act, other_tenant_id=OTHER)
    found_status, found = opened(simulator, consent_link(simulator))
    assert found_status == status
    assert returned.items() <= found.items()
    assert (token_for(simulator).status_code == 200) == (act == "grant")


def application(simulator: Simulator) -> Any:
    return msal.ConfidentialClientApplication(
        simulator.client_id,
        client_credential=simulator.client_secret,
        authority=f"{simulator.url}/{TENANT}",
        instance_discovery=False,
        verify=simulator.ca_file,
    )


def sign_in(simulator: Simulator, account: str, scopes: list[str] = SCOPES) -> dict[str, Any]:
    simulator.control.person(TENANT, account=account)
    app = application(simulator)
    flow = app.initiate_auth_code_flow(scopes, redirect_uri=BACK)
    _, returned = opened(simulator, flow["auth_uri"])
    return app.acquire_token_by_auth_code_flow(flow, returned)


def graph_for(simulator: Simulator, token: str) -> Graph:
    session = requests.Session()
    session.verify = simulator.ca_file
    session.headers["Authorization"] = f"Bearer {token}"
    return Graph(simulator.url, session)


def test_msal_signs_a_person_in_with_pkce(simulator: Simulator) -> None:
    tokens = sign_in(simulator, ANN)
    assert tokens["id_token_claims"]["preferred_username"] == ANN
    assert tokens["id_token_claims"]["tid"] == TENANT
    assert set(tokens["scope"].split()) == {*SCOPES, "openid", "profile"}
    assert tokens["refresh_token"]


def test_scopes_come_back_as_they_were_asked_for(simulator: Simulator) -> None:
    asked = [f"https://graph.microsoft.com/{name}" for name in SCOPES]
    tokens = sign_in(simulator, ANN, asked)
    assert set(tokens["scope"].split()) == {*asked, "openid", "profile"}
    ask = graph_for(simulator, tokens["access_token"])
    assert ask("GET", f"/users/{ANN}/mailFolders/inbox").status_code == 200


def authorize_link(simulator: Simulator, **changed: str) -> str:
    query = {
        "client_id": simulator.client_id,
        "redirect_uri": BACK,
        "state": "s1",
        "scope": "Mail.Read",
        "code_challenge_method": "S256",
        "code_challenge": CHALLENGE,
        **changed,
    }
    return f"{simulator.url}/{TENANT}/oauth2/v2.0/authorize?{urlencode(query)}"


def redeemed(
    simulator: Simulator, code: str, tenant: str = TENANT, **changed: str
) -> tuple[int, dict[str, Any]]:
    form = {"code": code, "code_verifier": VERIFIER, "redirect_uri": BACK, **changed}
    answer = token_for(simulator, tenant, grant_type="authorization_code", **form)
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("tenant", "redirect_uri", "code"),
    [(OTHER, BACK, 700005), (TENANT, "https://app.example/elsewhere", 500112)],
    ids=["another tenant", "another address"],
)
def test_a_code_is_redeemed_where_it_was_given(
    simulator: Simulator, tenant: str, redirect_uri: str, code: int
) -> None:
    simulator.control.person(TENANT, account=ANN)
    _, returned = opened(simulator, authorize_link(simulator))
    status, refused = redeemed(simulator, returned["code"], tenant, redirect_uri=redirect_uri)
    assert (status, refused["error"], refused["error_codes"]) == (400, "invalid_grant", [code])


@pytest.mark.parametrize("scope", ["Mail.Read", "Mail.Read offline_access"])
def test_a_sign_in_lasts_only_where_that_was_asked_for(simulator: Simulator, scope: str) -> None:
    simulator.control.person(TENANT, account=ANN)
    _, returned = opened(simulator, authorize_link(simulator, scope=scope))
    status, tokens = redeemed(simulator, returned["code"])
    assert (status, tokens["scope"]) == (200, "Mail.Read")
    assert ("refresh_token" in tokens) == ("offline_access" in scope)


def test_an_application_that_is_not_known_gets_no_code(simulator: Simulator) -> None:
    link = authorize_link(simulator, client_id=OTHER)
    answer = requests.get(link, allow_redirects=False, verify=simulator.ca_file, timeout=PATIENCE)
    assert (answer.status_code, "AADSTS700016" in answer.text) == (400, True)


def test_an_api_that_the_tenant_does_not_have_is_told_to_the_application(simulator: Simulator) -> None:
    link = authorize_link(simulator, scope="https://graph.microsoft.us/Mail.Read openid")
    status, returned = opened(simulator, link)
    assert (status, returned["error"], returned["state"]) == (302, "invalid_resource", "s1")
    assert returned["error_description"].startswith("AADSTS500011")


@pytest.mark.parametrize(
    ("redirect_uri", "is_known"),
    [
        (BACK, True),
        ("http://localhost:7071/back", True),
        ("http://localhost/back", True),
        ("http://localhost:7071/elsewhere", False),
        ("https://app.example/back/", False),
        ("https://app.example:8443/back", False),
        ("https://old.example/back", False),
    ],
)
def test_people_are_sent_back_to_registered_addresses_only(redirect_uri: str, is_known: bool) -> None:
    with running_simulator(redirect_uris=(BACK, "http://localhost:1/back")) as simulator:
        simulator.control.organisations(TENANT, "contoso.example", consented=True)
        simulator.control.users(TENANT, ANN)
        simulator.control.person(TENANT, account=ANN)
        consent = consent_link(simulator).replace(BACK, redirect_uri)
        for link in (authorize_link(simulator, redirect_uri=redirect_uri), consent):
            answer = requests.get(link, allow_redirects=False, verify=simulator.ca_file, timeout=PATIENCE)
            assert answer.status_code == (302 if is_known else 400)
            assert ("AADSTS50011" in answer.text) != is_known


def test_a_code_is_good_once_and_only_with_its_verifier(simulator: Simulator) -> None:
    simulator.control.person(TENANT, account=ANN)
    app = application(simulator)
    flow = app.initiate_auth_code_flow(SCOPES, redirect_uri=BACK)
    _, returned = opened(simulator, flow["auth_uri"])
    wrong = app.acquire_token_by_auth_code_flow({**flow, "code_verifier": "x" * 43}, returned)
    assert "AADSTS501481" in wrong["error_description"]
    again = application(simulator).acquire_token_by_auth_code_flow(flow, returned)
    assert "AADSTS54005" in again["error_description"]


def test_a_refresh_token_is_followed_by_a_newer_one(simulator: Simulator) -> None:
    first = sign_in(simulator, ANN)["refresh_token"]
    second = application(simulator).acquire_token_by_refresh_token(first, SCOPES)
    assert second["refresh_token"] != first
    old = application(simulator).acquire_token_by_refresh_token(first, SCOPES)
    assert old["error"] == "invalid_grant"
    assert simulator.control.sign_ins(ANN)[0]["refreshed"] == 1


def test_a_revoked_sign_in_ends_at_once(simulator: Simulator) -> None:
    tokens = sign_in(simulator, ANN)
    ask = graph_for(simulator, tokens["access_token"])
    assert ask("GET", f"/users/{ANN}/mailFolders/inbox").status_code == 200
    simulator.control.revoke_sign_ins(ANN)
    assert ask("GET", f"/users/{ANN}/mailFolders/inbox").status_code == 401
    refused = application(simulator).acquire_token_by_refresh_token(tokens["refresh_token"], SCOPES)
    assert "AADSTS50173" in refused["error_description"]


def test_a_service_account_opens_what_it_was_given(simulator: Simulator) -> None:
    ask = graph_for(simulator, sign_in(simulator, SERVICE)["access_token"])
    simulator.control.delegate(ANN, SERVICE, "full_access")
    assert ask("GET", f"/users/{ANN}/mailFolders/inbox/messages").status_code == 200
    assert ask("GET", f"/users/{BEN}/mailFolders/inbox/messages").status_code == 403
    assert ask("GET", f"/users/{ANN}").status_code == 403
    simulator.control.delegate(ANN, SERVICE)
    assert ask("GET", f"/users/{ANN}/mailFolders/inbox/messages").status_code == 403


def test_an_agents_own_sign_in_opens_the_own_mailbox_only(simulator: Simulator) -> None:
    ask = graph_for(simulator, sign_in(simulator, ANN, ["User.Read", "Mail.Read"])["access_token"])
    assert ask("GET", f"/users/{ANN}/mailFolders/inbox/messages").status_code == 200
    assert ask("GET", f"/users/{ANN}").status_code == 200
    simulator.control.delegate(BEN, ANN, "full_access")
    assert ask("GET", f"/users/{BEN}/mailFolders/inbox/messages").status_code == 403


def test_rbac_without_roles_opens_the_mailboxes_in_its_scope(simulator: Simulator) -> None:
    simulator.control.consent(TENANT, roles=[], rbac_scope=[ANN])
    ask = graph_for(simulator, token_for(simulator).json()["access_token"])
    assert ask("GET", f"/users/{ANN}/mailFolders/inbox/messages").status_code == 200
    assert ask("GET", f"/users/{BEN}/mailFolders/inbox/messages").status_code == 403
    assert ask("GET", f"/users/{ANN}").status_code == 403
    assert ask("GET", "/groups").status_code == 403


def test_roles_and_rbac_add_up(simulator: Simulator) -> None:
    simulator.control.consent(TENANT, rbac_scope=[ANN])
    ask = graph_for(simulator, token_for(simulator).json()["access_token"])
    assert ask("GET", f"/users/{BEN}/mailFolders/inbox/messages").status_code == 200


def test_exchange_may_not_have_noticed_a_grant_yet(simulator: Simulator) -> None:
    simulator.control.consent(TENANT, unnoticed=True)
    ask = graph_for(simulator, token_for(simulator).json()["access_token"])
    assert ask("GET", f"/users/{ANN}").status_code == 200
    assert ask("GET", f"/users/{ANN}/mailFolders/inbox/messages").status_code == 403


PREVIEW = "mailFolders/inbox/messages?$select=id,bodyPreview&$top=1"
WITH_ATTACHMENT = (
    b"From: c@client.example\r\nTo: ann@contoso.example\r\nSubject: Plan\r\nMessage-ID: <p1@client.example>\r\n"
    b"In-Reply-To: <p0@client.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nSecret words\r\n"
    b"--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nSecret\r\n--b--\r\n"
)


@pytest.mark.parametrize("role", ["Mail.ReadBasic", "Mail.ReadBasic.All"])
def test_basic_reading_shows_headers_and_no_content(simulator: Simulator, role: str) -> None:
    simulator.control.deliver(ANN, WITH_ATTACHMENT)
    simulator.control.consent(TENANT, roles=[role])
    ask = graph_for(simulator, token_for(simulator).json()["access_token"])
    expand = "$expand=attachments,singleValueExtendedProperties($filter=id eq 'String 0x1042')"
    (shown,) = ask.get(f"/users/{ANN}/messages?{expand}")["value"]
    assert (shown["subject"], shown["hasAttachments"]) == ("Plan", True)
    content = {"body", "bodyPreview", "uniqueBody", "attachments", "singleValueExtendedProperties"}
    assert not content & set(shown)
    path = f"/users/{ANN}/messages/{shown['id']}"
    assert not content & set(ask.get(f"{path}?$select=body,uniqueBody,bodyPreview,subject"))
    assert set(ask.get(f"/users/{ANN}/{PREVIEW}")["value"][0]) == {"@odata.etag", "id"}
    assert not content & set(ask.get(f"/users/{ANN}/mailFolders/inbox/messages/delta")["value"][0])
    for refused in (f"{path}/$value", f"{path}/attachments"):
        assert ask("GET", refused).status_code == 403
    assert ask("PATCH", path, {"isRead": True}).status_code == 403


def test_basic_and_whole_reading_add_up(simulator: Simulator) -> None:
    simulator.control.deliver(ANN, WITH_ATTACHMENT)
    simulator.control.deliver(BEN, WITH_ATTACHMENT)
    simulator.control.consent(TENANT, roles=["Mail.ReadBasic.All"], rbac_scope=[ANN])
    ask = graph_for(simulator, token_for(simulator).json()["access_token"])
    assert "Secret words" in ask.get(f"/users/{ANN}/{PREVIEW}")["value"][0]["bodyPreview"]
    assert "bodyPreview" not in ask.get(f"/users/{BEN}/{PREVIEW}")["value"][0]


def test_an_agents_basic_sign_in_shows_headers_of_the_own_mailbox_only(simulator: Simulator) -> None:
    simulator.control.deliver(ANN, WITH_ATTACHMENT)
    ask = graph_for(simulator, sign_in(simulator, ANN, ["User.Read", "Mail.ReadBasic"])["access_token"])
    assert "bodyPreview" not in ask.get(f"/users/{ANN}/{PREVIEW}")["value"][0]
    simulator.control.delegate(BEN, ANN, "full_access")
    assert ask("GET", f"/users/{BEN}/{PREVIEW}").status_code == 403


def test_a_group_is_found_by_its_address(simulator: Simulator) -> None:
    simulator.control.consent(
        TENANT, roles=["GroupMember.Read.All"], groups={"sales@contoso.example": "Sales"}
    )
    ask = graph_for(simulator, token_for(simulator).json()["access_token"])
    condition = "mail eq 'sales@contoso.example' or proxyAddresses/any(p:p eq 'smtp:sales@contoso.example')"
    found = ask.get(f"/groups?$filter={condition}")["value"]
    assert [one["displayName"] for one in found] == ["Sales"]


SEND = ["Mail.Read", "Mail.Send"]
TO_CLIENT = {"toRecipients": [{"emailAddress": {"address": "c@client.example"}}], "subject": "s"}
SUBSCRIPTION = {
    "changeType": "created",
    "notificationUrl": "http://localhost:9/hook",
    "resource": f"users/{ANN}/messages",
    "expirationDateTime": "2040-01-01T00:00:00Z",
}


def as_application(simulator: Simulator, *roles: str, **more: object) -> Graph:
    simulator.control.consent(TENANT, roles=list(roles), **more)
    return graph_for(simulator, token_for(simulator).json()["access_token"])


@pytest.mark.parametrize(
    ("roles", "may_write", "may_send", "may_subscribe"),
    [
        (["Mail.Read"], False, False, True),
        (["Mail.ReadWrite"], True, False, False),
        (["Mail.Read", "Mail.Send"], False, True, True),
        (["Mail.Send"], False, True, False),
        (["Mail.ReadBasic.All"], False, False, False),
        (["Mail.Read", "Mail.ReadWrite", "Mail.Send"], True, True, True),
    ],
)
def test_an_application_does_only_what_it_was_granted(
    simulator: Simulator, roles: list[str], may_write: bool, may_send: bool, may_subscribe: bool
) -> None:
    item = simulator.control.deliver(ANN, WITH_ATTACHMENT)["id"]
    ask, path = as_application(simulator, *roles), f"/users/{ANN}/messages"
    written = [
        ask("PATCH", f"{path}/{item}", {"isRead": True}),
        ask("POST", path, TO_CLIENT),
        ask("POST", f"{path}/{item}/createReply", {}),
        ask("DELETE", f"{path}/{item}"),
    ]
    assert [answer.status_code != 403 for answer in written] == [may_write] * 4
    sent = ask("POST", f"/users/{ANN}/sendMail", {"message": TO_CLIENT})
    assert sent.status_code == (202 if may_send else 403)
    # What may subscribe comes as far as the date, which lies too far away.
    assert ask("POST", "/subscriptions", SUBSCRIPTION).status_code == (400 if may_subscribe else 403)


@pytest.mark.parametrize(("habit", "status"), [(False, 403), (True, 400)])
def test_basic_reading_may_subscribe_by_a_switch(simulator: Simulator, habit: bool, status: int) -> None:
    simulator.control.put_habits(basic_subscribes=habit)
    ask = as_application(simulator, "Mail.ReadBasic.All")
    assert ask("POST", "/subscriptions", SUBSCRIPTION).status_code == status


def test_the_scope_of_exchange_holds_for_writing_sending_and_subscribing_too(simulator: Simulator) -> None:
    ask = as_application(simulator, rbac_scope=[ANN])
    for address, inside in ((ANN, True), (BEN, False)):
        answers = [
            ask("POST", f"/users/{address}/messages", TO_CLIENT),
            ask("POST", f"/users/{address}/sendMail", {"message": TO_CLIENT}),
            ask("GET", f"/users/{address}/mailboxSettings"),
            ask("POST", "/subscriptions", {**SUBSCRIPTION, "resource": f"users/{address}/messages"}),
        ]
        assert [answer.status_code != 403 for answer in answers] == [inside] * 4
    ask = as_application(simulator, rbac_scope=[ANN], rbac_roles=["Mail.Read"])
    assert ask("GET", f"/users/{ANN}/messages").status_code == 200
    assert ask("POST", f"/users/{ANN}/sendMail", {"message": TO_CLIENT}).status_code == 403


def from_address(address: str) -> dict[str, Any]:
    return {"message": {**TO_CLIENT, "from": {"emailAddress": {"address": address}}}}


def test_another_sender_needs_send_as_or_send_on_behalf(simulator: Simulator) -> None:
    ask = as_application(simulator, *SEND)
    refused = ask("POST", f"/users/{ANN}/sendMail", from_address(BEN))
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "ErrorSendAsDenied")
    for right, sender in (("send_as", BEN), ("send_on_behalf", ANN)):
        simulator.control.delegate(BEN, ANN, right)
        assert ask("POST", f"/users/{ANN}/sendMail", from_address(BEN)).status_code == 202
        left = departed(simulator)
        assert (left["From"], left["Sender"] or BEN) == (BEN, sender if right == "send_on_behalf" else BEN)


def departed(simulator: Simulator) -> Any:
    """The mail that left, which is forgotten."""
    left = wait_for(lambda: simulator.control.outbound() or None, "nothing has left")
    simulator.control.call("DELETE", "outbound")
    return message_from_string(left[0]["raw"])


def test_a_service_account_sends_only_where_exchange_lets_it(simulator: Simulator) -> None:
    scopes = ["User.Read", "Mail.ReadWrite.Shared", "Mail.Send", "Mail.Send.Shared"]
    ask = graph_for(simulator, sign_in(simulator, SERVICE, scopes)["access_token"])
    simulator.control.delegate(ANN, SERVICE, "full_access")
    draft = ask("POST", f"/users/{ANN}/messages", TO_CLIENT).json()["id"]
    assert ask("POST", f"/users/{ANN}/messages/{draft}/send").status_code == 403
    simulator.control.delegate(ANN, SERVICE, "full_access", "send_as")
    assert ask("POST", f"/users/{ANN}/messages/{draft}/send").status_code == 202
    simulator.control.delegate(ANN, SERVICE, "send_as")
    assert ask("GET", f"/users/{ANN}/messages").status_code == 403
    assert ask("POST", "/subscriptions", SUBSCRIPTION).status_code == 403


def test_an_agent_without_the_right_to_write_neither_marks_nor_drafts(simulator: Simulator) -> None:
    item = simulator.control.deliver(ANN, WITH_ATTACHMENT)["id"]
    ask = graph_for(
        simulator, sign_in(simulator, ANN, ["User.Read", "Mail.Read", "Mail.Send"])["access_token"]
    )
    assert ask("PATCH", f"/users/{ANN}/messages/{item}", {"isRead": True}).status_code == 403
    assert ask("POST", f"/users/{ANN}/messages", TO_CLIENT).status_code == 403
    assert ask("POST", f"/users/{ANN}/sendMail", {"message": TO_CLIENT}).status_code == 202
    assert ask("POST", "/subscriptions", SUBSCRIPTION).status_code == 400
