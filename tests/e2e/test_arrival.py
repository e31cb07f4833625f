"""Mail on its way to a timeline: notified, polled, both, more than once, out of order, moved and sent."""

from email.message import EmailMessage

import requests

from dev.processes import PATIENCE
from dev.stack import Stack
from dev.tenant import Tenant, a_mail
from shared.domain import names
from tests.e2e.conftest import CONTACT, STRANGER
from tests.ledger import Ledger


def ids(tenant: Tenant, ref: str = "contact/C-1") -> list[str]:
    return [one["internet_message_id"] for one in tenant.timeline(ref)]


def test_a_notified_mail_is_on_its_senders_timeline(tenant: Tenant, ann: str) -> None:
    mail = a_mail(f"Bo Byer <{CONTACT}>", ann, "Viewing on Friday", text="May I come at three?")
    tenant.deliver(ann, mail)
    entry = tenant.entry("contact/C-1", mail)
    assert (entry["kind"], entry["direction"], entry["subject"]) == ("synced", "in", "Viewing on Friday")
    assert entry["from"] == {"name": "Bo Byer", "address": CONTACT}
    assert (entry["preview"], entry["rule"], entry["agent"]) == (
        "May I come at three?",
        "contact_address",
        ann,
    )


def test_a_mail_whose_notification_is_lost_comes_with_the_next_poll(
    tenant: Tenant, ann: str, ledger: Ledger
) -> None:
    tenant.control.put_faults(drop_notifications=1)
    mail = a_mail(CONTACT, ann)
    tenant.deliver(ann, mail)
    ledger.settle()
    assert ids(tenant) == []
    ledger.walk(ann)
    tenant.entry("contact/C-1", mail)
    assert tenant.control.faults()["struck"]["drop_notifications"] == 1


def test_mail_that_is_notified_and_polled_at_once_has_one_entry(
    tenant: Tenant, ann: str, ledger: Ledger
) -> None:
    tenant.control.put_faults(late_notifications_s=0.3)
    mails = [a_mail(CONTACT, ann, f"Number {number}") for number in range(10)]
    delivered = [tenant.deliver(ann, mail) for mail in mails]
    ledger.walk(ann)
    for graph_id in delivered:
        assert ledger.outcome(ann, graph_id).outcome == "filed"
    ledger.settle()
    assert sorted(ids(tenant)) == sorted(str(mail["Message-ID"]) for mail in mails)
    assert len(ledger.sightings(ann)) == 10


def test_a_mail_that_is_notified_twice_has_one_entry_and_one_sighting(
    tenant: Tenant, ann: str, ledger: Ledger
) -> None:
    tenant.control.put_faults(duplicate_notifications=1)
    mail = a_mail(CONTACT, ann)
    ledger.outcome(ann, tenant.deliver(ann, mail))
    ledger.settle()
    assert ids(tenant) == [mail["Message-ID"]]
    assert len(ledger.sightings(ann)) == 1


def test_a_mail_delivered_twice_has_one_entry_and_two_sightings(
    tenant: Tenant, ann: str, ledger: Ledger
) -> None:
    mail = a_mail(CONTACT, ann)
    copies = [tenant.deliver(ann, mail), tenant.deliver(ann, mail)]
    outcomes = [ledger.outcome(ann, graph_id) for graph_id in copies]
    assert [one.outcome for one in outcomes] == ["filed", "filed"]
    assert outcomes[0].message_key == outcomes[1].message_key
    assert ids(tenant) == [mail["Message-ID"]]


def test_a_mail_to_three_agents_has_one_entry_per_record_and_three_sightings(
    tenant: Tenant, ledger: Ledger
) -> None:
    agents = [tenant.agent(name) for name in ("ann", "ben", "cleo")]
    tenant.admin.call("PUT", "records/client/CL-1", json={"name": "Fabrikam"})
    tenant.contact("C-1", CONTACT, client="CL-1")
    tenant.contact("C-2", "bea@fabrikam.example", client="CL-1")
    tenant.connect(*agents)
    mail = a_mail(CONTACT, [*agents, "bea@fabrikam.example"], "To all of you")
    for address in agents:
        tenant.deliver(address, mail)
    entry = tenant.entry("contact/C-1", mail)
    ledger.settle()
    for ref in ("contact/C-1", "contact/C-2", "client/CL-1"):
        assert ids(tenant, ref) == [mail["Message-ID"]]
    shown = tenant.admin.call("GET", f"messages/{entry['message_id']}")
    assert sorted(one["mailbox"] for one in shown["sightings"]) == sorted(agents)
    assert {one["folder"] for one in shown["sightings"]} == {"inbox"}
    assert ledger.count(names.SIGHTINGS, " and outcome eq 'filed'") == 3


