"""User names and passwords of mailboxes outside Microsoft 365: who saves them, what is refused, and what is told."""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.domain.commands.commands import SendMail, SyncMailbox
from shared.domain.commands.envelope import Command
from shared.domain.connections.account_tests import SignIn, Submission
from shared.domain.connections.accounts import Server
from shared.domain.connections.discovery import FoundServers
from shared.domain.connections.mailbox_state import access_lost, sending_stopped
from shared.domain.connections.public_addresses import networks_of
from tests.builders import AGENT, TENANT
from tests.fakes import FakePorts, FakeStorage
from tests.unit.adapters.test_network_dialling import PUBLIC, SPELLINGS
from tests.unit.api.tokens import Issuer
from tests.unit.api.wiring import Api

BEA = "bea@contoso.example"
ANN = f"mailboxes/{AGENT}/credentials"
DESK = "mailboxes/desk@contoso.example"
PASSWORD = "Correct-horse-bättery"
GIVEN = {"user_name": "CONTOSO\\ann", "password": PASSWORD, "host": "mail.contoso.example"}


@pytest.fixture
def admin(api: Api, issuer: Issuer, storage: FakeStorage) -> str:
    """Ann's mailbox and the desk's lie outside Microsoft 365, Bea's does not."""
    for address in (AGENT, BEA, "desk@contoso.example"):
        storage.mail.add_mailbox(address)
    token = issuer.user("Admin", oid="boss", preferred_username="boss@contoso.example")
    outside = {"kind": "personal", "agent": AGENT, "connection": "imap"}
    assert api.put(f"mailboxes/{AGENT}", token, json=outside).status_code == 200
    desk = {"kind": "intake", "agents": [BEA], "connection": "imap"}
    assert api.put(DESK, token, json=desk).status_code == 201
    assert api.put(f"mailboxes/{BEA}", token, json={"kind": "personal", "agent": BEA}).status_code == 201
    storage.queue.sent.clear()
    return token


@pytest.fixture
def ann(admin: str, issuer: Issuer) -> str:
    return issuer.user("Agent", preferred_username=AGENT)


def test_the_mailbox_s_own_agent_saves_them_and_sees_when(api: Api, ann: str, storage: FakeStorage) -> None:
    assert api.get(ANN, ann).status_code == 404
    saved = api.put(ANN, ann, json={**GIVEN, "smtp": {"host": "smtp.contoso.example", "port": 587}})
    assert saved.status_code == 200, saved.text
    assert saved.json() == api.get(ANN, ann).json()
    assert saved.json() == {
        "user_name": "CONTOSO\\ann",
        "host": "mail.contoso.example",
        "port": 993,
        "security": "tls",
        "use_autodiscover": False,
        "smtp": {"host": "smtp.contoso.example", "port": 587, "security": "starttls"},
        "saved_at": "2026-03-02T09:00:00Z",
        "refused": False,
    }
    walks = [command for command, _ in storage.queue.sent if isinstance(command, SyncMailbox)]
    assert len(walks) == 1
    assert api.delete(ANN, ann).status_code == 204
    assert api.get(ANN, ann).status_code == 404
    assert storage.credentials.rows == {}


def test_the_mailbox_test_says_whether_mail_may_be_sent(api: Api, ann: str, storage: FakeStorage) -> None:
    def tested() -> tuple[str, str]:
        found = api.post(f"mailboxes/{AGENT}/test", ann, json={}).json()
        return found["send"], found["send_detail"]

    send, detail = tested()
    assert (send, storage.submission_probe.asked) == ("not_permitted", 0)
    assert "nobody has said by which server" in detail
    for ends, wanted in (
        (Submission.PERMITTED, "permitted"),
        (Submission.REFUSED, "not_permitted"),
        (Submission.SENDER_REFUSED, "not_permitted"),
        (Submission.UNKNOWN, "unknown"),
    ):
        storage.submission_probe.ends = ends
        assert tested()[0] == wanted
    storage.account_probe.ends[AGENT] = SignIn.WRONG_PASSWORD
    before = storage.submission_probe.asked
    assert tested()[0] == "unknown"
    assert storage.submission_probe.asked == before, "a refused password is not tried at a second server"


