"""Every route against every role and organisation: a route that is added fails here until it is named."""

import pytest

from shared.api.auth import GuardedRoute
from tests.builders import (
    CONTACT,
    HOME,
    KEY,
    TENANT,
    a_copy,
    a_document,
    a_mailbox,
    a_record,
    a_stored_message,
    an_entry,
    an_organisation,
)
from tests.fakes import FakeStorage
from tests.security.served import OPEN, document, every_operation, routes_of
from tests.unit.api.tokens import CLIENT, OTHER, STRANGER, Issuer
from tests.unit.api.wiring import Api

READERS = {"Agent", "Admin", "Service"}
ROLES = {
    "get_timeline": READERS,
    "get_message": READERS,
    "get_thread": READERS,
    "get_attachment": READERS,
    "link_message": READERS,
    "unlink_message": READERS,
    "send_message": READERS,
    "reply_to_message": READERS,
    "forward_message": READERS,
    "preview_mail": READERS,
    "start_campaign": READERS,
    "preview_campaign": READERS,
    "list_campaigns": READERS,
    "get_campaign": READERS,
    "list_campaign_recipients": READERS,
    "pause_campaign": READERS,
    "resume_campaign": READERS,
    "cancel_campaign": READERS,
    "list_outbox": READERS,
    "get_outbox_mail": READERS,
    "retry_mail": READERS,
    "cancel_mail": READERS,
    "begin_upload": READERS,
    "put_upload_piece": READERS,
    "get_me": {"Agent", "Admin"},
    "put_signature": {"Agent", "Admin"},
    "get_inbox": {"Agent", "Admin"},
    "count_inbox": {"Agent", "Admin"},
    "get_events": READERS,
    "get_notices": READERS,
    "open_notice": READERS,
    "dismiss_notice": READERS,
    "dismiss_all_notices": READERS,
    "link_inbox_item": {"Agent", "Admin"},
    "open_opportunity": {"Agent", "Admin"},
    "note_inbox_item": {"Agent", "Admin"},
    "delete_inbox_item": {"Admin"},
    "undo_decision": {"Agent", "Admin"},
    "put_record": {"Service", "Admin"},
    "get_record": {"Service", "Admin"},
    "delete_record": {"Service", "Admin"},
    "load_records": {"Service", "Admin"},
    "list_records": READERS,
    "merge_contacts": {"Service", "Admin"},
    "rename_record": {"Service", "Admin"},
    "put_mailbox": {"Admin"},
    "list_handovers": {"Admin", "Agent"},
    "get_mailbox": {"Admin", "Agent"},
    "sync_mailbox": {"Admin", "Agent"},
    "preview_mailbox": {"Admin", "Agent"},
    "list_mail_providers": {"Admin", "Agent"},
    "put_credentials": {"Admin", "Agent"},
    "get_credentials": {"Admin", "Agent"},
    "delete_credentials": {"Admin", "Agent"},
    "get_acknowledgement": {"Admin"},
    "put_acknowledgement": {"Admin"},
    "preview_intake": {"Admin"},
    "start_backfill": {"Admin"},
    "cancel_backfill": {"Admin"},
    "delete_mailbox": {"Admin"},
    "list_mailboxes": {"Admin"},
    "count_exceptions": {"Admin"},
    "get_organisation": {"Admin"},
    "put_organisation": {"Admin"},
    "list_organisations": set[str](),
    "try_deployment": set[str](),
    "pause": set[str](),
    "resume": set[str](),
    "ask_to_connect": {"Admin", "Agent"},
    "get_connections": {"Admin", "Agent"},
    "verify_connections": {"Admin"},
    "disconnect": {"Admin", "Agent"},
    "test_mailbox": {"Admin", "Agent"},
    "test_mailboxes": {"Admin", "Agent"},
    "take_over_address": {"Admin", "Agent"},
    "list_exceptions": {"Admin"},
    "replay_exception": {"Admin"},
    "replay_exceptions": {"Admin"},
    "explain": {"Admin"},
    "rematch": {"Service", "Admin"},
    "rematch_record": {"Service", "Admin"},
    "erase_person": {"Admin"},
    "get_erasure": {"Admin"},
    "list_audit": {"Admin"},
    "export_audit": {"Admin"},
    "delete_organisation": {"Admin"},
}


def test_what_is_attacked_is_what_is_served(api: Api) -> None:
    assert api.get("openapi.json").json() == document()


def test_every_route_of_the_app_is_guarded_but_for_health_and_the_callback(api: Api) -> None:
    found = list(routes_of(api.client.app.api))
    assert {one.name for one in found if not isinstance(one, GuardedRoute)} == OPEN
    assert {one.name for one in found} == set(ROLES) | OPEN


@pytest.mark.parametrize("role", ["Agent", "Admin", "Service", "Operator"])
@pytest.mark.parametrize("kind", ["user", "app"])
def test_a_role_opens_its_own_routes_only(api: Api, issuer: Issuer, role: str, kind: str) -> None:
    for name, method, path in every_operation():
        answer = api.call(method, path, getattr(issuer, kind)(role), json={})
        assert (answer.status_code == 403) == (role not in ROLES[name]), (name, answer.text)


def test_a_token_without_a_role_gets_a_sentence(api: Api, issuer: Issuer) -> None:
    for name, method, path in every_operation():
        answer = api.call(method, path, issuer.user("Reader"), json={})
        assert answer.status_code == 403, name
        assert "Ask an administrator" in answer.json()["detail"]


