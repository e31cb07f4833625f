"""Routes of intake mailboxes: settings, acknowledgements, and what a mail would become."""

from typing import Any

import pytest

from tests.builders import AGENT, TENANT
from tests.fakes import FakeStorage
from tests.unit.api.tokens import Issuer
from tests.unit.api.wiring import Api

BEA = "bea@contoso.example"
DESK = "mailboxes/desk@contoso.example"
ACKNOWLEDGEMENT = f"{DESK}/acknowledgement"
PREVIEW = f"{DESK}/intake/preview"
TEMPLATE = {"language": "en", "subject": "Re: {subject}", "text": "{case_name} is {case_id}."}


@pytest.fixture
def admin(api: Api, issuer: Issuer, storage: FakeStorage) -> str:
    storage.mail.add_mailbox(AGENT)
    storage.mail.add_mailbox("desk@contoso.example")
    storage.mail.add_mailbox(BEA)
    token = issuer.user("Admin")
    answer = api.put(DESK, token, json={"kind": "intake", "agents": [BEA]})
    assert answer.status_code == 201, answer.json()
    return token


def test_settings_are_shown_in_the_shape_in_which_they_are_given(api: Api, admin: str) -> None:
    intake = {
        "opens": "project",
        "type": "enquiry",
        "routes": [
            {
                "to": "repairs@contoso.example",
                "opens": None,
                "type": "repair",
                "owner": None,
                "client": None,
                "template": None,
            }
        ],
        "fields": {"summary": "{subject}"},
        "data": {"at": "{received}"},
        "closed": "new",
    }
    shown = api.put(DESK, admin, json={"intake": intake}).json()
    assert shown["agents"] == [BEA]
    assert shown["intake"]["routes"] == intake["routes"]
    assert shown["intake"]["fields"]["summary"] == "{subject}"
    assert (shown["intake"]["data"], shown["intake"]["cases_an_hour"]) == ({"at": "{received}"}, 20)
    assert api.put(DESK, admin, json={"intake": shown["intake"]}).json()["intake"] == shown["intake"]


@pytest.mark.parametrize(
    ("intake", "says"),
    [
        ({"fields": {"summary": "{nobody}"}}, "names nobody"),
        ({"routes": [{"to": "a@x.example"}, {"to": "a@x.example"}]}, "more than once"),
    ],
)
def test_what_makes_no_sense_is_refused(api: Api, admin: str, intake: dict[str, Any], says: str) -> None:
    answer = api.put(DESK, admin, json={"intake": intake})
    assert (answer.status_code, says in answer.json()["detail"]) == (422, True)


def test_an_acknowledgement_is_off_until_a_template_is_saved_and_every_version_stays(
    api: Api, admin: str, storage: FakeStorage
) -> None:
    before = api.get(ACKNOWLEDGEMENT, admin).json()
    assert (before["enabled"], before["version"], before["templates"]) == (False, 0, [])
    saved = api.put(ACKNOWLEDGEMENT, admin, json={"templates": [TEMPLATE]}).json()
    assert (saved["enabled"], saved["version"]) == (True, 1)
    assert api.put(ACKNOWLEDGEMENT, admin, json={"enabled": False}).json()["version"] == 2
    mailbox = storage.mailboxes.get(TENANT, "desk@contoso.example")
    assert mailbox is not None
    first = storage.acknowledgements.get(TENANT, mailbox.mailbox_id, 1)
    assert first is not None
    assert first.enabled


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"templates": [{**TEMPLATE, "text": "{nobody}"}]}, "names nobody"),
        ({"templates": [{**TEMPLATE, "language": "xx"}]}, "'language' must be one of"),
        ({"templates": [TEMPLATE, TEMPLATE]}, "more than one in 'en'"),
        ({"templates": [{"language": "en", "subject": "x"}]}, "needs 'html' or 'text'"),
        ({"templates": [TEMPLATE], "default_language": "de"}, "no template in 'default_language'"),
        ({"limits": {"to_sender_a_day": 0}}, "whole number"),
    ],
)
def test_a_template_that_could_not_be_sent_is_refused(
    api: Api, admin: str, given: dict[str, Any], says: str
) -> None:
    answer = api.put(ACKNOWLEDGEMENT, admin, json=given)
    assert (answer.status_code, says in answer.json()["detail"]) == (422, True)


def test_a_personal_mailbox_acknowledges_nothing(api: Api, admin: str) -> None:
    api.put(f"mailboxes/{AGENT}", admin, json={"kind": "personal", "agent": AGENT})
    for path in (f"mailboxes/{AGENT}/acknowledgement", f"mailboxes/{AGENT}/intake/preview"):
        call = api.put if path.endswith("acknowledgement") else api.post
        assert call(path, admin, json={}).status_code == 422


def test_a_preview_shows_what_a_mail_would_become_and_stores_nothing(
    api: Api, admin: str, storage: FakeStorage
) -> None:
    api.put(ACKNOWLEDGEMENT, admin, json={"templates": [TEMPLATE]})
    mail = {"from_name": "Kim", "from_address": "kim@x.example", "subject": "Boiler", "text": "Cold."}
    settings = {"fields": {"name": "{from_name}: {subject}", "owner": "nobody"}, "type": "repair"}
    shown = api.post(PREVIEW, admin, json={"mail": mail, "intake": settings}).json()
    record = shown["record"]
    assert (record["kind"], record["name"], record["type"]) == ("case", "Kim: Boiler", "repair")
    assert (record["details"], record["owner"]) == ("Cold.", BEA)
    assert shown["acknowledgement"]["text"] == "Kim: Boiler is (case_id)."
    assert shown["problems"] == ["The template of 'owner' made no e-mail address; it was not used."]
    assert (storage.records.rows, storage.outbox.rows) == ({}, {})
    assert api.get(DESK, admin).json()["intake"]["type"] is None


def test_only_admins_see_what_is_answered(api: Api, admin: str, issuer: Issuer) -> None:
    token = issuer.user("Agent")
    assert api.get(ACKNOWLEDGEMENT, token).status_code == 403
    assert api.put(ACKNOWLEDGEMENT, token, json={}).status_code == 403
    assert api.post(PREVIEW, token, json={}).status_code == 403