def test_new_credentials_let_go_what_waits_for_the_sign_in(api: Api, ann: str, storage: FakeStorage) -> None:
    mailbox = storage.mailboxes.get(TENANT, AGENT)
    assert mailbox is not None
    storage.mailboxes.change(mailbox, sending_stopped("The mail server said: 535 no."))
    [warning] = api.get(f"mailboxes/{AGENT}", ann).json()["warnings"]
    assert warning.endswith("The mail server said: 535 no.")
    assert api.put(ANN, ann, json=GIVEN).status_code == 200
    assert api.get(f"mailboxes/{AGENT}", ann).json()["warnings"] == []
    sent = [command for command, _ in storage.queue.sent]
    assert [type(command) for command in sent] == [SyncMailbox, SendMail]
    assert [command.renewed for command in sent if isinstance(command, SendMail)] == [True]


def test_a_test_that_succeeds_again_goes_on_at_once(api: Api, ann: str, storage: FakeStorage) -> None:
    def tested() -> list[type[Command]]:
        storage.queue.sent.clear()
        assert api.post(f"mailboxes/{AGENT}/test", ann, json={}).status_code == 200
        return [type(command) for command, _ in storage.queue.sent]

    mailbox = storage.mailboxes.get(TENANT, AGENT)
    assert mailbox is not None
    storage.mailboxes.change(mailbox, sending_stopped("The mail server said: 535 no."))
    storage.mailboxes.change(mailbox, access_lost("no", datetime(2026, 3, 1, tzinfo=UTC)))
    storage.account_probe.ends[AGENT] = SignIn.WRONG_PASSWORD
    assert tested() == []
    storage.account_probe.ends[AGENT] = SignIn.DONE
    storage.submission_probe.ends = Submission.REFUSED
    assert tested() == [SyncMailbox]
    storage.submission_probe.ends = Submission.PERMITTED
    assert tested() == [SyncMailbox, SendMail]
    assert api.get(f"mailboxes/{AGENT}", ann).json()["warnings"] == []


@pytest.mark.parametrize("port", [25, 143, 993])
def test_mail_is_handed_in_at_ports_of_submission_only(api: Api, ann: str, port: int) -> None:
    refused = api.put(ANN, ann, json={**GIVEN, "smtp": {"host": "smtp.contoso.example", "port": port}})
    assert refused.status_code == 422
    assert "usually 465, or 587" in refused.json()["detail"]


def test_an_admin_saves_those_of_intake_mailboxes_and_of_no_person_s(
    api: Api, admin: str, ann: str, issuer: Issuer
) -> None:
    bea = issuer.user("Agent", oid="bea", preferred_username=BEA)
    assert api.put(f"{DESK}/credentials", admin, json=GIVEN).status_code == 200
    assert api.put(ANN, admin, json=GIVEN).status_code == 403
    for method in ("PUT", "GET", "DELETE"):
        body = {"json": GIVEN} if method == "PUT" else {}
        # The desk's agent, another agent, and nobody's mailbox.
        assert api.call(method, f"{DESK}/credentials", bea, **body).status_code == 403
        assert api.call(method, f"{DESK}/credentials", ann, **body).status_code == 404
        assert api.call(method, ANN, bea, **body).status_code == 404
        assert api.call(method, "mailboxes/no@contoso.example/credentials", ann, **body).status_code == 404


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"host": None}, "either 'host' or 'use_autodiscover'"),
        ({"use_autodiscover": True}, "either 'host' or 'use_autodiscover'"),
        ({"host": None, "use_autodiscover": False}, "either 'host' or 'use_autodiscover'"),
        ({"host": None, "use_autodiscover": True, "port": 993}, "go with 'host'"),
        ({"host": "mail contoso"}, "The specified Server address is invalid"),
        ({"host": "https://mail.contoso.example/"}, "The specified Server address is invalid"),
        ({"host": "mail.contoso.example:993"}, "The specified Server address is invalid"),
        ({"host": "-x"}, "The specified Server address is invalid"),
        ({"host": "outlook.office365.com"}, "POST connect"),
        ({"host": "OUTLOOK.Office365.com."}, "POST connect"),
        ({"host": "imap-mail.outlook.com"}, "POST connect"),
        ({"host": "smtp.office365.com"}, "POST connect"),
        ({"smtp": {"host": "smtp.office365.com"}}, "POST connect"),
        ({"port": 0}, "'port' must be"),
        ({"port": 70_000}, "'port' must be"),
        ({"password": ""}, "'password' must be"),
        ({"password": f"{PASSWORD}\r\nA1 LOGOUT"}, "'password' must be"),
        ({"user_name": " "}, "usually your email address"),
        ({"security": "none"}, "security"),
        ({"password": {"a": PASSWORD}}, "password"),
        ({"passwort": PASSWORD}, "passwort"),
    ],
)
def test_what_makes_no_sense_is_refused_without_a_word_of_the_password(
    api: Api, ann: str, storage: FakeStorage, given: dict[str, Any], says: str
) -> None:
    answer = api.put(ANN, ann, json={**GIVEN, **given})
    assert (answer.status_code, says in answer.json()["detail"]) == (422, True), answer.json()
    assert PASSWORD not in answer.text
    assert storage.credentials.rows == {}