def test_a_tenant_that_is_not_enabled_gets_a_sentence_and_costs_no_request(api: Api, issuer: Issuer) -> None:
    issuer.asked.clear()
    for name, method, path in every_operation():
        answer = api.call(method, path, issuer.user("Admin", "Agent", tenant=STRANGER), json={})
        assert answer.status_code == 403, name
        assert "not enabled" in answer.json()["detail"]
    assert issuer.asked == []


def test_nothing_of_another_organisation_can_be_reached(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    put_everything(storage)
    secrets = ("Viewing on Thursday", "Record contact", "Contoso", "poll_minutes", "buyer@fabrikam")
    for token in (issuer.user("Admin", "Agent", tenant=OTHER), issuer.app("Service", tenant=OTHER)):
        for name, method, path in every_operation():
            if method != "GET":
                continue
            answer = api.get(path, token, headers={"Postledger-Organisation": OTHER})
            lists = name in (
                "list_records",
                "list_mailboxes",
                "list_outbox",
                "list_campaigns",
                "get_me",
                "get_organisation",
                "get_connections",
                "get_inbox",
                "count_inbox",
                "get_events",
                "get_notices",
                "list_audit",
                "export_audit",
                "list_exceptions",
                "count_exceptions",
                "list_mail_providers",
            )
            assert answer.status_code in ((200, 403) if lists else (403, 404)), (name, answer.text)
            assert not any(one in answer.text for one in secrets), (name, answer.text)


def test_nothing_of_another_organisation_can_be_changed(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    put_everything(storage)
    record, mailbox = storage.records.rows.copy(), storage.mailboxes.rows.copy()
    message = storage.messages.get(TENANT, KEY)
    body = {"kind": "personal", "agent": "other@fabrikam.example"}
    for method, path, more in (
        ("DELETE", "records/contact/C-1", {}),
        ("PUT", "records/contact/C-1", {"json": {"name": "Taken over"}}),
        ("POST", "records", {"content": b'{"kind":"contact","id":"C-1"}'}),
        ("DELETE", f"messages/{KEY}/links", {"json": {"kind": "contact", "id": "C-1"}}),
        ("DELETE", f"inbox/{KEY}", {}),
        ("POST", f"inbox/{KEY}/undo", {}),
        ("DELETE", "mailboxes/agent@contoso.example", {}),
        ("DELETE", "mailboxes/agent@contoso.example/credentials", {}),
        ("PUT", "mailboxes/agent@contoso.example", {"json": body}),
        ("PUT", "organisation", {"json": {"name": "Taken over"}}),
        ("DELETE", f"organisation?confirm={TENANT}", {}),
        ("POST", "erase", {"json": {"address": CONTACT}}),
    ):
        assert api.call(method, path, issuer.user("Admin", tenant=OTHER), **more).status_code < 500
    assert {**storage.records.rows, **record} == storage.records.rows
    assert {**storage.mailboxes.rows, **mailbox} == storage.mailboxes.rows
    assert storage.organisations.rows[TENANT].name == "Contoso"
    assert storage.messages.get(TENANT, KEY) == message


def test_an_ordinary_token_cannot_name_another_organisation(api: Api, issuer: Issuer) -> None:
    header = {"Postledger-Organisation": TENANT}
    tokens = (
        issuer.user("Admin", "Agent", "Operator", "Service", tenant=OTHER),
        issuer.app("Admin", "Service", "Operator", tenant=OTHER),
        issuer.user("Operator", "Service", tenant=HOME),
    )
    for token in tokens:
        for name, method, path in every_operation():
            answer = api.call(method, path, token, json={}, headers=header)
            assert answer.status_code == 403, (name, answer.text)


def test_a_vendor_s_service_works_only_where_its_client_is_listed(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    put_everything(storage)
    token, header = issuer.app("Service", "Admin", tenant=HOME), {"Postledger-Organisation": TENANT}
    assert api.get("records/contact/C-1", token, headers=header).status_code == 403
    storage.organisations.change(an_organisation(services=(CLIENT,)))
    assert api.get("records/contact/C-1", token, headers=header).status_code == 200
    assert api.get("mailboxes", token, headers=header).status_code == 403
    storage.organisations.change(an_organisation(services=(CLIENT,), enabled=False))
    assert api.get("records/contact/C-1", token, headers=header).status_code == 403


def test_an_organisation_header_that_is_no_tenant_id_is_refused(api: Api, issuer: Issuer) -> None:
    answer = api.get(
        "organisation", issuer.app("Operator", tenant=HOME), headers={"Postledger-Organisation": "contoso"}
    )
    assert answer.status_code == 422
    assert "GUID" in answer.json()["detail"]


def test_an_organisation_switched_off_shuts_its_people_out(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    token = issuer.user("Admin")
    assert api.get("mailboxes", token).status_code == 200
    storage.organisations.change(an_organisation(enabled=False))
    assert api.get("mailboxes", token).status_code == 403


def put_everything(storage: FakeStorage) -> None:
    """One of each thing in the first organisation."""
    storage.records.put_many(TENANT, [a_record()])
    storage.timeline.put(TENANT, [an_entry()])
    storage.messages.create(TENANT, a_stored_message(), a_document(), a_copy())
    if not list(storage.mailboxes.of(TENANT)):
        storage.mailboxes.save(a_mailbox())