def test_an_answer_that_is_processed_before_its_parent_is_filed_once_the_parent_is(
    tenant: Tenant, ann: str, ledger: Ledger
) -> None:
    parent = a_mail(CONTACT, [ann, STRANGER], "Keys")
    answer = a_mail(STRANGER, ann, "Re: Keys", headers={"In-Reply-To": str(parent["Message-ID"])})
    graph_id = tenant.deliver(ann, answer)
    early = ledger.outcome(ann, graph_id)
    assert (early.outcome, early.reason) == ("skipped", "unknown_people")
    tenant.deliver(ann, parent)
    entry = tenant.entry("contact/C-1", answer)
    assert (entry["rule"], entry["evidence"]) == ("thread", str(parent["Message-ID"]))
    ledger.settle()
    assert ledger.outcome(ann, graph_id).outcome == "filed"
    assert sorted(ids(tenant)) == sorted([parent["Message-ID"], answer["Message-ID"]])


def test_an_answer_to_an_agents_sent_mail_is_a_reply_by_thread(tenant: Tenant, ann: str) -> None:
    sent = a_mail(ann, CONTACT, "Offer", text="Here is our offer.")
    tenant.deliver(ann, sent, "sentitems")
    entry = tenant.entry("contact/C-1", sent)
    assert (entry["kind"], entry["direction"], entry["agent"]) == ("synced", "out", ann)
    headers = {"In-Reply-To": str(sent["Message-ID"]), "References": str(sent["Message-ID"])}
    answer = a_mail(CONTACT, ann, "Re: Offer", text="Thank you.", headers=headers)
    tenant.deliver(ann, answer)
    entry = tenant.entry("contact/C-1", answer)
    assert (entry["kind"], entry["direction"], entry["rule"]) == ("reply", "in", "thread")


def test_german_and_japanese_mail_reads_as_it_was_written(tenant: Tenant, ann: str) -> None:
    german = a_mail(f"Jörg Größe <{CONTACT}>", ann, "Übergabe der Schlüssel", text="Schöne Grüße aus Köln")
    japanese = EmailMessage()
    for name, value in a_mail(CONTACT, ann, "内見のご案内").items():
        if not name.startswith(("Content", "MIME")):
            japanese[name] = value
    japanese.set_content("お世話になっております。", charset="iso-2022-jp")
    for mail in (german, japanese):
        tenant.deliver(ann, mail)
    entry = tenant.entry("contact/C-1", german)
    assert (entry["subject"], entry["from"]["name"], entry["preview"]) == (
        "Übergabe der Schlüssel",
        "Jörg Größe",
        "Schöne Grüße aus Köln",
    )
    entry = tenant.entry("contact/C-1", japanese)
    shown = tenant.admin.call("GET", f"messages/{entry['message_id']}")
    assert (shown["subject"], shown["text"].strip()) == ("内見のご案内", "お世話になっております。")


def test_mail_moved_from_junk_to_the_inbox_has_arrived(tenant: Tenant, ann: str, ledger: Ledger) -> None:
    mail = a_mail(CONTACT, ann)
    graph_id = tenant.deliver(ann, mail, "junkemail")
    junk = ledger.seen(ann, graph_id)
    assert (junk.outcome, junk.reason, junk.final) == ("skipped", "folder:junkemail", False)
    assert str(mail["Message-ID"]) not in tenant.control.stats()["bodies_read"]
    tenant.control.move(ann, graph_id, "inbox")
    ledger.walk(ann)
    tenant.entry("contact/C-1", mail)
    assert ledger.outcome(ann, graph_id).outcome == "filed"