@pytest.mark.parametrize(
    "spelling", [*SPELLINGS, "LOCALHOST.", "mail.localhost", "１２７.0.0.1", "127。0。0。1"]
)
def test_no_spelling_of_a_private_address_is_saved(
    api: Api, ann: str, storage: FakeStorage, spelling: str
) -> None:
    for given in ({"host": spelling}, {"smtp": {"host": spelling}}):
        answer = api.put(ANN, ann, json={**GIVEN, **given})
        assert answer.status_code == 422, answer.text
        assert answer.json()["detail"].startswith("The specified Server address is invalid")
    storage.mail_servers.found[AGENT] = FoundServers(
        Server("mail.contoso.example", 993), Server(spelling, 465)
    )
    found = api.put(ANN, ann, json={"user_name": "ann", "password": PASSWORD, "use_autodiscover": True})
    assert (found.status_code, storage.credentials.rows) == (422, {})
    assert "POSTLEDGER_PRIVATE_NETWORKS" in found.json()["detail"]


@pytest.mark.parametrize(
    "host", [PUBLIC, "2606:2800:220:1::1", "mail.contoso.example", "10.1.2.3", "0x0a.1.515"]
)
def test_public_addresses_and_those_that_the_deployment_opens_are_saved(
    api: Api, ann: str, storage: FakeStorage, host: str
) -> None:
    storage.mail_servers.opened = networks_of(["10.1.0.0/16"])
    assert api.put(ANN, ann, json={**GIVEN, "host": host, "smtp": {"host": host}}).status_code == 200
    assert api.put(ANN, ann, json={**GIVEN, "host": "10.2.2.3"}).status_code == 422


def test_a_mailbox_of_microsoft_365_takes_none(api: Api, admin: str, issuer: Issuer) -> None:
    bea = issuer.user("Agent", oid="bea", preferred_username=BEA)
    for given in (GIVEN, {"user_name": BEA, "password": PASSWORD, "use_autodiscover": True}):
        answer = api.put(f"mailboxes/{BEA}/credentials", bea, json=given)
        assert (answer.status_code, "POST connect" in answer.json()["detail"]) == (422, True)


