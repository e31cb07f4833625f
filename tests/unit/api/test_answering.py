"""Stored mail is answered and passed on: whom it reaches, in which thread, with what below, on which records.

Read from the mail that left.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest

from shared.domain.mail import codes
from tests.builders import AGENT, CODE_KEYS, CONTACT, TENANT, a_record, an_attachment, an_organisation
from tests.unit.api.direct import Direct
from tests.unit.api.tokens import OTHER, Issuer
from tests.unit.api.wiring import Api, Served
from tests.unit.services.world import World

OID = "0a0a0a0a-0000-4000-8000-00000000000a"
BEN, WEB, JANE = "ben@contoso.example", "website@contoso.example", "jane@tailspin.example"


@dataclass
class Desk:
    """An agent at work: mail that came, and the mails that left."""

    world: World
    api: Api
    token: str
    sent: int = 0

    def came(self, **mail: Any) -> str:
        """The message id of a mail that came to the agent and is filed on the contact."""
        message_id = mail.setdefault("message_id", "asked@fabrikam.example")
        given = {
            "sender": CONTACT,
            "to": (AGENT,),
            "subject": "Viewing",
            "html": "",
            "text": "Does Thursday suit you?",
        }
        self.world.notify(self.world.deliver(**{**given, **mail}))
        self.world.work()
        return self.world.scope(self.world.mailbox).hasher.message_id(message_id)

    def post(self, path: str, token: str = "", **body: Any) -> Any:
        self.sent += 1
        headers = {"Idempotency-Key": f"key-{self.sent}"}
        return self.api.post(path, token or self.token, json=body, headers=headers)

    def leaves(self, path: str, **body: Any) -> EmailMessage:
        """The mail that left upon a request."""
        answer = self.post(path, **body)
        assert answer.status_code == 202, answer.text
        self.world.work()
        return message_from_bytes(self.world.storage.sender.outbound[-1], EmailMessage, policy=default)

    def reply(self, key: str, **body: Any) -> EmailMessage:
        said = {} if "html" in body else {"text": "Yes."}
        return self.leaves(f"messages/{key}/reply", **{"mode": "reply", **said, **body})


@pytest.fixture
def desk(issuer: Issuer) -> Desk:
    world = World()
    world.rewrite(agent_id=OID, display_name="Ann Agent")
    world.connect(BEN, agent=BEN, agent_id="be")
    world.configure(own_domains=("contoso.example",))
    world.storage.organisations.put(an_organisation(tenant_id=OTHER))
    world.records(
        a_record("contact/C-1", addresses=(CONTACT,), client="K-1"),
        a_record("client/K-1"),
        a_record("property/P-1"),
    )
    api = Api(Direct(Served(world.storage, issuer, world.use_cases)), world.storage, issuer)
    return Desk(world, api, issuer.user("Agent", preferred_username=AGENT, oid=OID))


def people(mail: EmailMessage, header: str) -> list[str]:
    return [address.addr_spec for address in mail[header].addresses] if mail[header] else []


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert isinstance(part, EmailMessage)
    return str(part.get_content())


def test_an_answer_stands_in_the_thread_with_the_mail_below(desk: Desk) -> None:
    mail = desk.reply(desk.came(references=("first@fabrikam.example",)), html="<p>Thursday it is.</p>")
    assert people(mail, "To") == [CONTACT]
    assert (mail["In-Reply-To"], mail["References"]) == (
        "<asked@fabrikam.example>",
        "<first@fabrikam.example> <asked@fabrikam.example>",
    )
    assert (str(mail["From"]), mail["Subject"][:12]) == (f"Ann Agent <{AGENT}>", "RE: Viewing ")
    for kind in ("html", "plain"):
        text = body(mail, kind)
        assert text.index("Thursday it is.") < text.index("Does Thursday suit you?")


@pytest.mark.parametrize(
    ("language", "zone", "quoted"),
    [
        ("", "", ("From: ", "2 March 2026 08:30 (UTC+00:00)")),
        ("de-AT", "Europe/Vienna", ("Von: ", "2. März 2026 09:30")),
        ("es", "America/Bogota", ("De: ", "2 de marzo de 2026 03:30")),
        ("fr", "Europe/Paris", ("De : ", "2 mars 2026 09:30")),
    ],
)
def test_the_mail_below_is_quoted_in_the_language_and_the_time_zone_of_the_mailbox(
    desk: Desk, language: str, zone: str, quoted: tuple[str, str]
) -> None:
    desk.world.rewrite(language=language, time_zone=zone)
    at = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
    mail = desk.reply(desk.came(sent_at=at), text="Yes.")
    for part in quoted:
        assert part in body(mail, "plain")
    assert ("(UTC" in body(mail, "plain")) is (not zone)


def test_it_stands_on_the_records_of_the_mail_that_is_answered(desk: Desk) -> None:
    key = desk.came()
    assert (
        desk.api.post(f"messages/{key}/links", desk.token, json={"kind": "property", "id": "P-1"}).status_code
        < 300
    )
    desk.world.work()
    taken = desk.post(f"messages/{key}/reply", mode="reply", text="Yes.").json()
    records = desk.api.get(f"outbox/{taken['outbox_id']}", desk.token).json()["records"]
    assert {(record["kind"], record["id"]) for record in records} == {
        ("contact", "C-1"),
        ("client", "K-1"),
        ("property", "P-1"),
    }


def test_a_code_of_the_thread_is_kept_and_stands_once_at_the_end(desk: Desk) -> None:
    first = desk.leaves("messages", to=[{"address": CONTACT}], subject="Offer", text="Here it is.")
    [code] = codes.find(first["Subject"], CODE_KEYS, TENANT).codes
    key = desk.came(subject=f"AW: Offer [{code.text.lower()}] urgent", message_id="answer@fabrikam.example")
    again = desk.reply(key)
    assert again["Subject"] == f"RE: Offer urgent [{code.text}]"
    # A genuine signature under a number that was never issued is no thread of ours.
    invented = codes.issue(12345, CODE_KEYS, TENANT)
    other = desk.reply(desk.came(subject=f"Hi [{invented.text}]", message_id="invented@fabrikam.example"))
    [fresh] = codes.find(other["Subject"], CODE_KEYS, TENANT).codes
    assert fresh.number != invented.number


FORGED = "[PL-7K3Q9X-AAAA]"


def test_a_new_mail_has_one_code_of_ours_whatever_its_subject_holds(desk: Desk) -> None:
    first = desk.leaves("messages", to=[{"address": CONTACT}], subject="Offer", text="Here.")
    second = desk.leaves(
        "messages", to=[{"address": CONTACT}], subject=f"{first['Subject']} {FORGED}", text="Here."
    )
    found = codes.find(second["Subject"], CODE_KEYS, TENANT)
    assert len(found.codes) == 1
    assert second["Subject"].endswith(f" [{found.codes[0].text}]")
    assert FORGED in second["Subject"], "it may be the number of another organisation"
    assert found.codes != codes.find(first["Subject"], CODE_KEYS, TENANT).codes


REACHED: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    ("reply", {}, [CONTACT], []),
    ("reply", {"reply_to": (JANE,)}, [JANE], []),
    ("reply", {"cc": (JANE, BEN)}, [CONTACT], []),
    ("reply_all", {"to": (AGENT, JANE), "cc": (BEN, CONTACT)}, [CONTACT, JANE], []),
    ("reply_all", {"cc": (JANE, "ann+house@contoso.example")}, [CONTACT], [JANE]),
    # Our own web form speaks for a person.
    ("reply", {"sender": WEB, "reply_to": (CONTACT,)}, [CONTACT], []),
    # A mail of our own goes to its recipients again.
    ("reply", {"sender": AGENT, "to": (CONTACT, JANE), "folder": "sentitems"}, [CONTACT, JANE], []),
]


@pytest.mark.parametrize(("mode", "given", "to", "cc"), REACHED)
def test_whom_an_answer_reaches(
    desk: Desk, mode: str, given: dict[str, Any], to: list[str], cc: list[str]
) -> None:
    mail = desk.reply(desk.came(**given), mode=mode)
    assert (people(mail, "To"), people(mail, "Cc")) == (to, cc)


def test_who_is_named_gets_it_too_a_colleague_included(desk: Desk) -> None:
    mail = desk.reply(desk.came(), cc=[{"address": BEN}], bcc=[{"address": JANE}])
    assert (people(mail, "To"), people(mail, "Cc"), people(mail, "Bcc")) == ([CONTACT], [BEN], [JANE])
    assert people(desk.reply(desk.came(), to=[{"address": JANE}]), "To") == [JANE]


def test_the_signature_stands_between_text_and_chain(desk: Desk) -> None:
    kept = desk.api.put(
        "me/signature", desk.token, json={"html": '<p onclick="x()">Ann, Contoso</p><script>x()</script>'}
    ).json()["html"]
    assert ("Ann, Contoso" in kept, "script" in kept, "onclick" in kept) == (True, False, False)
    assert desk.api.get("me", desk.token).json()["signature"] == kept
    mail = desk.reply(desk.came(), html="<p>Own words.</p>")
    for kind in ("html", "plain"):
        places = [body(mail, kind).index(part) for part in ("Own words.", "Ann, Contoso", "Does Thursday")]
        assert places == sorted(places)
    assert "Ann, Contoso" not in body(desk.reply(desk.came(), signature=False), "plain")


def test_an_agent_whose_mailbox_has_no_copy_answers_a_filed_mail(desk: Desk, issuer: Issuer) -> None:
    key = desk.came()
    ben = issuer.user("Agent", preferred_username=BEN, oid="be")
    assert desk.post(f"messages/{key}/reply", ben, mode="reply", text="I am in.").status_code == 202
    desk.world.work()
    mail = message_from_bytes(desk.world.storage.sender.outbound[-1], EmailMessage, policy=default)
    assert (people(mail, "From"), people(mail, "To"), mail["In-Reply-To"]) == (
        [BEN],
        [CONTACT],
        "<asked@fabrikam.example>",
    )


def test_what_the_caller_may_not_read_is_not_answered(desk: Desk, issuer: Issuer) -> None:
    desk.world.rewrite(capture="everything")
    waiting = desk.came(sender="stranger@tailspin.example", message_id="waits@tailspin.example")
    callers: list[Callable[[], str]] = [
        lambda: issuer.user("Agent", preferred_username=BEN, oid="be"),
        lambda: issuer.user("Admin", preferred_username="boss@contoso.example", oid="b0"),
        lambda: issuer.user("Agent", "Admin", tenant=OTHER),
    ]
    for caller in callers:
        for path in ("reply", "forward"):
            mode = {"mode": "reply"} if path == "reply" else {"to": [{"address": CONTACT}]}
            assert desk.post(f"messages/{waiting}/{path}", caller(), text="Hi", **mode).status_code == 404
        shown = desk.api.post("messages/preview", caller(), json={"message_id": waiting, "mode": "reply"})
        assert (shown.status_code, "Does Thursday" in shown.text) == (404, False)
    assert desk.post(f"messages/{waiting}/reply", mode="reply", text="Hi").status_code in (202, 422)
    assert desk.post("messages/nothing/reply", mode="reply", text="Hi").status_code == 404


PLAN = an_attachment(source_id="A", name="plan.pdf", content_type="application/pdf", size=4)


def test_a_forward_takes_the_files_along_by_reference(desk: Desk) -> None:
    key = desk.came(attachments=(PLAN,), contents={"A": b"%PDF"})
    named = {"to": [{"address": JANE}], "text": "Please see below."}
    mail = desk.leaves(f"messages/{key}/forward", **named)
    assert (people(mail, "To"), mail["Subject"][:11]) == ([JANE], "FW: Viewing")
    assert "Does Thursday suit you?" in body(mail, "plain")
    [letter] = [
        letter for letter in desk.world.storage.sender.letters[desk.world.mailbox.mailbox_id] if letter.files
    ]
    assert letter.files == [("plan.pdf", b"%PDF")]
    bare = desk.post(f"messages/{key}/forward", with_attachments=False, **named).json()
    assert desk.world.storage.outbox.rows[TENANT, bare["outbox_id"]].attachments == ()


def test_the_files_of_a_mail_are_not_sent_back_but_may_be_named(desk: Desk) -> None:
    key = desk.came(attachments=(PLAN,), contents={"A": b"%PDF"})
    answer = desk.post(f"messages/{key}/reply", mode="reply", text="Thanks.").json()
    assert desk.world.storage.outbox.rows[TENANT, answer["outbox_id"]].attachments == ()
    file = {"message_id": key, "attachment_id": "0"}
    again = desk.post(f"messages/{key}/reply", mode="reply", text="Thanks.", attachments=[file]).json()
    [sent] = desk.world.storage.outbox.rows[TENANT, again["outbox_id"]].attachments
    assert (sent.name, sent.message_key, sent.attachment_id) == ("plan.pdf", key, "0")


def test_a_picture_that_is_written_into_the_text_leaves_as_an_inline_part(desk: Desk) -> None:
    data = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    html = f'<p>The crack:</p><img src="data:image/png;base64,{data}">'
    mail = desk.leaves("messages", to=[{"address": CONTACT}], subject="Crack", html=html)
    [picture] = [part for part in mail.walk() if part.get_content_maintype() == "image"]
    assert f"cid:{picture['Content-ID'].strip('<>')}" in body(mail, "html")
    assert "data:" not in body(mail, "html")


def test_an_answer_is_previewed_as_it_would_leave(desk: Desk) -> None:
    key = desk.came(subject="Viewing", cc=(JANE,))
    wanted = {"message_id": key, "mode": "reply_all", "html": "<p>Yes.</p>"}
    shown = desk.api.post("messages/preview", desk.token, json=wanted).json()
    assert [person["address"] for person in (*shown["to"], *shown["cc"])] == [CONTACT, JANE]
    assert shown["subject"] == "RE: Viewing [PL-......-....]"
    assert shown["html"].startswith("<p>Yes.</p>")
    assert "Does Thursday suit you?" in shown["html"]
    assert shown["refused"] == []
    half = desk.api.post("messages/preview", desk.token, json={"message_id": key})
    assert half.status_code == 422


LINK = an_attachment(
    id="1", source_id="B", name="plan.docx", content_type="application/msword", kind="reference"
)


def test_what_was_not_kept_is_named_before_a_forward_and_missing_in_no_answer(desk: Desk) -> None:
    """A link to a cloud file has no bytes, and a picture may have vanished before it was fetched."""
    shown = an_attachment(id="0", source_id="A", name="p.png", inline=True, content_id="p@x")
    html = '<p>Does Thursday suit you?</p><img src="cid:p@x">'
    key = desk.came(text="", html=html, attachments=(shown, LINK))
    answer = desk.post(f"messages/{key}/forward", to=[{"address": JANE}], text="See below.")
    assert answer.status_code == 422
    assert "plan.docx was not kept" in answer.json()["detail"]
    named = [{"message_id": key, "attachment_id": "1"}]
    assert desk.post(f"messages/{key}/reply", mode="reply", text="Yes.", attachments=named).status_code == 422
    for path in ("forward", "reply"):
        given = {"to": [{"address": JANE}], "text": "See below.", "with_attachments": False}
        mail = desk.leaves(
            f"messages/{key}/{path}", **(given if path == "forward" else {"mode": "reply", "text": "Yes."})
        )
        assert [part for part in mail.walk() if part.get_content_maintype() == "image"] == []


@pytest.mark.parametrize(
    "given", [{"reply_to": ("jörg@fabrikam.example",)}, {"cc": (JANE, "jörg@tailspin.example")}]
)
def test_an_answer_to_an_address_that_mail_cannot_leave_to_is_refused_at_once(
    desk: Desk, given: dict[str, Any]
) -> None:
    answer = desk.post(f"messages/{desk.came(**given)}/reply", mode="reply_all", text="Yes.")
    assert answer.status_code == 422
    assert "'jörg@" in answer.json()["detail"]
    assert desk.world.storage.outbox.rows == {}
