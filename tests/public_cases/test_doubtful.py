"""Cases for which more than one answer is right; docs/matching.md says what was decided, and why."""

import pytest

from shared.domain.mail.addresses import normalise
from tests.public_cases.office import AGENT, Office, a_mail, reported

CLIENT = "ada@client-a.example"


def sealed(content_type: str) -> bytes:
    base64 = {"content_transfer_encoding": "base64"}
    return a_mail(CLIENT, AGENT, "Offer", "MIAGCSqGSIb3DQEHA6CA", content_type=content_type, **base64)


@pytest.mark.parametrize(
    "mail",
    [
        sealed('application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"'),
        sealed('application/x-pkcs7-mime; name="smime.p7m"'),
        *reported("10-"),
    ],
)
def test_of_a_sealed_mail_a_reader_is_told_why_nothing_is_shown(mail: bytes) -> None:
    office = Office()
    office.connect(capture="everything")

    shown = office.read(office.receive(mail))

    assert (shown.html, shown.preview) == ("", "")
    assert shown.body_withheld is not None
    assert "signed or encrypted" in shown.body_withheld
    assert [file.name for file in shown.attachments] == ["smime.p7m"]


SENT = a_mail(AGENT, CLIENT, "Inventory of Mill Lane 4", message_id="<inventory@harbour.example>")
OTHER_ID = {"in_reply_to": "<0102-77@relay.example>", "references": "<0102-77@relay.example>"}
RELAYED = (SENT, a_mail(CLIENT, AGENT, "Re: Inventory of Mill Lane 4", "Complete.", **OTHER_ID))


@pytest.mark.parametrize(
    ("mails", "client"),
    [(RELAYED, CLIENT), *([(tuple(reported("14-")), "jane14@client14.example")] if reported("14-") else [])],
)
def test_an_answer_that_names_nothing_that_we_know_is_on_its_contact_and_no_reply(
    mails: tuple[bytes, bytes], client: str
) -> None:
    office = Office()
    office.connect()
    office.contacts(client)

    office.receive(mails[0], folder="sentitems")
    item = office.receive(mails[1])

    assert office.outcome(item) == ("filed", "contact_address")
    assert [entry.kind for entry in office.timeline()] == ["synced", "synced"]


CAUTION = (
    "CAUTION: This email originated from outside of the organisation. Do not click links or open attachments "
    "unless you recognise the sender and know the content is safe."
)
NOTICES = (CAUTION, "Achtung! Diese Mail kommt von außen.")


def noticed(notice: str, text: str) -> bytes:
    html = {"content_type": "text/html; charset=utf-8"}
    return a_mail(CLIENT, AGENT, "Visit", f"<div>{notice}</div><p>{text}</p>", **html)


@pytest.mark.parametrize(
    ("mail", "beginning"),
    [
        (noticed(CAUTION.replace(" ", "<br> "), "Friday is fine."), "Friday is fine."),
        (noticed(NOTICES[1], "Friday is fine."), "Friday is fine."),
        (noticed("", f"Your server writes: {NOTICES[1]}"), "Your server writes: Achtung!"),
        (noticed(NOTICES[1], ""), ""),
        *((mail, "Thursday suits us.") for mail in reported("29-")),
    ],
)
def test_a_preview_begins_below_the_notice_of_the_organisations_own_server(
    mail: bytes, beginning: str
) -> None:
    office = Office()
    office.world.configure(own_domains=("harbour.example",), external_notices=NOTICES)
    office.connect(capture="everything")

    document = office.document(office.receive(mail))

    assert document.preview.startswith(beginning)
    assert not document.preview.startswith(("CAUTION", "Achtung"))
    # What a reader opens is whole: only the list begins further down.
    assert "CAUTION" in document.text or "Achtung" in document.text


