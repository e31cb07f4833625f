"""What a reader gets of a stored mail, and who gets nothing."""

import uuid
from email.utils import make_msgid
from typing import Any

import pytest

from dev.tenant import Api, Tenant, a_mail
from shared.domain import names
from tests.e2e.conftest import CONTACT, STRANGER
from tests.html_audit import faults
from tests.ledger import Ledger
from tests.tnef import a_file, tnef, unicode, variable

PNG = bytes.fromhex("89504e470d0a1a0a") + b"not much of a picture"


def test_an_inline_image_is_served_by_the_api_with_safe_headers(tenant: Tenant, ann: str) -> None:
    content_id = make_msgid(domain="fabrikam.example")
    mail = a_mail(CONTACT, ann, "With a picture", text="See the picture.")
    mail.add_alternative(
        f'<p onclick="x()">See <img src="cid:{content_id[1:-1]}"> and '
        '<img src="https://tracker.example/x.gif"></p><script>alert(1)</script>',
        subtype="html",
    )
    html_part = mail.get_payload()[1]
    html_part.add_related(PNG, maintype="image", subtype="png", cid=content_id, filename="plan.png")
    tenant.deliver(ann, mail)
    shown = message(tenant.admin, tenant.entry("contact/C-1", mail))
    (picture,) = shown["attachments"]
    url = f"/api/v1/messages/{shown['message_id']}/attachments/{picture['id']}"
    assert f'src="{url}"' in shown["html"]
    assert faults(shown["html"].replace(url, "/inline/x")) == []
    assert shown["blocked_images"] == ["https://tracker.example/x.gif"]
    assert (picture["inline"], shown["has_attachments"]) == (True, False)
    answer = tenant.admin.raw("GET", url.removeprefix("/api/v1/"))
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_what_outlook_packed_into_winmail_dat_is_read_like_any_other_mail(tenant: Tenant, ann: str) -> None:
    data = bytes(range(256)) * 5_000
    logo = (unicode(0x370E, "image/png"), unicode(0x3712, "<logo@fabrikam.example>"))
    body = variable(0x102, 0x1013, b'<p>Packed words <img src="cid:logo@fabrikam.example"></p>')
    packed = tnef(a_file("Entwürfe.pdf", data), a_file("logo.png", PNG, *logo), message=(body,))
    mail = a_mail(CONTACT, ann, "Packed", text="")
    mail.add_attachment(packed, maintype="application", subtype="ms-tnef", filename="winmail.dat")
    tenant.deliver(ann, mail)
    entry = tenant.entry("contact/C-1", mail)
    shown = message(tenant.admin, entry)
    drafts, picture = shown["attachments"]
    assert ("Packed words" in shown["html"], picture["id"] in shown["html"]) == (True, True)
    assert [(file["name"], file["inline"]) for file in (drafts, picture)] == [
        ("Entwürfe.pdf", False),
        ("logo.png", True),
    ]
    assert attachment(tenant.admin, entry, drafts).content == data
    assert attachment(tenant.admin, entry, picture).content == PNG


def test_an_attachment_is_downloaded_byte_for_byte_under_its_name(tenant: Tenant, ann: str) -> None:
    data = bytes(range(256)) * 20_000  # over one block of 4 MiB
    mail = a_mail(CONTACT, ann, "Plan")
    mail.add_attachment(data, maintype="application", subtype="pdf", filename="Grundriß 間取り.pdf")
    mail.add_attachment("<script>alert(1)</script>", subtype="html", filename="../evil.html")
    tenant.deliver(ann, mail)
    entry = tenant.entry("contact/C-1", mail)
    plan, evil = message(tenant.admin, entry)["attachments"]
    assert (entry["has_attachments"], plan["name"], plan["inline"]) == (True, "Grundriß 間取り.pdf", False)
    answer = attachment(tenant.admin, entry, plan)
    assert answer.content == data
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith('attachment; filename="')
    assert disposition.endswith("filename*=UTF-8''Grundri%C3%9F%20%E9%96%93%E5%8F%96%E3%82%8A.pdf")
    assert answer.headers["Content-Type"] == "application/pdf"
    answer = attachment(tenant.admin, entry, evil)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="evil.html"')
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_quoted_chain_is_marked_and_nothing_is_cut_out(tenant: Tenant, ann: str) -> None:
    parent = a_mail(CONTACT, ann, "Price", text="What does it cost?\nPlease tell me.")
    tenant.deliver(ann, parent)
    tenant.entry("contact/C-1", parent)
    text = "It costs a lot.\n\nOn Monday, Bo wrote:\n> What does it cost?\n> Please tell me.\n"
    answer = a_mail(ann, CONTACT, "Re: Price", text=text, headers={"In-Reply-To": str(parent["Message-ID"])})
    tenant.deliver(ann, answer, "sentitems")
    shown = message(tenant.admin, tenant.entry("contact/C-1", answer))
    assert shown["own_text"].strip() == "It costs a lot."
    assert "> What does it cost?" in shown["quoted_text"]
    assert "It costs a lot." in shown["text"]
    assert "> Please tell me." in shown["text"]


