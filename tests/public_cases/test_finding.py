"""What a reader finds: words in whatever letters they were typed, pages that hold still, and why a mail is not here."""

import pytest

from tests.public_cases.office import AGENT, OWN, Office, a_mail, reported

CLIENT = "ada@client-a.example"
SEARCHES = [
    ("Ko\u0308ln: Ku\u0308ndigung", ["Kündigung", "köln", "KÖLN kündigung"]),
    ("İSTANBUL DAİRESİ", ["istanbul", "dairesi", "İstanbul", "ISTANBUL"]),
    ("見積書 ＡＢＣ－１２３４ ﬁnal ｶﾌﾞｼｷ", ["ABC-1234", "1234", "final", "カブシキ", "見積書"]),
    ("הצעת \u200fמחיר \u202bלדירה\u202c", ["הצעת מחיר", "מחיר לדירה"]),
    ("Offer for 12 Harbour Road", ["harbour offer", "offer harbour", "ada offer", "12 harbour"]),
]
OF_REPORT = {
    45: ["Kündigung", "köln"],
    46: ["istanbul", "dairesi", "İstanbul"],
    47: ["ABC-1234", "1234", "final", "カブシキ", "見積書"],
    48: ["הצעת מחיר", "מחיר לדירה"],
    49: ["harbour offer", "offer harbour", "jane offer", "12 harbour"],
}
SEARCHED = [(a_mail(f"Ada <{CLIENT}>", AGENT, subject), CLIENT, words) for subject, words in SEARCHES] + [
    (mail, f"jane{number}@client{number}.example", words)
    for number, words in OF_REPORT.items()
    for mail in reported(f"{number}-")
]


@pytest.mark.parametrize(("mail", "client", "searches"), SEARCHED)
def test_words_that_look_the_same_are_found_in_any_order(
    mail: bytes, client: str, searches: list[str]
) -> None:
    office = Office()
    office.connect()
    office.contacts(client)

    office.receive(mail)

    assert {words: len(office.found(words)) for words in searches} == dict.fromkeys(searches, 1)
    assert office.found("nothing-like-it") == []


NUMBERED = [a_mail(CLIENT, AGENT, f"No {number}", message_id=f"<n{number}@c.example>") for number in range(8)]


@pytest.mark.parametrize(
    ("mails", "client"),
    [(NUMBERED, CLIENT), *([(reported("58-"), "jane58@client58.example")] if reported("58-") else [])],
)
def test_a_mail_that_comes_between_two_pages_neither_hides_nor_repeats_any(
    mails: list[bytes], client: str
) -> None:
    office = Office()
    office.connect()
    office.contacts(client)
    *before, late = mails
    office.receive_all(before)

    shown, cursor = office.page(limit=3)
    office.receive(late)
    while cursor:
        more, cursor = office.page(limit=3, cursor=cursor)
        shown += more

    assert shown == [entry.subject for entry in reversed(office.timeline())][1:]


SENT = [
    a_mail(AGENT, "stranger@elsewhere.example", message_id="<sent@harbour.example>"),
    *reported("60-"),
]


@pytest.mark.parametrize("mail", SENT)
def test_nobody_is_told_that_sent_mail_waits_in_my_inbox(mail: bytes) -> None:
    sender = f"ev60@{OWN}" if b"ev60" in mail else AGENT
    office = Office()
    office.connect(sender, capture="everything")

    office.receive(mail, sender, folder="sentitems")

    named = mail.split(b"Message-ID: ")[-1] if b"Message-ID: " in mail else mail.split(b"Message-Id: ")[-1]
    told = office.explained(named.split(b"\r\n")[0].decode())
    assert office.inbox(sender) == []
    assert told.outcome == "skipped"
    assert not any("My Inbox" in step for step in told.steps)
