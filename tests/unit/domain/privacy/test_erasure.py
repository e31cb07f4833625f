"""What names a person, and what stands there afterwards."""

from dataclasses import replace

import pytest

from shared.domain.mail.addresses import Person
from shared.domain.mail.identity import Hasher
from shared.domain.privacy.erasure import HASH_PLACEHOLDER, PLACEHOLDER, Eraser, names_of, suppression
from tests.builders import a_copy, a_document, a_record, an_attachment, an_entry
from tests.cpu import check_cost

BO = "bo@fabrikam.example"
ERASER = Eraser(BO, ("Bo Larsen",), "ab" * 16)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Ask bo@fabrikam.example.", f"Ask {PLACEHOLDER}."),
        ("Ask BO@Fabrikam.Example, please", f"Ask {PLACEHOLDER}, please"),
        ('<a href="mailto:bo%40fabrikam.example?subject=x">', f'<a href="mailto:{PLACEHOLDER}?subject=x">'),
        ("https://x.example/?to=%3Cbo%40fabrikam.example%3E", f"https://x.example/?to=%3C{PLACEHOLDER}%3E"),
        ("bo&#64;fabrikam.example", PLACEHOLDER),
        ("bo&#x40;fabrikam.example", PLACEHOLDER),
        ("address:bo=40fabrikam.example", f"address:{PLACEHOLDER}"),
        ("jobo@fabrikam.example", "jobo@fabrikam.example"),
        ("bo@fabrikam.example.org", "bo@fabrikam.example.org"),
        ("bo@fabrikam.example-x", "bo@fabrikam.example-x"),
        ("li@fabrikam.example", "li@fabrikam.example"),
        ("Bo Larsen was here", "Bo Larsen was here"),
    ],
)
def test_the_address_is_found_however_it_is_written_and_nothing_else(text: str, left: str) -> None:
    assert ERASER.text(text) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("bo@<wbr>fabrikam.example", f"{PLACEHOLDER}<wbr>"),
        ("bo@<b>fabri</b>kam.<i>example</i>.", f"{PLACEHOLDER}<b></b><i></i>."),
        ("b&shy;o@fabrikam&#8203;.example", f"{PLACEHOLDER}&shy;&#8203;"),
        ("bo@fabrikam\u200b.exa\u00admple", f"{PLACEHOLDER}\u200b\u00ad"),
        ("<td>Tel. 5</td><td>bo&#64;<br>fabrikam.example</td>", f"<td>Tel. 5</td><td>{PLACEHOLDER}<br></td>"),
        (f"<i>{BO}</i> and bo@<b>fabrikam.example</b>", f"<i>{PLACEHOLDER}</i> and {PLACEHOLDER}<b></b>"),
        ("jo<b>bo@fabrikam</b>.example", f"jo<b>{PLACEHOLDER}</b>"),
        ("j<wbr>obo@fab<wbr>rikam.example", "j<wbr>obo@fab<wbr>rikam.example"),
        ("bo@fab<wbr>rikam.example.org", "bo@fab<wbr>rikam.example.org"),
        ("Bo Larsen &lt;bo@<wbr>fabrikam.example&gt;", f"(erased) &lt;{PLACEHOLDER}<wbr>&gt;"),
    ],
)
def test_markup_that_splits_an_address_hides_it_from_nobody(text: str, left: str) -> None:
    assert ERASER.text(text) == left


@pytest.mark.parametrize(
    ("name", "left"),
    [
        (f"{BO}.pdf", f"{PLACEHOLDER}.pdf"),
        (f"offer_{BO}-2.pdf", f"offer_{PLACEHOLDER}-2.pdf"),
        (f"{BO}_offer.tar.gz", f"{PLACEHOLDER}_offer.tar.gz"),
        (f"{BO}.tar.gz", f"{PLACEHOLDER}.tar.gz"),
        (f"Mail from {BO.upper()}.eml", f"Mail from {PLACEHOLDER}.eml"),
        (f"jo{BO}.pdf", f"jo{BO}.pdf"),
        (f"{BO}.org.pdf", f"{BO}.org.pdf"),
        (f"jo.{BO}.pdf", f"jo.{BO}.pdf"),
    ],
)
def test_a_file_s_name_may_go_on_beside_the_address(name: str, left: str) -> None:
    attachment = an_attachment(name=name)
    assert ERASER.value(attachment) == replace(attachment, name=left)
    assert ERASER.value({"attachments": [name]}) == {"attachments": [left]}
    assert ERASER.value(an_entry(attachments=(name,))).attachments == (left,)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"Bo Larsen <{BO}> wrote:", f"(erased) <{PLACEHOLDER}> wrote:"),
        (f'"Bo Larsen" [mailto:{BO}]', f'"(erased)" [mailto:{PLACEHOLDER}]'),
        (f"<b>Bo Larsen</b> &lt;{BO}&gt;", f"<b>(erased)</b> &lt;{PLACEHOLDER}&gt;"),
        (
            f'<b>Bo Larsen</b> &lt;<a href="mailto:{BO}">',
            f'<b>(erased)</b> &lt;<a href="mailto:{PLACEHOLDER}">',
        ),
        (f'<a href="mailto:{BO}">Bo Larsen</a>', f'<a href="mailto:{PLACEHOLDER}">(erased)</a>'),
    ],
)
def test_a_known_name_beside_the_address_goes_with_it(text: str, left: str) -> None:
    assert ERASER.text(text) == left


