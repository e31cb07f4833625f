"""What the author wrote and what is quoted: in any language, with answers inside, and in mail that answers nothing."""

import pytest

from shared.domain.mail.html import Quote, safe_html
from shared.domain.mail.items import ItemRef
from shared.domain.mail.quotes import QuoteRanges, own_text, quoted_text
from tests.public_cases.office import AGENT, Office, a_mail, reported

CLIENT = "ada@client-a.example"
HTML = "text/html; charset=utf-8"
PARENT = "Good afternoon,\n\nwhen may the plumber call?\nThe meter is in the cellar.\n\nRegards\nAgent"
SENT = a_mail(AGENT, CLIENT, "Plumber", PARENT.replace("\n", "\r\n"), message_id="<plumber@harbour.example>")
OWN = "<div>On Friday after nine.</div><div>My neighbour has a key.</div>"
WRITTEN = ["On Friday after nine.", "My neighbour has a key."]
QUOTED = "<div>when may the plumber call?</div><div>The meter is in the cellar.</div>"


def an_answer(text: str, content_type: str = HTML, **headers: str) -> bytes:
    told = {"in_reply_to": "<plumber@harbour.example>", "content_type": content_type, **headers}
    return a_mail(CLIENT, AGENT, "Re: Plumber", text, **told)


def own_lines(office: Office, item: ItemRef) -> list[str]:
    document = office.document(item)
    lines = own_text(document.text, QuoteRanges(document.quoted)).splitlines()
    return [line.strip() for line in lines if line.strip()]


GMAIL = '<div class="gmail_quote"><div dir="ltr" class="gmail_attr">{0} &lt;agent@harbour.example&gt;:</div>'
CHAINS = {
    "gmail in Icelandic": GMAIL.format("Þann mán., 23. nóv. 2026 kl. 10:12 skrifaði Agent")
    + f'<blockquote class="gmail_quote">{QUOTED}</blockquote></div>',
    "gmail in Arabic": GMAIL.format("في الاثنين، ٢٣ نوفمبر ٢٠٢٦ في 10:12 ص كتب Agent")
    + f'<blockquote class="gmail_quote">{QUOTED}</blockquote></div>',
    "outlook in Estonian": '<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p>'
    "<b>Saatja:</b> Agent &lt;agent@harbour.example&gt;<br><b>Saadetud:</b> 23. november 2026 10:12<br>"
    f"<b>Adressaat:</b> Ada<br><b>Teema:</b> Plumber</p></div>{QUOTED}",
    "outlook on the web in Greek": '<hr><div id="divRplyFwdMsg" dir="ltr"><b>Από:</b> Agent '
    "&lt;agent@harbour.example&gt;<br><b>Στάλθηκε:</b> 23 Νοεμβρίου 2026 10:12<br><b>Θέμα:</b> Plumber</div>"
    f"{QUOTED}",
    "thunderbird in Basque": '<div class="moz-cite-prefix">Agent (agent@harbour.example) igorleak idatzi zuen '
    f'(2026-11-23 10:12):<br></div><blockquote type="cite">{QUOTED}</blockquote>',
    "a banner in Danish": "<div>-------- Oprindelig meddelelse --------</div><div>Fra: Agent "
    f"&lt;agent@harbour.example&gt;</div><div>Dato: 23.11.2026 10.12</div><div>Til: Ada</div>"
    f"<div>Emne: Plumber</div>{QUOTED}",
}
CHAINED = [an_answer(OWN + chain) for chain in CHAINS.values()]
REPORTED = [mail for number in (18, 19, 20, 21, 22, 23, 24) for mail in reported(f"{number}-")[:1]]
REPORTED_WRITTEN = ["Thursday suits us well.", "Please bring the keys."]


@pytest.mark.parametrize("is_parent_known", [False, True])
@pytest.mark.parametrize(
    ("mail", "written"),
    [*((mail, WRITTEN) for mail in CHAINED), *((mail, REPORTED_WRITTEN) for mail in REPORTED)],
)
def test_the_chain_is_told_apart_in_every_language(
    mail: bytes, written: list[str], is_parent_known: bool
) -> None:
    office = Office()
    office.connect(capture="everything")
    office.contacts(CLIENT, "jane25p@client25.example")

    if is_parent_known:
        office.receive(SENT, folder="sentitems")
    item = office.receive(mail)

    assert own_lines(office, item) == written


