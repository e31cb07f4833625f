"""What answers what: ids that programs encode, and ids without a domain."""

import pytest

from tests.public_cases.office import AGENT, Office, a_mail, reported

LONG = "DB9PR02MB71554C0F1A2B3C4D5E6F7@DB9PR02MB7155.eurprd02.prod.outlook.example"
OFFER = a_mail(AGENT, "ada@client-a.example", "Offer", message_id=f"<{LONG}>")
QUOTED = (
    "=?us-ascii?Q?=3CDB9PR02MB71554C0F1A2B3C4D5E6F7?="
    " =?us-ascii?Q?=40DB9PR02MB7155=2Eeurprd02=2Eprod=2Eoutlook=2Eexample=3E?="
)
IN_BASE64 = (
    "=?utf-8?B?PERCOVBSMDJNQjcxNTU0QzBGMUEyQjNDNEQ1RTZGN0BEQjlQUjAyTUI3MTU1?=\r\n"
    " =?utf-8?B?LmV1cnByZDAyLnByb2Qub3V0bG9vay5leGFtcGxlPg==?="
)


@pytest.mark.parametrize(
    ("sent", "answer", "client"),
    [
        (OFFER, a_mail("desk@vendor.example", AGENT, in_reply_to=QUOTED), "ada@client-a.example"),
        (OFFER, a_mail("desk@vendor.example", AGENT, references=IN_BASE64), "ada@client-a.example"),
        *([(*reported("01-"), "jane1@client1.example")] if reported("01-") else []),
    ],
)
def test_an_answer_that_names_its_parent_in_encoded_words_is_in_the_thread(
    sent: bytes, answer: bytes, client: str
) -> None:
    office = Office()
    office.connect()
    office.contacts(client)

    office.receive(sent, folder="sentitems")
    item = office.receive(answer)

    assert office.outcome(item) == ("filed", "thread")
    assert [entry.kind for entry in office.timeline()] == ["synced", "reply"]


NO_DOMAIN = a_mail("ada@client-a.example", AGENT, message_id="<1234-abcd-000017>")


@pytest.mark.parametrize(
    ("mail", "answer", "client"),
    [
        (
            NO_DOMAIN,
            a_mail("joiner@elsewhere.example", AGENT, in_reply_to="<1234-abcd-000017>"),
            "ada@client-a.example",
        ),
        (
            NO_DOMAIN,
            a_mail("joiner@elsewhere.example", AGENT, references="<other@x.example> <1234-abcd-000017>"),
            "ada@client-a.example",
        ),
        *([(*reported("03-"), "jane3@client3.example")] if reported("03-") else []),
    ],
)
def test_an_answer_to_an_id_without_a_domain_is_in_the_thread(
    mail: bytes, answer: bytes, client: str
) -> None:
    office = Office()
    office.connect()
    office.contacts(client)

    office.receive(mail)

    assert office.outcome(office.receive(answer)) == ("filed", "thread")


@pytest.mark.parametrize("named", ["in_reply_to", "references"])
def test_a_counter_that_strangers_count_too_leads_to_nobody(named: str) -> None:
    office = Office()
    office.connect()
    office.contacts("ada@client-a.example")

    office.receive(a_mail("ada@client-a.example", AGENT, message_id="<1001>"))

    assert office.outcome(office.receive(a_mail("joiner@elsewhere.example", AGENT, **{named: "<1001>"}))) == (
        "skipped",
        "unknown_people",
    )
