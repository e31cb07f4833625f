"""What answers what: ids that programs encode, and ids without a domain."""

from itertools import permutations

import pytest

from tests.public_cases.office import AGENT, OWN, Office, a_mail, reported

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


BO = f"bo@{OWN}"


def keys(message_id: str, **headers: str) -> bytes:
    return a_mail(
        AGENT, "ada@client-a.example", "Keys", "At nine.", cc=BO, message_id=f"<{message_id}>", **headers
    )


FIRST, SECOND = "keys@harbour.example", "0102-abcd@relay.example"
RELAYED = [
    keys(SECOND, x_google_original_message_id=f"<{FIRST}>"),
    keys(SECOND, x_microsoft_original_message_id=f"<{FIRST}>"),
    keys(SECOND, x_original_message_id=FIRST),
]
RELAYED_CASES = [((keys(FIRST), copy), "ada@client-a.example", SECOND) for copy in RELAYED] + [
    ((sent, copy), "jane13@client13.example", copy.split(b"Message-ID: <")[1].split(b">")[0].decode())
    for sent, copy in zip(reported("13-")[:1], reported("13-")[1:], strict=True)
]


@pytest.mark.parametrize("order", [*permutations(range(3))])
@pytest.mark.parametrize(("mails", "client", "named"), RELAYED_CASES)
def test_a_mail_of_ours_to_which_a_relay_gave_another_id_is_one_mail_and_is_answered_by_either(
    mails: tuple[bytes, bytes], client: str, named: str, order: tuple[int, ...]
) -> None:
    office = Office()
    office.connect()
    office.connect(BO)
    office.contacts(client)
    answer = a_mail(
        client, AGENT, "Re: Keys", message_id="<answer@client-a.example>", in_reply_to=f"<{named}>"
    )
    arriving = [(mails[0], AGENT, "sentitems"), (mails[1], BO, "inbox"), (answer, AGENT, "inbox")]

    items = {number: office.receive(*arriving[number]) for number in order}

    assert office.stored(items[0]).key == office.stored(items[1], BO).key
    shown = sorted((entry.direction.value, entry.kind) for entry in office.timeline())
    assert shown == [("in", "reply"), ("out", "synced")]
    assert office.stored(items[2]).answered.endswith(office.stored(items[0]).key)


def test_answers_of_strangers_that_came_before_a_mail_of_ours_was_known_by_its_other_id_are_filed() -> None:
    office = Office()
    office.connect()
    office.connect(BO)
    office.contacts("ada@client-a.example")

    answer = office.receive(a_mail("joiner@elsewhere.example", AGENT, in_reply_to=f"<{SECOND}>"))
    office.receive(keys(FIRST), folder="sentitems")
    assert office.outcome(answer) == ("skipped", "unknown_people")
    office.receive(RELAYED[0], BO)

    assert office.outcome(answer) == ("filed", "thread")


@pytest.mark.parametrize("sender", ["ada@client-a.example", "mallory@elsewhere.example"])
def test_others_cannot_call_their_mail_one_of_ours(sender: str) -> None:
    office = Office()
    office.connect(capture="everything")
    office.contacts("ada@client-a.example")
    office.receive(keys(FIRST), folder="sentitems")

    item = office.receive(
        a_mail(sender, AGENT, "Keys", message_id=f"<{SECOND}>", x_original_message_id=FIRST)
    )

    assert office.stored(item).message_id == SECOND
    answer = office.receive(a_mail("joiner@elsewhere.example", AGENT, in_reply_to=f"<{SECOND}>"))
    assert office.stored(answer).answered.endswith(office.stored(item).key)
