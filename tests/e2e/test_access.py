"""No token, no data; and nothing crosses organisations. Every route of the OpenAPI page is tried."""

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from dev.stack import Stack
from dev.tenant import Api, Tenant, a_mail
from shared.domain.commands.commands import SyncMailbox
from shared.domain.errors import PermanentError
from shared.services.commands.failures import failure_of
from tests.e2e.conftest import CONTACT, new_tenant
from tests.ledger import Ledger

PREFIX = "/api/v1/"
SECRETS = ("Secret subject", "secret words", "Bo Secret", "secret.pdf", "Secret sentence", CONTACT)
# Open to anybody; each has tests of its own.
OPEN = ("health",)
# Answers of the caller's own tenant, whatever address it is asked about.
OWN = (("POST", "mailboxes/{address}/test"), ("POST", "mailboxes/{address}/preview"))
# Where {} is no valid body: a refusal must come from who calls, not from what is sent.
BODIES: dict[str, Any] = {
    "PUT mailboxes/{address}": {"kind": "personal", "agent": "eve@evil.example"},
    "POST mailboxes/{address}/backfill": {"since": "2025-09-01T00:00:00Z"},
    "PUT mailboxes/{address}/address": {"address": "eve@evil.example"},
    "POST messages/{id}/links": {"kind": "contact", "id": "C-1"},
    "DELETE messages/{id}/links": {"kind": "contact", "id": "C-1"},
    "POST messages": {"to": [{"address": "li@tailspin.example"}], "subject": "Hello", "text": "Hello"},
    "POST messages/preview": {
        "to": [{"address": "li@tailspin.example"}],
        "subject": "Hello",
        "text": "Hello",
    },
    "POST messages/{id}/reply": {"mode": "reply", "text": "Hello"},
    "POST messages/{id}/forward": {"to": [{"address": "li@tailspin.example"}], "text": "Hello"},
    "POST uploads": {"name": "plan.pdf", "size": 9},
    "PUT me/signature": {"html": "<p>Eve</p>"},
    "POST inbox/{id}/link": {"records": [{"kind": "contact", "id": "C-1"}]},
    "POST inbox/{id}/opportunity": {"kind": "opportunity"},
    "POST records/contact/{id}/merge": {"into": "C-2"},
    "POST records/{kind}/{id}/rename": {"id": "X-1"},
}


@dataclass(frozen=True)
class Owner:
    """Organisation A with one filed mail, and what stands for the parameters of paths and queries."""

    tenant: Tenant
    address: str
    parameters: dict[str, str]
    query: dict[str, str]

    def path(self, template: str) -> str:
        return re.sub(r"{(\w+)}", lambda one: self._parameter(template, one[1]), template)

    def _parameter(self, template: str, name: str) -> str:
        kind = template.partition("/")[0]
        found = self.parameters.get(f"{kind}.{name}", self.parameters.get(name))
        assert found is not None, f"{template}: say in this test what stands for {{{name}}}"
        return found

    def data(self) -> list[Any]:
        """All that can be read of this organisation."""
        paths = ("organisation", "mailboxes", "records", "timelines/contact/C-1", "exceptions", "outbox")
        message = f"messages/{self.parameters['messages.id']}"
        attachment = f"{message}/attachments/{self.parameters['attachment_id']}"
        shown = [self.tenant.admin.call("GET", path) for path in (*paths, message)]
        for mailbox in shown[1]["mailboxes"]:
            mailbox.pop("lag_seconds")
        return [*shown, self.tenant.admin.raw("GET", attachment).content]