REACTION = """--cut
Content-Type: text/plain; charset=utf-8

🎉

Ada Berg reacted via Gmail

On Mon, 23 Nov 2026 at 10:12, Agent <agent@harbour.example> wrote:

> The keys are here.

--cut
Content-Type: text/vnd.google.email-reaction+json; charset=utf-8

{"emoji":"🎉","version":1}
--cut
Content-Type: text/html; charset=utf-8

<div><p style="font-size:50px">🎉</p><p>Ada Berg reacted via Gmail</p></div><div class="gmail_quote"><div
class="gmail_attr">On Mon, 23 Nov 2026 at 10:12, Agent &lt;agent@harbour.example&gt; wrote:<br></div><blockquote
class="gmail_quote">The keys are here.</blockquote></div>
--cut--
"""
KEYS = a_mail(AGENT, CLIENT, "Keys", "The keys are here.", message_id="<keys@harbour.example>")
REACTED = a_mail(
    CLIENT,
    AGENT,
    "Re: Keys",
    REACTION,
    in_reply_to="<keys@harbour.example>",
    content_type="multipart/alternative; boundary=cut",
)


@pytest.mark.parametrize(
    ("mails", "client", "emoji"),
    [
        ((KEYS, REACTED), CLIENT, "🎉"),
        *([(tuple(reported("33-")), "jane33@client33.example", "👍")] if reported("33-") else []),
    ],
)
def test_a_reaction_is_a_persons_reply_that_shows_its_emoji_and_no_file(
    mails: tuple[bytes, bytes], client: str, emoji: str
) -> None:
    office = Office()
    office.connect()
    office.contacts(client)

    office.receive(mails[0], folder="sentitems")
    office.receive(mails[1])

    [_, reaction] = office.timeline()
    assert (reaction.kind, reaction.automatic) == ("reply", "")
    assert reaction.preview.startswith(f"{emoji} ")
    assert (reaction.has_attachments, reaction.attachments) == (False, ())


ACCEPTED = a_mail(
    CLIENT,
    AGENT,
    "Zugesagt: Besichtigung",
    "--cut\r\nContent-Type: text/plain\r\n\r\n\r\n--cut\r\nContent-Type: text/calendar; method=REPLY\r\n\r\n"
    "BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:7\r\n"
    f"ATTENDEE;PARTSTAT=ACCEPTED:mailto:{CLIENT}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n--cut--\r\n",
    content_type="multipart/alternative; boundary=cut",
)


@pytest.mark.parametrize(
    ("mail", "client"), [(ACCEPTED, CLIENT), *((mail, "jane34@client34.example") for mail in reported("34-"))]
)
def test_a_calendar_answer_is_an_automatic_entry_whose_subject_says_what_was_clicked(
    mail: bytes, client: str
) -> None:
    office = Office()
    office.connect()
    office.contacts(client)

    office.receive(mail)

    [entry] = office.timeline()
    assert (entry.kind, entry.automatic, entry.preview) == ("synced", "automatic", "")
    assert entry.subject.startswith(("Zugesagt: ", "Accepted: "))


@pytest.mark.parametrize(
    ("mail", "card"),
    [
        (a_mail('Ada <"ada.berg"@client-a.example>', AGENT), "ada.berg@client-a.example"),
        (a_mail('Ada <"ada\\.berg"@client-a.example>', AGENT), "ada.berg@client-a.example"),
        (a_mail("ada.berg@client-a.example", AGENT), '"Ada.Berg"@client-a.example'),
        *((mail, "jane.doe51@client51.example") for mail in reported("51-")),
    ],
)
def test_quotes_that_an_address_does_not_need_make_no_other_address(mail: bytes, card: str) -> None:
    office = Office()
    office.connect()
    office.contacts(normalise(card) or "")

    assert office.outcome(office.receive(mail)) == ("filed", "contact_address")


FAR = " ".join(["<works@harbour.example>", *(f"<talk-{number}@elsewhere.example>" for number in range(20))])
WORKS = a_mail(AGENT, CLIENT, "Works", message_id="<works@harbour.example>")
LONG_TALK = (WORKS, a_mail("builder@elsewhere.example", AGENT, "Re: Works", references=FAR))


@pytest.mark.parametrize(
    ("mails", "client"),
    [
        (LONG_TALK, CLIENT),
        *([(tuple(reported("62-")), "jane62@client62.example")] if reported("62-") else []),
    ],
)
def test_what_strangers_have_talked_over_for_twenty_mails_is_not_followed_to_its_root(
    mails: tuple[bytes, bytes], client: str
) -> None:
    office = Office()
    office.connect()
    office.contacts(client)

    office.receive(mails[0], folder="sentitems")

    assert office.outcome(office.receive(mails[1])) == ("skipped", "unknown_people")
