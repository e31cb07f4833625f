"""Mail whose body and files came within `winmail.dat`, as every provider's is seen."""

from typing import Any

import pytest

from shared.adapters.unpacking import UnpackedMail
from shared.domain.errors import NotFound, Throttled, Unavailable
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import FetchedMessage
from tests.builders import AGENT, a_fetched_message, a_mailbox, an_attachment
from tests.fakes.mail import FakeMail
from tests.tnef import a_file, tnef, unicode

PACKED = tnef(
    a_file("plan.pdf", b"%PDF"), a_file("", b"x", title=b"\0"), message=(unicode(0x1000, "Packed words"),)
)
WINMAIL = an_attachment(id="1", source_id="outer", name="winmail.dat", content_type="application/ms-tnef")


@pytest.fixture
def mail() -> FakeMail:
    fake = FakeMail()
    fake.add_mailbox(AGENT)
    return fake


def deliver(mail: FakeMail, data: bytes = PACKED, **more: Any) -> ItemRef:
    fields: dict[str, Any] = {"html": "", "text": "", **more}
    attachments = (an_attachment(), WINMAIL, an_attachment(id="2", source_id="last", name="last.txt"))
    message = a_fetched_message(attachments=attachments, **fields)
    return mail.deliver(AGENT, message, contents={"outer": data, "last": b"last"})


def read(mail: FakeMail, item: ItemRef) -> FetchedMessage:
    found = UnpackedMail(mail).open(a_mailbox()).messages([item])[item]
    assert isinstance(found, FetchedMessage)
    return found


def test_files_stand_in_its_place_and_the_body_where_there_is_none(mail: FakeMail) -> None:
    found = read(mail, deliver(mail))
    assert [(a.id, a.name) for a in found.attachments] == [
        ("0", "plan.pdf"),
        ("1", "plan.pdf"),
        ("2", "ATT00002.bin"),
        ("3", "last.txt"),
    ]
    assert (found.text, found.html) == ("Packed words", "")


@pytest.mark.parametrize("own", [{"text": "Own words"}, {"html": "<p>Own words</p>"}])
def test_the_mails_own_body_stands(mail: FakeMail, own: dict[str, str]) -> None:
    found = read(mail, deliver(mail, **own))
    assert (found.text, found.html) == (own.get("text", ""), own.get("html", ""))
    assert len(found.attachments) == 4


def test_a_body_of_blanks_is_none(mail: FakeMail) -> None:
    found = read(mail, deliver(mail, html="<html><body><div> &nbsp; </div></body></html>"))
    assert (found.text, found.html) == ("Packed words", "")


def test_the_bytes_of_each_are_had_and_the_whole_is_fetched_once(mail: FakeMail) -> None:
    item = deliver(mail)
    box = UnpackedMail(mail).open(a_mailbox())
    [message] = box.messages([item]).values()
    assert isinstance(message, FetchedMessage)
    ids = [attachment.source_id for attachment in message.attachments]
    mail.calls.clear()
    contents = []
    for source_id in ids[1:]:
        with box.attachment(item, source_id) as chunks:
            contents.append(b"".join(chunks))
    assert contents == [b"%PDF", b"x", b"last"]
    assert mail.calls["attachment"] == 1, "the last one, which was not packed"
    # Another worker, which has not unpacked it before.
    with UnpackedMail(mail).open(a_mailbox()).attachment(item, ids[1]) as chunks:
        assert b"".join(chunks) == b"%PDF"


def test_one_that_cannot_be_unpacked_stays_as_it_is(mail: FakeMail) -> None:
    item = deliver(mail, data=b"\x89PNG\r\n\x1a\n")
    assert [a.name for a in read(mail, item).attachments] == ["plan.pdf", "winmail.dat", "last.txt"]
    box = UnpackedMail(mail).open(a_mailbox())
    with box.attachment(item, "outer") as chunks:
        assert b"".join(chunks).startswith(b"\x89PNG")
    with pytest.raises(NotFound), box.attachment(deliver(mail), "outer\x1f7"):
        pass


def test_a_server_that_is_down_keeps_this_mail_waiting_and_no_other(mail: FakeMail) -> None:
    item, other = deliver(mail), mail.deliver(AGENT, a_fetched_message())
    for error in (Unavailable("down"), Throttled("later", 7.0)):
        mail.fail("attachment", error)
        found = UnpackedMail(mail).open(a_mailbox()).messages([item, other])
        assert (found[item], type(found[other])) == (error, FetchedMessage)