@pytest.fixture(scope="module")
def owner(stack: Stack) -> Owner:
    tenant = new_tenant(stack)
    address = tenant.agent("ann")
    tenant.contact("C-1", CONTACT, name="Bo Secret")
    tenant.connect(address)
    mail = a_mail(CONTACT, address, "Secret subject", text="secret words")
    mail.add_attachment(b"%PDF-secret", maintype="application", subtype="pdf", filename="secret.pdf")
    tenant.deliver(address, mail)
    message_id = tenant.entry("contact/C-1", mail)["message_id"]
    ledger = Ledger(stack.ready, tenant)
    ledger.settle()
    command = SyncMailbox(tenant_id=tenant.tenant_id, mailbox_id="m1", first_at=datetime.now(UTC))
    failure = failure_of(command, PermanentError("Secret sentence", "secret_code"), datetime.now(UTC))
    ledger.failures.record(failure)
    shown = tenant.admin.call("GET", f"messages/{message_id}")
    waiting, upload = _sent(tenant, address)
    parameters = {
        "kind": "contact",
        "records.id": "C-1",
        "timelines.id": "C-1",
        "messages.id": message_id,
        "inbox.id": message_id,
        "erase.id": "aa" * 16,
        "exceptions.id": failure.id,
        "outbox.id": waiting,
        "uploads.id": upload,
        "campaigns.id": "0" * 15 + "-" + "0" * 32,
        "notices.id": f"999999999999998-{message_id}",
        "attachment_id": shown["attachments"][0]["id"],
        "address": address,
    }
    query = {
        "internet_message_id": str(mail["Message-ID"]),
        "code": "secret_code",
        "notices.until": f"999999999999998-{message_id}",
    }
    return Owner(tenant, address, parameters, query)


def _sent(tenant: Tenant, address: str) -> tuple[str, str]:
    """A mail in the outbox that leaves in a month, and an upload, both the agent's."""
    agent = tenant.api_of(address)
    later = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    body = {
        "to": [{"address": CONTACT}],
        "subject": "Secret subject",
        "text": "secret words",
        "send_at": later,
    }
    sent = agent.call("POST", "messages", json=body, headers={"Idempotency-Key": "first"})
    upload = agent.call("POST", "uploads", json={"name": "secret.pdf", "size": 9})
    return sent["outbox_id"], upload["id"]


@pytest.fixture(scope="module")
def stranger(stack: Stack) -> Tenant:
    """Organisation B."""
    tenant = new_tenant(stack)
    tenant.agent("eve")
    return tenant