def test_a_draft_is_nobodys_business_and_one_entry_once_it_is_sent(
    stack: Stack, tenant: Tenant, ann: str, ledger: Ledger
) -> None:
    tenant.control.put_habits(draft_keeps_immutable_id=True, keeps_message_id=True)
    graph = Outlook(stack, tenant)
    draft = graph.draft(ann, CONTACT, "Contract", "<p>Please find the contract.</p>")
    early = ledger.seen(ann, draft["id"])
    assert (early.outcome, early.reason, early.final) == ("skipped", "folder:drafts", False)
    # Once: the answer to whom wrote it.
    assert tenant.control.stats()["bodies_read"][draft["internetMessageId"]] == 1
    graph.send(ann, draft["id"])
    ledger.walk(ann)
    mail = EmailMessage()
    mail["Message-ID"], mail["Subject"] = draft["internetMessageId"], "Contract"
    entry = tenant.entry("contact/C-1", mail)
    assert (entry["direction"], entry["subject"]) == ("out", "Contract")
    ledger.settle()
    assert ids(tenant) == [draft["internetMessageId"]]


def test_a_draft_that_gets_another_id_when_it_is_sent_is_one_entry(
    stack: Stack, tenant: Tenant, ann: str, ledger: Ledger
) -> None:
    tenant.control.put_habits(draft_keeps_immutable_id=False, keeps_message_id=True)
    graph = Outlook(stack, tenant)
    draft = graph.draft(ann, CONTACT, "Contract", "<p>Please find the contract.</p>")
    ledger.seen(ann, draft["id"])
    graph.send(ann, draft["id"])
    ledger.walk(ann)
    mail = EmailMessage()
    mail["Message-ID"], mail["Subject"] = draft["internetMessageId"], "Contract"
    tenant.entry("contact/C-1", mail)
    assert ids(tenant) == [draft["internetMessageId"]]


REPORT = """\
From: Mail Delivery <MAILER-DAEMON@mx.example>
To: {agent}
Subject: Undelivered Mail Returned to Sender
Message-ID: <report-1@mx.example>
In-Reply-To: {message_id}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

Your mail could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {recipient}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 no such user

--b
Content-Type: text/rfc822-headers

Message-ID: {message_id}
To: {recipient}

--b--
"""


def test_a_report_of_non_delivery_is_read_from_its_parts_and_shown_on_the_mail(
    tenant: Tenant, ann: str, ledger: Ledger
) -> None:
    """Graph shows the machine's part and the returned headers nowhere but in the MIME."""
    sent = a_mail(ann, CONTACT, "Offer")
    tenant.deliver(ann, sent, "sentitems")
    entry = tenant.entry("contact/C-1", sent)
    fields = {"agent": ann, "recipient": CONTACT, "message_id": sent["Message-ID"]}
    report = REPORT.format(**fields).replace("\n", "\r\n").encode()
    ledger.outcome(ann, tenant.deliver(ann, report))
    ledger.settle()
    shown = tenant.admin.call("GET", f"messages/{entry['message_id']}")
    (bounce,) = shown["bounces"]
    assert (bounce["address"], bounce["status"], bounce["permanent"]) == (CONTACT, "5.1.1", True)


class Outlook:
    """Writes mail in people's mailboxes through Graph, as a mail client would."""

    def __init__(self, stack: Stack, tenant: Tenant) -> None:
        self.url = stack.ready["simulator_url"]
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = stack.ready["ca_file"]
        form = {
            "grant_type": "client_credentials",
            "client_id": stack.ready["client_id"],
            "client_secret": stack.ready["client_secret"],
            "scope": "https://graph.microsoft.com/.default",
        }
        answer = self.session.post(
            f"{self.url}/{tenant.tenant_id}/oauth2/v2.0/token", data=form, timeout=PATIENCE
        )
        self.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        self.session.headers["Prefer"] = 'IdType="ImmutableId"'

    def draft(self, address: str, to: str, subject: str, html: str) -> dict[str, str]:
        body = {
            "subject": subject,
            "body": {"contentType": "html", "content": html},
            "toRecipients": [{"emailAddress": {"address": to}}],
        }
        answer = self.session.post(f"{self.url}/v1.0/users/{address}/messages", json=body, timeout=PATIENCE)
        assert answer.status_code == 201, answer.text
        found: dict[str, str] = answer.json()
        return found

    def send(self, address: str, draft_id: str) -> None:
        url = f"{self.url}/v1.0/users/{address}/messages/{draft_id}/send"
        answer = self.session.post(url, timeout=PATIENCE)
        assert answer.status_code == 202, answer.text
