"""What a reader sees: colours that stay together, pasted pictures, previews, names and subjects without disguises."""

import base64

import pytest

from shared.api.downloads import headers_of
from shared.domain.mail.html import safe_html
from tests.public_cases.office import AGENT, Office, a_mail, reported

CLIENT = "ada@client-a.example"
HTML = "text/html; charset=utf-8"


def in_html(text: str) -> bytes:
    return a_mail(CLIENT, AGENT, "Notice", text, content_type=HTML)


def shown(mail: bytes) -> str:
    office = Office()
    office.connect(capture="everything")
    found = safe_html(office.document(office.receive(mail)).html, cid_url=lambda _: None)
    assert found.withheld is None
    return found.html


@pytest.mark.parametrize(
    ("mail", "colours"),
    [
        (in_html('<a style="background: navy; color: white">Pay</a>'), ["background-color:navy"]),
        (
            in_html('<p style="color:#fff;background:rgb(10, 20, 30) no-repeat center">x</p>'),
            ["background-color:rgb(10, 20, 30)"],
        ),
        (
            in_html('<p style="background:url(https://t.example/a.png) #123456 repeat-x">x</p>'),
            ["background-color:#123456"],
        ),
        *((mail, ["background-color:#0b5394", "background-color:#1b1b1b"]) for mail in reported("36-")),
    ],
)
def test_the_colour_of_a_background_stays_and_nothing_is_loaded(mail: bytes, colours: list[str]) -> None:
    html = shown(mail)

    assert all(colour in html for colour in colours)
    assert "url(" not in html


@pytest.mark.parametrize(
    ("mail", "opening"),
    [
        (
            in_html('<html><body bgcolor="navy" text="white"><p>Paid.</p></body></html>'),
            '<div style="background-color:navy;color:white">',
        ),
        (
            in_html('<body style="margin:0;background:#222;color:#eee"><p>Paid.</p></body>'),
            '<div style="background-color:#222;color:#eee">',
        ),
        *((mail, '<div style="background-color:#1b1b1b') for mail in reported("37-")),
    ],
)
def test_the_colours_of_a_body_stand_on_what_is_shown(mail: bytes, opening: str) -> None:
    html = shown(mail)

    assert html.startswith(opening)
    assert html.endswith("</div>")


def test_a_body_gives_nothing_but_colours() -> None:
    html = shown(
        in_html('<body bgcolor="red" style="position:fixed;color:url(javascript:x)" onload="x()">a</body>')
    )

    assert html.replace("\n", "") == '<div style="background-color:red">a</div>'


@pytest.mark.parametrize(
    ("mail", "style"),
    [
        (
            in_html('<p style="color:red;/* brand */background-color:#eee/* light */">x</p>'),
            "color:red;background-color:#eee",
        ),
        (in_html('<p style="/* a; b */font-weight:bold">x</p>'), "font-weight:bold"),
        *((mail, "background-color:#c83232;color:#ffffff") for mail in reported("38-")),
    ],
)
def test_a_comment_takes_no_property_with_it(mail: bytes, style: str) -> None:
    assert style in shown(mail)


PICTURE = base64.b64encode(bytes(range(256)) * 5_000).decode()


@pytest.mark.parametrize(
    "mail",
    [in_html(f'<p>The <b>crack</b>:</p><img src="data:image/jpeg;base64,{PICTURE}">'), *reported("07-")],
)
def test_a_pasted_picture_does_not_withhold_the_mail(mail: bytes) -> None:
    html = shown(mail)

    assert "<b>crack</b>" in html
    assert "data:image/" in html


def test_several_pasted_pictures_do_not_withhold_it_either() -> None:
    many = f'<img src="data:image/jpeg;base64,{PICTURE}">' * 3

    found = safe_html(f"<p>Before.</p>{many}<p>Please call.</p>", cid_url=lambda _: None)

    assert found.withheld is None
    assert "Please call." in found.html


@pytest.mark.parametrize(
    ("mail", "beginning"),
    [
        (
            in_html(f"<p>Rent due{'&#847;&zwnj;&nbsp;&#65279;' * 200}</p><p>900 by Friday.</p>"),
            "Rent due 900 by",
        ),
        (in_html(f"<p>Rent due{'&shy;&#8203; ' * 300}</p><p>900 by Friday.</p>"), "Rent due 900 by"),
        *((mail, "Invoice 4711 ") for mail in reported("42-")),
    ],
)
def test_a_preview_is_not_filled_with_what_cannot_be_seen(mail: bytes, beginning: str) -> None:
    office = Office()
    office.connect(capture="everything")

    preview = office.document(office.receive(mail)).preview

    assert preview.startswith(beginning)
    assert not set(preview) & set("\u034f\u200b\u00ad\ufeff")


def test_a_joiner_within_a_word_stays_in_the_preview() -> None:
    office = Office()
    office.connect(capture="everything")

    assert (
        office.document(office.receive(a_mail(CLIENT, AGENT, text="می\u200cخواهم"))).preview
        == "می\u200cخواهم"
    )


@pytest.mark.parametrize(
    ("mail", "subject"),
    [
        (a_mail(CLIENT, AGENT, "Bill \u202e321\u202c due\u2029now"), "Bill 321 due now"),
        *((mail, "Invoice 0074  paid") for mail in reported("61-")),
    ],
)
def test_a_subject_reads_in_one_direction_on_one_line(mail: bytes, subject: str) -> None:
    office = Office()
    office.connect(capture="everything")

    assert office.document(office.receive(mail)).subject == subject


def attached(disposition: str, kind: str, content: str = "x") -> bytes:
    text = "--cut\r\nContent-Type: text/plain\r\n\r\nSee.\r\n"
    parts = f"{text}--cut\r\nContent-Type: {kind}\r\n{disposition}\r\n{content}\r\n--cut--\r\n"
    return a_mail(CLIENT, AGENT, "Plan", parts, content_type="multipart/mixed; boundary=cut")


NAMED = 'Content-Disposition: attachment; filename="=?utf-8?Q?Plan_=E2=80=AEfdp=2Eexe?="\r\n'
INNER = "From: bo@client-b.example\r\nTo: ada@client-a.example\r\nSubject: Inner\r\n\r\nHello.\r\n"


@pytest.mark.parametrize("mail", [attached(NAMED, "application/octet-stream"), *reported("04-")])
def test_a_file_name_reads_in_one_direction(mail: bytes) -> None:
    office = Office()
    office.connect(capture="everything")

    [file] = office.document(office.receive(mail)).attachments

    assert file.name.endswith("fdp.exe")
    assert "\u202e" not in file.name


@pytest.mark.parametrize(
    "mail",
    [attached("Content-Disposition: attachment\r\n", "message/rfc822", INNER), *reported("05-")],
)
def test_an_attached_mail_can_be_opened_as_one(mail: bytes) -> None:
    office = Office()
    office.connect(capture="everything")

    [file] = office.document(office.receive(mail)).attachments

    assert file.name.endswith(".eml")
    headers = headers_of(file.name, file.content_type)
    assert headers["Content-Type"] == "message/rfc822"
    assert headers["Content-Disposition"].startswith("attachment;")