def test_a_password_stands_nowhere_but_sealed_in_its_row(
    api: Api, ann: str, admin: str, storage: FakeStorage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [
        api.put(ANN, ann, json=GIVEN),
        api.put(f"{DESK}/credentials", admin, json=GIVEN),
        api.get(ANN, ann),
        api.put(ANN, ann, json={**GIVEN, "host": "bad host"}),
        api.get(f"mailboxes/{AGENT}", ann),
        api.get("mailboxes", admin),
        api.get("audit", admin),
        api.get("audit/export", admin),
        api.get("exceptions", admin),
        api.get("connect", admin),
        api.get("organisation", admin),
        api.get("me", ann),
    ]
    said = "\n".join(answer.text for answer in answers) + caplog.text
    said += "\n".join(command.to_json() for command, _ in storage.queue.sent)
    spelled = (PASSWORD, json.dumps(PASSWORD), PASSWORD.encode().hex())
    assert not [spelling for spelling in spelled if spelling in said]
    assert "put_credentials" in said
    for row in storage.credentials.rows.values():
        assert PASSWORD not in repr(row)
        assert storage.credentials.password(row) == PASSWORD


def test_they_go_with_their_mailbox_at_once(api: Api, ann: str, admin: str, storage: FakeStorage) -> None:
    api.put(ANN, ann, json=GIVEN)
    assert api.delete(f"mailboxes/{AGENT}", admin).status_code == 204
    assert storage.credentials.rows == {}
    outside = {"kind": "personal", "agent": AGENT, "connection": "imap"}
    assert api.put(f"mailboxes/{AGENT}", admin, json=outside).status_code == 201
    assert api.get(ANN, ann).status_code == 404


def test_a_deployment_without_a_key_says_so(api: Api, ann: str, storage: FakeStorage) -> None:
    from shared.adapters.secrets.sealing import Sealer

    storage.credentials.seal = Sealer([])
    answer = api.put(ANN, ann, json=GIVEN)
    assert (answer.status_code, "POSTLEDGER_TOKEN_KEYS" in answer.json()["detail"]) == (409, True)


@pytest.mark.parametrize(
    ("address", "kind", "minutes"),
    [
        ("own@contoso.example", "personal", 10),
        ("own@contoso.example", "intake", 1),
        ("own@gmail.com", "intake", 5),
        ("own@yahoo.com", "personal", 10),
    ],
)
def test_the_interval_is_the_provider_s_unless_it_is_given(
    api: Api, admin: str, address: str, kind: str, minutes: int
) -> None:
    path = f"mailboxes/{address}"
    made = api.put(path, admin, json={"kind": kind, "agent": BEA, "connection": "imap"}).json()
    assert made["poll_minutes"] == minutes
    assert api.put(path, admin, json={"poll_minutes": 7}).json()["poll_minutes"] == 7
    assert api.put(path, admin, json={"connection": "imap"}).json()["poll_minutes"] == 7


def test_rows_of_another_tenant_are_not_theirs(api: Api, ann: str, storage: FakeStorage) -> None:
    api.put(ANN, ann, json=GIVEN)
    assert {tenant for tenant, _ in storage.credentials.rows} == {TENANT}


def test_the_server_is_found_or_the_sentence_says_that_it_is_not(
    api: Api, ann: str, storage: FakePorts
) -> None:
    given = {"user_name": AGENT, "password": PASSWORD, "use_autodiscover": True}
    answer = api.put(ANN, ann, json=given)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("Unable to autodiscover the server address")
    smtp = Server("smtp.contoso.example", 587, "starttls")
    storage.mail_servers.found[AGENT] = FoundServers(Server("imap.contoso.example", 993), smtp)
    saved = api.put(ANN, ann, json=given).json()
    assert (saved["host"], saved["use_autodiscover"], saved["smtp"]["host"]) == (
        "imap.contoso.example",
        True,
        "smtp.contoso.example",
    )
    storage.account_probe.ends[AGENT] = SignIn.WRONG_SERVER
    assert api.post(f"mailboxes/{AGENT}/test", ann).json()["outcome"] == "wrong_server"
    storage.mail_servers.found.clear()
    tested = api.post(f"mailboxes/{AGENT}/test", ann).json()
    assert tested["outcome"] == "not_discovered"
    assert tested["detail"].startswith("Unable to autodiscover the server address")


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (FoundServers(Server("imap.fabrikam.example", 993), wants_word=True), "give it as 'host'"),
        (FoundServers(Server("outlook.office365.com", 993)), "POST connect"),
    ],
)
def test_what_is_found_is_not_believed_blindly(
    api: Api, ann: str, storage: FakePorts, found: FoundServers, says: str
) -> None:
    storage.mail_servers.found[AGENT] = found
    given = {"user_name": AGENT, "password": PASSWORD, "use_autodiscover": True}
    answer = api.put(ANN, ann, json=given)
    assert (answer.status_code, says in answer.json()["detail"]) == (422, True)
    assert storage.credentials.rows == {}


def test_the_test_of_a_mailbox_outside_asks_its_own_server(
    api: Api, ann: str, admin: str, storage: FakePorts
) -> None:
    storage.account_probe.ends[AGENT] = SignIn.APP_PASSWORD
    for token in (ann, admin):
        tested = api.post(f"mailboxes/{AGENT}/test", token).json()
        assert (tested["outcome"], tested["habits"]) == ("app_password_needed", [])
    assert storage.probe.calls.count("granted") == 1, "of Bea's mailbox, when it was added"


def test_the_providers_are_those_of_the_page(api: Api, ann: str) -> None:
    providers = api.get("mail-providers", ann).json()["providers"]
    labels = "Aol.com, Aim.com, Gmail.com, iCloud.com, Outlook.com/Office 365, Hotmail.com, Yahoo.com"
    assert [provider["label"] for provider in providers] == labels.split(", ")
    page = Path(__file__).parents[3].joinpath("docs/imap.md").read_text("utf-8")
    table = page.partition("## Known providers")[2].partition("\n## ")[0]
    told = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    assert [[cell.strip() for cell in row] for row in told] == [
        [
            provider["label"],
            ", ".join(provider["domains"]),
            f"`{provider['reach']}`",
            _place(provider["imap"]),
            _place(provider["smtp"]),
            provider["needs"],
        ]
        for provider in providers
    ]
    office, hotmail = providers[4], providers[5]
    assert (office["reach"], office["imap"]) == ("graph", None)
    assert "2024" in hotmail["needs"]


def _place(server: dict[str, Any] | None) -> str:
    return f"{server['host']}:{server['port']} ({server['security']})" if server else ""
