"""Whatever stands in a subject, a name, a file's name or a text: the mail that leaves is as asked, or refused.

Read back with the standard library's parser, not with ours.
"""

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from random import Random
from typing import Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.domain.errors import InvalidInput
from shared.domain.mail import codes
from shared.domain.mail.addresses import Person
from shared.domain.sending.letters import safe_file_name
from shared.domain.sending.wanted import FileWanted, MailWanted
from tests.builders import AGENT, CODE_KEYS, CONTACT, TENANT, an_upload
from tests.hostile_text import text as text_of
from tests.unit.services.sending.test_asking import DEAL, OF_ANN, OID, Desk

COPIED, BLIND = "jane@tailspin.example", "blind@tailspin.example"
NAMES: Final = frozenset(
    {
        *("from", "to", "cc", "bcc", "subject", "date", "message-id", "mime-version", "content-type"),
        *("x-postledger-tag", "content-transfer-encoding"),
    }
)
BREAKS: Final = (
    *("a\r\nBcc: x@evil.example", "a\nTo: x@evil.example", "\x00", "a\u2028b\x85c\x0cd", '"', "\\"),
    *("<x@evil.example>", "x@evil.example, y", "=?utf-8?q?=0D=0ABcc:_x=40evil.example?="),
)


def hostile(seed: int) -> str:
    """What parsers choke on; half characters are refused before anything else."""
    return text_of(Random(seed), 2_000).encode("utf-8", "ignore").decode()


TEXTS: Final = st.one_of(
    st.text(max_size=300),
    st.sampled_from(BREAKS),
    st.integers(0, 10**9).map(hostile),
    st.text("aß漢😀\r\n\x00,;<>@\"'()", max_size=2_000),
)


def leaves(**changes: Any) -> tuple[bytes, EmailMessage] | None:
    """The one mail that left, or None where it was refused."""
    desk = Desk()
    uploaded = desk.storage.uploads.save(
        an_upload(by=OID, size=4, received=4, offsets=(0,), **changes.pop("upload", {}))
    )
    desk.storage.uploads.put_piece(uploaded, 0, b"%PDF")
    desk.storage.uploads.complete(uploaded)
    wanted = {
        "to": (Person("", CONTACT),),
        "subject": "Viewing",
        "text": "Thursday.",
        "records": (DEAL,),
        "attachments": (FileWanted(uploaded.id),),
        **changes,
    }
    # Without the right to make drafts, the files are in the same bytes.
    desk.storage.sender.keeps_drafts = False
    try:
        desk.use_cases.ask_to_send(OF_ANN, MailWanted(**wanted), "key")
    except InvalidInput:
        return None
    desk.work()
    if not desk.storage.sender.outbound:
        return None
    [raw] = desk.storage.sender.outbound
    return raw, message_from_bytes(raw, EmailMessage, policy=default)


def addresses(mail: EmailMessage, header: str) -> set[str]:
    return {address.addr_spec for address in mail[header].addresses} if mail[header] else set()


def check(raw: bytes, mail: EmailMessage) -> None:
    """No header was added or broken, nobody else is reached, and the code stands at the end."""
    head = raw.partition(b"\r\n\r\n")[0]
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|[\x00\x80-\xff]", head)
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert {name.lower() for name in mail.keys()} <= NAMES  # noqa: SIM118 - a header may stand twice
    assert len(mail.keys()) == len({name.lower() for name in mail.keys()})  # noqa: SIM118
    assert addresses(mail, "From") == {AGENT}
    reached = addresses(mail, "To") | addresses(mail, "Cc") | addresses(mail, "Bcc")
    assert reached <= {CONTACT, COPIED, BLIND}
    assert CONTACT in reached
    found = codes.find(mail["Subject"], CODE_KEYS, TENANT).codes
    assert len(found) == 1
    assert mail["Subject"].endswith(f"[{found[0].text}]")


@settings(max_examples=60)
@given(subject=TEXTS, name=TEXTS, copied=TEXTS)
@example(subject="a\r\nBcc: x@evil.example", name='Doe, Jane (x), "y" <x@evil.example>', copied="\x00")
def test_no_subject_and_no_name_breaks_a_header_or_reaches_another(
    subject: str, name: str, copied: str
) -> None:
    left = leaves(
        subject=subject,
        to=(Person(name, CONTACT),),
        cc=(Person(copied, COPIED),),
        bcc=(Person(name, BLIND),),
    )
    if left is not None:
        check(*left)
        assert addresses(left[1], "Cc") == {COPIED}
        assert addresses(left[1], "Bcc") == {BLIND}


@settings(max_examples=60)
@given(name=TEXTS, content_type=TEXTS)
def test_no_file_name_and_no_type_breaks_a_part(name: str, content_type: str) -> None:
    left = leaves(upload={"name": safe_file_name(name), "content_type": content_type})
    if left is not None:
        check(*left)
        [part] = left[1].iter_attachments()
        assert part.get_payload(decode=True) == b"%PDF"
        assert part.get_filename() == safe_file_name(name)


@settings(max_examples=60)
@given(text=TEXTS, html=TEXTS)
def test_no_text_leaves_its_part(text: str, html: str) -> None:
    left = leaves(text=f"Hello {text}", html=f"<p>{html}</p>")
    if left is not None:
        check(*left)
        plain = left[1].get_body(("plain",))
        assert isinstance(plain, EmailMessage)
        assert plain.get_content().startswith("Hello")


SAID = (
    ("Überraschung 漢字 한글 עברית العربية हिन्दी 😀", "Jörg Bär"),
    ("a" * 900, "漢字"),
    ('Offer, for "you" (and <me>); ok', "Doe, Jane"),
)


@pytest.mark.parametrize(("subject", "name"), SAID)
def test_what_can_be_said_arrives_as_it_was_said(subject: str, name: str) -> None:
    left = leaves(subject=subject, to=(Person(name, CONTACT),))
    assert left is not None
    check(*left)
    assert left[1]["To"].addresses[0].display_name == name
    if len(subject) < 200:
        assert left[1]["Subject"].startswith(subject)