def test_odd_characters_are_found_encoded_too() -> None:
    eraser = Eraser("o'neil+x@fabrikam.example")
    assert eraser.text("o%27neil%2Bx%40fabrikam.example") == PLACEHOLDER
    assert eraser.text("o&#39;neil+x@fabrikam.example") == PLACEHOLDER


def test_a_domain_is_found_in_unicode_too() -> None:
    assert Eraser("bo@xn--bcher-kva.example").text("bo@bücher.example") == PLACEHOLDER


def test_the_ledgers_hash_goes_too() -> None:
    assert ERASER.value(("ab" * 16, "cd" * 16)) == (HASH_PLACEHOLDER, "cd" * 16)


def test_a_person_loses_address_and_name_in_the_domain_and_in_json() -> None:
    assert ERASER.value(Person("Bo", BO)) == Person("", PLACEHOLDER)
    assert ERASER.value({"to": [{"name": "Bo", "address": BO}]}) == {
        "to": [{"name": "", "address": PLACEHOLDER}]
    }
    assert ERASER.names_person({"to": [{"name": "Bo", "address": BO}]})
    assert not ERASER.names_person({"preview": BO})


def test_what_names_nobody_is_the_same_object() -> None:
    document = a_document(text="Nothing here")
    assert ERASER.value(document) is document


def test_the_chain_of_a_quoting_mail_stays_marked() -> None:
    text = f"Hello {BO}\n\n> quoted {BO}\nend"
    start = text.index(">")
    document = replace(a_document(text=text), quoted=((start, start + 28),))
    changed = ERASER.document(document)
    [(first, last)] = changed.quoted
    assert changed.text[first:last] == f"> quoted {PLACEHOLDER}"


def test_a_card_loses_the_address_and_says_nothing_once_it_has_none() -> None:
    both = a_record(addresses=(BO, "li@fabrikam.example"), name="The Larsens", client="F")
    assert ERASER.record(both) == replace(both, addresses=("li@fabrikam.example",))
    alone = a_record(addresses=(BO,), name="Bo Larsen", details="tall", client="F")
    assert ERASER.record(alone) == replace(alone, addresses=(), name="", details="")


def test_names_are_those_that_stand_with_the_address() -> None:
    document = a_document(to=(Person("Bo Larsen", BO), Person("Li", "li@fabrikam.example")))
    copy = replace(a_copy(), bcc=(Person("B. Larsen", BO), Person(BO, BO)))
    assert names_of(BO, document, [copy]) == {"Bo Larsen", "B. Larsen"}


def test_the_suppression_hash_is_none_of_the_ledgers() -> None:
    hasher = Hasher(b"k" * 32)
    assert suppression(hasher, BO) not in hasher.addresses([BO])


@pytest.mark.parametrize(
    "piece",
    ["Bo Larsen <b><b>", "Bo Larsen <a ", "b<b>o<", "bo@<b>", "<!--", '">', "%3c" * 3, "Bo Larsen&nbsp;"],
)
def test_no_text_takes_long(piece: str) -> None:
    text = f"{piece * 20_000} {BO} {piece * 20_000}"
    check_cost(lambda: ERASER.text(text), at_most=20)


@pytest.mark.parametrize("name", ["offer_{}.pdf", "{}", "{}.eml"])
def test_a_file_in_a_row_loses_the_address_in_its_name_and_nothing_else(name: str) -> None:
    file = {"name": name.format(ERASER.address), "content_type": "text/plain", "size": 4}
    erased = ERASER.value({"attachments": [file], "upload": file})
    assert ERASER.address not in str(erased)
    assert {key: erased["upload"][key] for key in ("content_type", "size")} == {
        "content_type": "text/plain",
        "size": 4,
    }
    assert set(erased["upload"]) == set(file)
    assert set(erased["attachments"][0]) == set(file)
