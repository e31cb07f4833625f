"""Answers and forwards: whom they reach, by which ids, and what stands below them."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.mail.addresses import Person
from shared.domain.mail.documents import document_of
from shared.domain.mail.messages import Document
from shared.domain.sending import quote_headers, quoting
from shared.domain.sending.outbox import Mode
from shared.domain.sending.quoting import Chain, Reading, chain_of, without_own_links
from shared.domain.sending.replying import (
    LONGEST_REFERENCES,
    Own,
    Recipients,
    Thread,
    html_below,
    html_of_text,
    recipients_of,
    text_below,
    thread_of,
)
from tests.builders import a_fetched_message, an_attachment
from tests.cpu import check_cost

ANN, BEA = "ann@harbour.example", "bea@harbour.example"
OWN = Own.of((ANN, "ann.smith@harbour.onmicrosofspy.test", "harbour.homes@gmail.com"), ("harbour.example",))
JANE, CARL, EVE = (Person(name, f"{name.lower()}@client.example") for name in ("Jane", "Carl", "Eve"))
UNSUBSCRIBE = "https://api.harbour.example/api/v1/unsubscribe/"


def person(address: str) -> Person:
    return Person("", address)


def a_mail(**changes: Any) -> Document:
    given: dict[str, Any] = {
        "message_id": "first@client.example",
        "sender": JANE,
        "subject": "Viewing",
        "sent_at": datetime(2026, 11, 30, 8, 30, tzinfo=UTC),
        "to": (person(ANN),),
        "html": "<p>Does Thursday suit you?</p>",
        "text": "Does Thursday suit you?",
    }
    return Document(**{**given, **changes})


def addresses(found: Recipients) -> tuple[list[str], list[str]]:
    return [each.address for each in found.to], [each.address for each in found.cc]


ALSO = (person(ANN), CARL, person("Bea.Smith@harbour.example".lower()))
REACHES = [
    ("the writer", a_mail(), ["jane"], ["jane"], []),
    ("Reply-To before From", a_mail(reply_to=(CARL,)), ["carl"], ["carl"], []),
    (
        "all of To and Cc, and no colleague",
        a_mail(to=ALSO, cc=(EVE, person(BEA))),
        ["jane"],
        ["jane", "carl"],
        ["eve"],
    ),
    (
        "a mail of our own goes to its recipients",
        a_mail(sender=person(ANN), to=(JANE, person(BEA)), cc=(EVE,)),
        ["jane"],
        ["jane"],
        ["eve"],
    ),
    (
        "a web form's person is in Reply-To",
        a_mail(sender=person("website@harbour.example"), reply_to=(JANE,)),
        ["jane"],
        ["jane"],
        [],
    ),
    ("a Reply-To that is ours is passed over", a_mail(reply_to=(person(ANN),)), ["jane"], ["jane"], []),
    (
        "nobody twice",
        a_mail(to=(JANE, CARL), cc=(Person("J", "jane@client.example"), CARL)),
        ["jane"],
        ["jane", "carl"],
        [],
    ),
    (
        "no plus form and no alias of ours",
        a_mail(
            to=(
                person("ann+crm@harbour.example"),
                person("ann.smith+x@harbour.onmicrosofspy.test"),
                person("harbourhomes+a@googlemail.com"),
                CARL,
            )
        ),
        ["jane"],
        ["jane", "carl"],
        [],
    ),
    ("nobody outside", a_mail(sender=person(BEA), to=(person(ANN),)), [], [], []),
    ("a Cc where To is ours", a_mail(sender=person(BEA), to=(person(ANN),), cc=(JANE,)), [], ["jane"], []),
]


@pytest.mark.parametrize(("name", "mail", "to", "to_all", "cc_all"), REACHES, ids=[row[0] for row in REACHES])
def test_a_reply_reaches(
    name: str, mail: Document, to: list[str], to_all: list[str], cc_all: list[str]
) -> None:
    def full(names: list[str]) -> list[str]:
        return [f"{each}@client.example" for each in names]

    assert addresses(recipients_of(mail, Mode.REPLY, OWN)) == (full(to), [])
    assert addresses(recipients_of(mail, Mode.REPLY_ALL, OWN)) == (full(to_all), full(cc_all))
    assert recipients_of(mail, Mode.FORWARD, OWN) == Recipients()


PEOPLE = st.lists(
    st.sampled_from([JANE, CARL, EVE, person(ANN), person(BEA), person("ann+1@harbour.example"), person("")]),
    max_size=5,
).map(tuple)


@given(
    st.sampled_from([JANE, person(ANN)]),
    PEOPLE,
    PEOPLE,
    PEOPLE,
    st.sampled_from([Mode.REPLY, Mode.REPLY_ALL]),
)
def test_nobody_is_reached_twice_and_nobody_of_the_organisation(
    sender: Person, reply_to: tuple[Person, ...], to: tuple[Person, ...], cc: tuple[Person, ...], mode: Mode
) -> None:
    found = recipients_of(a_mail(sender=sender, reply_to=reply_to, to=to, cc=cc), mode, OWN)
    everybody = [each.address for each in (*found.to, *found.cc)]
    assert len(everybody) == len(set(everybody))
    assert not any(OWN.has(address) or not address for address in everybody)
    assert found.to or not found.cc


def test_an_answer_stands_in_the_thread() -> None:
    mail = a_mail(in_reply_to=("b@x.example",), references=("a@x.example", "b@x.example"))
    assert thread_of(mail) == Thread(
        "first@client.example", ("a@x.example", "b@x.example", "first@client.example")
    )
    bare = a_mail(in_reply_to=("b@x.example", "c@x.example"))
    assert thread_of(bare) == Thread("first@client.example", ("b@x.example", "first@client.example"))
    assert thread_of(a_mail(message_id="")) == Thread()
    assert thread_of(a_mail(message_id="a b", references=("a@x.example", "ä@y"))) == Thread(
        "", ("a@x.example",)
    )


def test_of_a_long_chain_the_first_and_the_last_ids_stay() -> None:
    ids = tuple(f"{number:03}{'x' * 90}@client.example" for number in range(100))
    found = thread_of(a_mail(references=ids)).references
    assert found[0] == ids[0]
    assert found[-2:] == (ids[-1], "first@client.example")
    assert found[1:-1] == ids[-len(found[1:-1]) :]
    assert 3_800 < len(" ".join(f"<{given}>" for given in found)) <= LONGEST_REFERENCES


def a_chain(html: str, reading: Reading | None = None, **changes: Any) -> Chain:
    return chain_of(a_mail(html=html, **changes), "key-1", reading or Reading(), "harbour.example")


HOSTILE = (
    "<html><body><script>steal()</script><p onclick='steal()'>Does Thursday suit you?</p>"
    '<div style="display:none"><img src="https://t.tracker.test/o.gif?u=jane" width="1" height="1"></div>'
    '<img src="https://client.example/house.jpg" alt="house" width="300">'
    '<form action="https://client.example/f"><input name="a"><button>Yes</button></form><p>Jane</p></body></html>'
)


def test_the_chain_keeps_what_is_readable_and_passes_on_nothing_that_spies() -> None:
    html = a_chain(HOSTILE).html
    for kept in ("Does Thursday suit you?", "house.jpg", "Jane</p>", "Yes"):
        assert kept in html
    for gone in ("steal", "onclick", "tracker", "<form", "<input", "<script"):
        assert gone not in html


@pytest.mark.parametrize(
    "image",
    [
        '<img src="https://spy.test/o.gif" width="1" height="1">',
        '<img src="https://spy.test/o.gif" width=0>',
        '<img src="https://spy.test/o.gif" style="display:none">',
        '<img src="https://spy.test/o.gif" style="width:1px;height:1px">',
        '<img style="max-height: 0" src="https://spy.test/o.gif">',
        '<img src="//spy.test/o.gif" height="1px">',
    ],
)
def test_a_picture_that_nobody_sees_is_gone(image: str) -> None:
    assert "spy.test" not in a_chain(f"<p>a</p>{image}<p>b</p>").html


@pytest.mark.parametrize(
    "image",
    [
        '<img src="https://spy.test/o.gif" width="10" height="100">',
        '<img src="https://spy.test/o.gif" width="100%">',
        '<img src="https://spy.test/o.gif" style="width:30px">',
        '<img src="https://spy.test/o.gif" style="border-width:1px">',
        '<img src="https://spy.test/o.gif">',
    ],
)
def test_a_picture_that_is_seen_stays(image: str) -> None:
    assert "spy.test" in a_chain(f"<p>a</p>{image}<p>b</p>").html


def test_pictures_of_the_chain_go_along_under_ids_of_this_mail_and_files_do_not() -> None:
    picture = an_attachment(id="3", content_id="<logo@client.example>", inline=True)
    chain = a_chain(
        '<img src="cid:logo@client.example"><img src="cid:gone@x">', attachments=(picture, an_attachment())
    )
    [(attachment, content_id)] = chain.pictures
    assert attachment == picture
    assert f'src="cid:{content_id}"' in chain.html
    assert content_id.endswith("@harbour.example")
    assert "logo@client.example" not in chain.html
    assert a_chain("<p>a</p>", attachments=(picture,)).pictures == ()


def test_pictures_beyond_their_room_stay_behind() -> None:
    large, small = (
        an_attachment(id=name, content_id=f"{name}@client.example", inline=True, size=size)
        for name, size in (("large", 800_000), ("small", 300_000))
    )
    html = "".join(
        f'<img src="cid:{name}@client.example" alt="{name}">' for name in ("large", "small", "large")
    )
    chain = a_chain(html, attachments=(large, small))
    assert [attachment.id for attachment, _ in chain.pictures] == ["large"]
    assert chain.html.count("cid:") == 2
    assert 'alt="small"' in chain.html


BERLIN = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("language", "zone", "line"),
    [
        ("en-GB", BERLIN, "Sent: 30 November 2026 09:30"),
        ("", None, "Sent: 30 November 2026 08:30 (UTC+00:00)"),
        ("xx", BERLIN, "Sent: 30 November 2026 09:30"),
        ("de-AT", BERLIN, "Gesendet: 30. November 2026 09:30"),
        ("fr", BERLIN, "Envoyé : 30 novembre 2026 09:30"),
        ("nb_NO", BERLIN, "Sendt: 30. november 2026 09:30"),
        ("ja-JP", timezone(timedelta(hours=9)), "送信日時: 2026年11月30日 17:30"),
    ],
)
def test_the_time_is_the_mailbox_s_own_or_names_its_offset(
    language: str, zone: timezone | None, line: str
) -> None:
    assert line in a_chain("<p>a</p>", Reading(language, zone)).text.split("\n")


def test_every_language_has_twelve_months_or_numbers_them() -> None:
    for words in quote_headers.LANGUAGES.values():
        assert len(words.month_names) in (0, 12)
        assert ("{month}" in words.date) is bool(words.month_names)
        assert all(words.labels)


@pytest.mark.parametrize("language", quote_headers.LANGUAGES)
def test_our_own_reader_finds_the_chain_in_every_language(language: str) -> None:
    """What we send comes back quoted, or lies in Sent Items: own text and chain are told apart."""
    quoted = a_mail(to=(person(ANN), CARL), cc=(EVE,))
    chain = chain_of(quoted, "key-1", Reading(language, BERLIN), "harbour.example")
    html = html_below("<p>Yes, Thursday.</p>", "Bo Agent", chain)
    fetched = a_fetched_message(
        html=html, text="", subject="RE: Viewing", in_reply_to=("first@client.example",)
    )
    document = document_of(fetched, quoted.text)
    assert document.html_quote_start is not None
    assert "divRplyFwdMsg" in document.html[document.html_quote_start :][:80]
    [(start, end)] = document.quoted
    assert "Does Thursday suit you?" in document.text[start:end]
    assert "Bo Agent" in document.text[:start]


def test_the_header_names_people_as_outlook_does() -> None:
    mail = {"to": (person(ANN), CARL), "cc": (EVE,), "subject": "Viewing & <more>\u2028x"}
    chain = a_chain("<p>a</p>", **mail)
    assert chain.text.split("\n")[1:7] == [
        "From: Jane <jane@client.example>",
        "Sent: 30 November 2026 08:30 (UTC+00:00)",
        f"To: {ANN}; Carl <carl@client.example>",
        "Cc: Eve <eve@client.example>",
        "Subject: Viewing & <more> x",
        "",
    ]
    assert "<b>Subject:</b> Viewing &amp; &lt;more&gt; x<" in chain.html
    crowd = a_chain("<p>a</p>", to=tuple(person(f"p{number}@client.example") for number in range(60)))
    assert "p49@client.example; ..." in crowd.text
    assert "p50@" not in crowd.text


LINKS = [
    f"{UNSUBSCRIBE}abc.def",
    f"{UNSUBSCRIBE}abc.def?x=1&amp;y=2",
    "https://eur03.safelinks.protection.outlook.com/?url=https%3A%2F%2Fapi.harbour.example%2Fapi%2Fv1%2Funsubscribe%2Fabc",
    "https://gate.example/?u=https%253A%252F%252Fapi.harbour.example%252Fapi%252Fv1%252Funsubscribe%252Fabc",
]


@pytest.mark.parametrize("link", LINKS)
def test_our_signed_links_are_taken_out(link: str) -> None:
    html = f'<p>News <a href="{link}">leave</a> or {link} <a href="https://x.example/">more</a></p>'
    chain = a_chain(html, Reading(own_links=(UNSUBSCRIBE,)), text=f"News {link} more https://x.example/")
    for body in (chain.html, chain.text):
        assert "unsubscribe" not in body
        assert "abc" not in body
        assert "https://x.example/" in body
    assert "leave" in chain.html
    assert without_own_links(link, ()) == link


@pytest.mark.parametrize("html", ["", "<div>" * 5_000 + "a", "x" * 1_000_001])
def test_where_the_html_cannot_be_shown_its_text_is_quoted(html: str) -> None:
    chain = a_chain(html, text="Does <Thursday> suit you?\nJane")
    assert "Does &lt;Thursday&gt; suit you?\nJane</div>" in chain.html
    assert chain.text.endswith("Does <Thursday> suit you?\nJane")


CHAIN = Chain("<hr>old", "____\nold")


@pytest.mark.parametrize(
    ("own", "leaves_as"),
    [
        ("<p>Yes</p>", '<p>Yes</p><br><div id="Signature">Bo</div><hr>old'),
        ("<html><body><p>Yes</p></body></html>\n",
         '<html><body><p>Yes</p><br><div id="Signature">Bo</div><hr>old</body></html>\n'),
        ("<p>Yes</p></HTML>", '<p>Yes</p><br><div id="Signature">Bo</div><hr>old</HTML>'),
    ],
)  # fmt: skip
def test_own_text_signature_and_chain_stand_in_this_order(own: str, leaves_as: str) -> None:
    assert html_below(own, "Bo", CHAIN) == leaves_as
    assert text_below("Yes\n", "<b>Bo</b>", CHAIN) == "Yes\n\nBo\n\n____\nold"


def test_without_signature_and_chain_a_mail_leaves_as_it_was_written() -> None:
    for own in ("<p>Yes</p>\n", "<html><body>Yes</body></html>", ""):
        assert html_below(own, "", Chain()) == own
    assert text_below("Yes", "", Chain()) == "Yes"
    assert html_of_text("a < b\nc") == '<div style="white-space:pre-wrap">a &lt; b\nc</div>'
    assert html_of_text("") == ""


def test_a_chain_costs_little_whatever_it_holds() -> None:
    for html in (
        "<img " * 20_000,
        '<div style="display:none">' * 900,
        '<img src="https://a.example/x">' * 8_000,
    ):
        check_cost(lambda html=html: a_chain(html, Reading(own_links=(UNSUBSCRIBE,))), at_most=20)
    check_cost(lambda: quoting.without_own_links("https://" * 50_000, (UNSUBSCRIBE,)), at_most=10)