@pytest.fixture
def unfiled(tenant: Tenant, ledger: Ledger) -> tuple[str, str]:
    """A mail without a link: the agent whose mailbox holds it, and its id."""
    ann, ben = tenant.agent("ann"), tenant.agent("ben")
    tenant.connect(ann, capture="everything")
    tenant.connect(ben)
    mail = a_mail(STRANGER, ann, "Only for Ann", text="Nobody else may read this.")
    mail.add_attachment(b"%PDF-1", maintype="application", subtype="pdf", filename="a.pdf")
    found = ledger.outcome(ann, tenant.deliver(ann, mail))
    assert (found.outcome, found.reason) == ("triage", "no_match")
    ledger.settle()
    return ann, found.message_key


def test_a_mail_without_a_link_is_in_the_inbox_of_its_agent_who_may_read_it(
    tenant: Tenant, ledger: Ledger, unfiled: tuple[str, str]
) -> None:
    ann, key = unfiled
    (row,) = ledger.rows(names.INBOX)
    assert (row["RowKey"].endswith(key), row["reason"]) == (True, "no_match")
    api = tenant.api_of(ann)
    shown = api.call("GET", f"messages/{key}")
    assert (shown["subject"], shown["links"]) == ("Only for Ann", [])
    assert shown["text"].strip() == "Nobody else may read this."
    path = f"messages/{key}/attachments/{shown['attachments'][0]['id']}"
    assert api.raw("GET", path).content == b"%PDF-1"


def test_a_mail_without_a_link_opens_to_nobody_else(tenant: Tenant, unfiled: tuple[str, str]) -> None:
    ann, key = unfiled
    attachment_id = tenant.api_of(ann).call("GET", f"messages/{key}")["attachments"][0]["id"]
    for api in (
        tenant.admin,
        tenant.api_of(f"ben@{tenant.domain}"),
        tenant.api_of(f"ben@{tenant.domain}", "Admin"),
        service_of(tenant),
        own_application(tenant),
    ):
        for path in (f"messages/{key}", f"messages/{key}/attachments/{attachment_id}"):
            answer = api.raw("GET", path)
            assert answer.status_code == 404, answer.text
            assert "Only for Ann" not in answer.text


def test_a_mail_without_a_link_is_no_longer_for_an_agent_who_gave_the_mailbox_away(
    tenant: Tenant, ledger: Ledger, unfiled: tuple[str, str]
) -> None:
    ann, key = unfiled
    ben = f"ben@{tenant.domain}"
    tenant.admin.call("PUT", f"mailboxes/{ann}", json={"agent": ben})
    ledger.settle()
    assert tenant.api_of(ann).raw("GET", f"messages/{key}").status_code == 404
    assert tenant.api_of(ben).raw("GET", f"messages/{key}").status_code == 200


def test_bcc_is_shown_to_those_alone_in_whose_mailbox_it_is_visible(
    tenant: Tenant, ann: str, ledger: Ledger
) -> None:
    hidden = "hidden@litware.example"
    tenant.contact("C-2", hidden)
    ben = tenant.agent("ben")
    tenant.connect(ben)
    mail = a_mail(ann, [CONTACT, ben], "Discreet")
    received = mail.as_bytes()
    mail["Bcc"] = hidden
    tenant.deliver(ann, mail, "sentitems")
    entry = tenant.entry("contact/C-1", mail)
    ledger.outcome(ben, tenant.deliver(ben, received))
    ledger.settle()
    own = message(tenant.api_of(ann), entry)
    shown = tenant.api_of(ann).call("GET", "timelines/contact/C-2")["entries"]
    assert [row["message_id"] for row in shown] == [entry["message_id"]]
    assert [one["address"] for one in own["bcc"]] == [hidden]
    assert {one["id"] for one in own["links"]} == {"C-1", "C-2"}
    for api in (tenant.admin, tenant.api_of(ben), service_of(tenant)):
        answer = api.raw("GET", f"messages/{entry['message_id']}")
        assert (answer.status_code, hidden in answer.text) == (200, False)
        assert {one["id"] for one in answer.json()["links"]} == {"C-1"}
        for ref in ("contact/C-1", "contact/C-2"):
            assert hidden not in api.raw("GET", f"timelines/{ref}").text
        assert api.call("GET", "timelines/contact/C-2")["entries"] == []


def message(api: Api, entry: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = api.call("GET", f"messages/{entry['message_id']}")
    return shown


def attachment(api: Api, entry: dict[str, Any], part: dict[str, Any]) -> Any:
    return api.raw("GET", f"messages/{entry['message_id']}/attachments/{part['id']}")


def service_of(tenant: Tenant) -> Api:
    """A CRM vendor's back end that the organisation lists."""
    client_id = str(uuid.uuid4())
    tenant.operator.call("PUT", "organisation", json={"services": [client_id]})
    home = tenant.ready["home_tenant_id"]
    token = tenant.control.tokens(home, client_id=client_id, roles=["Service"])
    return Api(tenant.ready["api_url"], token, tenant.tenant_id)


def own_application(tenant: Tenant) -> Api:
    """An application of the organisation's own tenant, with every role there is."""
    roles = ["Service", "Admin", "Agent"]
    token = tenant.control.tokens(tenant.tenant_id, client_id=str(uuid.uuid4()), roles=roles)
    return Api(tenant.ready["api_url"], token)