@pytest.mark.parametrize("mail", [*CHAINED, *(mail for mail in REPORTED if b"text/html" in mail)])
def test_a_chain_in_html_folds_behind_the_own_text(mail: bytes) -> None:
    office = Office()
    office.connect(capture="everything")

    document = office.document(office.receive(mail))

    assert document.html_quote_start is not None
    shown = safe_html(
        document.html, cid_url=lambda _: None, quote=Quote(document.html_quote_start, folded=True)
    )
    before, _, chain = shown.html.partition("<details")
    assert own_text(document.text, QuoteRanges(document.quoted)).splitlines()[-1] in before
    assert quoted_text(document.text, QuoteRanges(document.quoted)).split()[-1] in chain


@pytest.mark.parametrize("is_parent_known", [False, True])
@pytest.mark.parametrize(
    ("mails", "answers"),
    [
        (
            (
                SENT,
                an_answer(
                    "Dear Agent,\r\n\r\nAm 23.11.2026 um 10:12 schrieb Agent <agent@harbour.example>:\r\n"
                    "> Good afternoon,\r\n>\r\n> when may the plumber call?\r\n\r\nFriday.\r\n\r\n"
                    "> The meter is in the cellar.\r\nYou need the small key.\r\n",
                    "text/plain; charset=utf-8",
                ),
            ),
            ["Friday.", "You need the small key."],
        ),
        *([(tuple(reported("25-")), ["Thursday.", "Yes, for one car.", "Four."])] if reported("25-") else []),
    ],
)
def test_answers_between_quoted_lines_are_own_text(
    mails: tuple[bytes, bytes], answers: list[str], is_parent_known: bool
) -> None:
    office = Office()
    office.connect(capture="everything")
    office.contacts(CLIENT, "jane25p@client25.example")

    if is_parent_known:
        office.receive(mails[0], folder="sentitems")
    found = own_lines(office, office.receive(mails[1]))

    assert [line for line in found if line in answers] == answers
    assert not any("plumber" in line or "day suits" in line for line in found)


IN_RED = (
    '<div>Antworten unten in Rot.</div><div id="divRplyFwdMsg"><b>Von:</b> Agent &lt;agent@harbour.example&gt;<br>'
    "<b>Gesendet:</b> Montag, 23. November 2026 10:12<br><b>Betreff:</b> Plumber</div><p>Good afternoon,</p>"
    '<p>when may the plumber call?</p><p style="color:red">Am Freitag ab neun.</p><p>The meter is in the cellar.</p>'
    '<p style="color:red">Ja.</p><p>Regards</p><p>Agent</p>'
)


@pytest.mark.parametrize(
    ("mails", "client", "answers", "others"),
    [
        (
            (SENT, an_answer(IN_RED)),
            CLIENT,
            ["Am Freitag ab neun.", "Ja."],
            ["The meter is in the cellar.", "Regards"],
        ),
        *(
            [
                (
                    tuple(reported("26-")),
                    "jane26p@client26.example",
                    ["Thursday after six.", "Yes, for one car.", "Four adults."],
                    ["Hello Jane,"],
                )
            ]
            if reported("26-")
            else []
        ),
    ],
)
def test_answers_within_an_unmarked_quote_are_what_the_parent_does_not_say(
    mails: tuple[bytes, bytes], client: str, answers: list[str], others: list[str]
) -> None:
    office = Office()
    office.connect()
    office.contacts(client)

    office.receive(mails[0], folder="sentitems")
    item = office.receive(mails[1])

    found = own_lines(office, item)
    assert [line for line in found if line in answers] == answers
    assert not set(found) & set(others)
    assert office.document(item).html_quote_start is None


JOURNEY = "Dear Agent,\r\n\r\nFrom: Quay 4\r\nTo: Mill Lane 9\r\nDate: 1 May\r\n\r\nTwo vans."
TOLD = "Dear Agent,\r\n\r\nOn Tuesday the builder wrote:\r\n\r\nthe roof leaks. I ask for a discount."
PERIOD = "<p>Hello,</p><p>From: May<br>To: June<br>Subject: rent</p><p>Please pay.</p>"
ALONE = [
    a_mail(CLIENT, AGENT, "Removal", JOURNEY),
    a_mail(CLIENT, AGENT, "Survey", TOLD),
    a_mail(CLIENT, AGENT, "Invoice", PERIOD, content_type=HTML),
]


@pytest.mark.parametrize("mail", [*ALONE, *reported("27-"), *reported("28-")])
def test_a_mail_that_answers_nothing_is_its_authors_throughout(mail: bytes) -> None:
    office = Office()
    office.connect(capture="everything")

    assert office.document(office.receive(mail)).quoted == ()