def _resolved(described: dict[str, Any], shared: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The parameters of an operation, those that it shares with others included."""
    for given in described.get("parameters", []):
        yield shared[given["$ref"].rpartition("/")[2]] if "$ref" in given else given


@cache
def query_names(document_url: str) -> dict[tuple[str, str], frozenset[str]]:
    """The query parameters of every operation, by method and template, from the OpenAPI page."""
    document = Api(document_url).call("GET", "openapi.json")
    paths, shared = document["paths"], document["components"]["parameters"]
    return {
        (method.upper(), path.removeprefix("/")): frozenset(
            parameter["name"] for parameter in _resolved(described, shared) if parameter["in"] == "query"
        )
        for path, operations in paths.items()
        for method, described in operations.items()
    }


def routes(owner: Owner) -> Iterator[tuple[str, str]]:
    """(method, template below the prefix) of every route but the open ones, from the OpenAPI page."""
    document = Api(owner.tenant.ready["api_url"]).call("GET", "openapi.json")
    for path, operations in document["paths"].items():
        template = path.removeprefix("/")
        for method in operations:
            if template not in OPEN:
                yield method.upper(), template


def attempt(api: Api, owner: Owner, method: str, template: str, **options: Any) -> Any:
    body = BODIES.get(f"{method} {template}")
    given = {"json": body or {}} if body or method in ("PUT", "POST") else {}
    names = query_names(owner.tenant.ready["api_url"])[method, template]
    found = (
        (name, owner.query.get(f"{template.partition('/')[0]}.{name}", owner.query.get(name)))
        for name in names
    )
    query = {name: value for name, value in found if value is not None}
    headers = {"Idempotency-Key": uuid.uuid4().hex, **options.pop("headers", {})}
    return api.raw(method, owner.path(template), params=query, headers=headers, **given, **options)


def claims_of(owner: Owner) -> dict[str, Any]:
    """What a genuine token of organisation A says."""
    found: dict[str, Any] = jwt.decode(owner.tenant.admin.token, options={"verify_signature": False})
    return found


def invalid_tokens(owner: Owner) -> dict[str, str]:
    tenant, control = owner.tenant, owner.tenant.control
    claims, genuine = claims_of(owner), owner.tenant.admin.token
    header = jwt.get_unverified_header(genuine)
    foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    admin = f"admin@{tenant.domain}"
    head, payload, signature = genuine.split(".")
    return {
        "none": "",
        "garbage": "garbage",
        "not a token": "a.b.c",
        "no signature": f"{head}.{payload}.",
        "alg none": jwt.encode(claims, None, algorithm="none"),
        "HMAC": jwt.encode(claims, "public" * 8, algorithm="HS256", headers={"kid": header["kid"]}),
        "another key": jwt.encode(claims, foreign, algorithm="RS256", headers={"kid": header["kid"]}),
        "another signature": f"{head}.{payload}.{'A' * len(signature)}",
        "expired": control.tokens(tenant.tenant_id, admin, roles=["Admin"], expires_in=-600),
        "another audience": control.tokens(
            tenant.tenant_id, admin, roles=["Admin"], audience="https://graph.microsoft.com"
        ),
        "another issuer": control.tokens(
            tenant.tenant_id, admin, roles=["Admin"], issuer=f"https://evil.example/{tenant.tenant_id}/v2.0"
        ),
    }


def test_without_a_valid_token_no_route_answers(owner: Owner) -> None:
    before = owner.data()
    for name, token in invalid_tokens(owner).items():
        for method, template in routes(owner):
            answer = attempt(Api(owner.tenant.ready["api_url"], token), owner, method, template)
            assert answer.status_code == 401, (name, method, template, answer.text)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert answer.headers["Content-Type"] == "application/problem+json"
    assert owner.data() == before


def test_a_token_of_a_tenant_signed_for_another_one_opens_nothing(owner: Owner, stranger: Tenant) -> None:
    """Genuine key, genuine user of B, but the token says that it is A's."""
    issuer = f"{owner.tenant.ready['simulator_url']}/{owner.tenant.tenant_id}/v2.0"
    token = stranger.control.tokens(
        stranger.tenant_id, f"admin@{stranger.domain}", roles=["Admin"], issuer=issuer
    )
    for method, template in routes(owner):
        answer = attempt(Api(owner.tenant.ready["api_url"], token), owner, method, template)
        assert answer.status_code == 401, (method, template)


def tokens_of(stranger: Tenant) -> dict[str, Api]:
    """Everybody there is in organisation B."""
    application = stranger.control.tokens(
        stranger.tenant_id, client_id=str(uuid.uuid4()), roles=["Service", "Admin", "Operator", "Agent"]
    )
    return {
        "admin": stranger.api_of(f"admin@{stranger.domain}", "Admin", "Agent"),
        "agent": stranger.api_of(f"eve@{stranger.domain}"),
        "application": Api(stranger.ready["api_url"], application),
    }


def test_another_organisations_tokens_see_and_change_nothing_on_any_route(
    owner: Owner, stranger: Tenant
) -> None:
    """A route that names nothing of A's answers of B's own things; one that writes writes to B's own."""
    before = owner.data()
    ours = (*SECRETS, owner.tenant.tenant_id)
    callers = tokens_of(stranger)
    # What B puts is B's own and may be read by B afterwards.
    for method, template in sorted(routes(owner), key=lambda route: route[0] == "PUT"):
        for name, api in callers.items():
            answer = attempt(api, owner, method, template)
            told = (name, method, template, answer.status_code, answer.text)
            if "{" in template and method != "PUT" and (method, template) not in OWN:
                assert answer.status_code in (401, 403, 404), told
            assert not any(word in answer.text for word in ours), told
    assert owner.data() == before


def test_nobody_of_another_organisation_may_name_this_one(owner: Owner, stranger: Tenant) -> None:
    before = owner.data()
    vendor = owner.tenant.control.tokens(
        owner.tenant.ready["home_tenant_id"], client_id=str(uuid.uuid4()), roles=["Service", "Admin", "Agent"]
    )
    callers = {**tokens_of(stranger), "unlisted vendor": Api(owner.tenant.ready["api_url"], vendor)}
    header = {"Postledger-Organisation": owner.tenant.tenant_id}
    for name, api in callers.items():
        for method, template in routes(owner):
            answer = attempt(api, owner, method, template, headers=header)
            assert answer.status_code == 403, (name, method, template, answer.text)
            assert not any(word in answer.text for word in SECRETS)
    assert owner.data() == before


def test_the_operator_reads_no_mail(owner: Owner) -> None:
    for method, template in routes(owner):
        if not template.startswith(("organisation", "connect", "health")):
            answer = attempt(owner.tenant.operator, owner, method, template)
            assert answer.status_code == 403, (method, template, answer.text)


def test_mail_to_an_organisation_never_shows_on_anothers_record_of_the_same_name(
    owner: Owner, stranger: Tenant
) -> None:
    stranger.contact("C-1", CONTACT)
    assert stranger.timeline("contact/C-1") == []
    assert len(owner.tenant.timeline("contact/C-1")) == 1


def test_another_organisation_that_adds_this_ones_mailbox_gets_none_of_its_mail(
    stack: Stack, owner: Owner, stranger: Tenant
) -> None:
    body = {"kind": "personal", "agent": f"eve@{stranger.domain}", "capture": "everything"}
    refused = stranger.admin.raw("PUT", f"mailboxes/{owner.address}", json=body)
    assert (refused.status_code, "No user of this tenant" in refused.text) == (422, True)
    stranger.control.put_faults(error_rate=1.0, error_kinds=["503"])
    unanswered = stranger.admin.raw("PUT", f"mailboxes/{owner.address}", json=body)
    assert unanswered.status_code == 503, "whose mailbox it is cannot be asked, so nothing is saved"
    stranger.control.clear_faults()
    ledger = Ledger(stack.ready, stranger)
    ledger.settle()
    tenants = {one["tenant_id"] for one in owner.tenant.control.subscriptions()}
    assert stranger.tenant_id not in tenants
    assert ledger.sightings(owner.address) == {}


def test_a_disabled_organisations_tokens_are_refused_with_a_sentence(stack: Stack, tenant: Tenant) -> None:
    tenant.operator.call("PUT", "organisation", json={"enabled": False})
    for method, path in (("GET", "records"), ("GET", "organisation"), ("GET", "messages/x")):
        answer = tenant.admin.raw(method, path)
        assert answer.status_code == 403
        assert "not enabled" in answer.json()["detail"]


def test_a_tenant_that_was_never_enabled_is_refused(stack: Stack, tenant: Tenant) -> None:
    unknown = str(uuid.uuid4())
    tenant.control.organisations(unknown, "unknown.example")
    tenant.control.users(unknown, "joe@unknown.example", "Joe", roles=["Admin"])
    token = tenant.control.tokens(unknown, "joe@unknown.example")
    answer = Api(tenant.ready["api_url"], token).raw("GET", "records")
    assert answer.status_code in (401, 403), answer.text


def test_health_answers_anyone_and_tells_nothing(stack: Stack) -> None:
    answer = Api(stack.ready["api_url"]).raw("GET", "health")
    assert answer.status_code == 200
    assert len(json.dumps(answer.json())) < 40


def test_a_page_that_a_developer_serves_may_call_a_demo(stack: Stack) -> None:
    page = "http://localhost:5173"
    asked = {"Origin": page, "Access-Control-Request-Method": "PUT"}
    answer = Api(stack.ready["api_url"]).raw("OPTIONS", "organisation", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == page
    elsewhere = Api(stack.ready["api_url"]).raw("GET", "health", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in elsewhere.headers
