"""One spelling of an address, and the address that a mailbox text really names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.mail.addresses import Person, domain_of, normalise, parse_mailbox

MAIL_TEXT = st.text() | st.text(alphabet='ab@.<>()"\\, =?:;/', max_size=40)
ADDRESSES = st.from_regex(r"[a-z0-9.+_-]{1,20}@[a-z0-9]{1,12}\.(com|org)", fullmatch=True)


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("Anna@Example.COM", "anna@example.com"),
        ("  <anna@example.com> ", "anna@example.com"),
        ("mailto:anna@example.com?subject=Hi", "anna@example.com"),
        ("'anna@example.com'", "anna@example.com"),
        ('"anna@example.com"', "anna@example.com"),
        ("anna@straße.de", "anna@xn--strae-oqa.de"),
        ("anna@BÜCHER.example.", "anna@xn--bcher-kva.example"),
        (".john@example.com", ".john@example.com"),
        ('"a@b"@example.com', '"a@b"@example.com'),
        ("o'brien+x@example.com", "o'brien+x@example.com"),
        ("jörg@example.com", "jörg@example.com"),
        ("root@localhost", "root@localhost"),
    ],
)
def test_an_address_has_one_spelling(written: str, address: str) -> None:
    assert normalise(written) == address


@pytest.mark.parametrize(
    "written",
    [
        "",
        "anna",
        "@example.com",
        "anna@",
        "a@b@example.com",
        "a b@example.com",
        "a@exa mple.com",
        "a\x00@example.com",
        "a\u200b@example.com",
        "/O=EXCHANGELABS/OU=X/CN=RECIPIENTS/CN=ANNA",
        "/o=x/cn=anna@example.com",
        "a@example..com",
        "a@-example.com",
        "a@[192.0.2.1]",
        "a,b@example.com",
        "a@" + "x" * 64 + ".com",
        "a" * 65 + "@example.com",
        "a@" + "x." * 200 + "com",
    ],
)
def test_what_is_no_smtp_address_is_none(written: str) -> None:
    assert normalise(written) is None


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("john@evil.com <real@example.com>", Person("john@evil.com", "real@example.com")),
        ('"=?utf-8?Q?x=40evil.com?=" <a@b.com>', Person("x@evil.com", "a@b.com")),
        ('"a <x@evil.com>" <R@B.com>', Person("a <x@evil.com>", "r@b.com")),
        ("=?utf-8?q?=3Cx=40evil.com=3E?= <a@b.com>", Person("<x@evil.com>", "a@b.com")),
        ("<ceo@b.com> (<x@evil.com>)", Person("", "ceo@b.com")),
        ("a@b.com (Anna Smith)", Person("Anna Smith", "a@b.com")),
        ("Anna </O=EX/CN=ANNA>", Person("Anna", "")),
        ("Anna <anna@b.com> </O=EX/CN=ANNA>", Person("Anna", "anna@b.com")),
        ("Doe, John <j@d.com>", Person("Doe, John", "j@d.com")),
        (r'"John \"Jo\" Doe" <j@d.com>', Person('John "Jo" Doe', "j@d.com")),
        ("=?iso-8859-1?Q?J=F6rg?= =?iso-8859-1?Q?_M?= <j@d.com>", Person("Jörg M", "j@d.com")),
        ("=?no-such-charset?Q?Jo?= <j@d.com>", Person("Jo", "j@d.com")),
        ("=?utf-8?B?a?= <j@d.com>", Person("=?utf-8?B?a?=", "j@d.com")),
        ("Anna\r\n Smith <a@b.com>", Person("Anna Smith", "a@b.com")),
        ("moc.live\u202eAnna <a@b.com>", Person("moc.live Anna", "a@b.com")),
        ("Anna Smith", Person("Anna Smith", "")),
        ("a@b@c.com", Person("a@b@c.com", "")),
    ],
)
def test_a_mailbox_names_the_address_in_its_last_angle_brackets(text: str, person: Person) -> None:
    assert parse_mailbox(text) == person


@pytest.mark.parametrize(
    "text", ["", "  ", "<>", "undisclosed-recipients:;", "/O=EX/OU=Y/CN=Z", "</O=EX/CN=Z>"]
)
def test_what_names_nobody_is_none(text: str) -> None:
    assert parse_mailbox(text) is None


def test_the_domain_is_what_follows_the_last_at() -> None:
    assert domain_of('"a@b"@example.com') == "example.com"
    assert domain_of("") == ""


@given(MAIL_TEXT)
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert once is None or normalise(once) == once


@given(MAIL_TEXT)
def test_any_text_can_be_parsed(text: str) -> None:
    person = parse_mailbox(text)
    assert person is None or person.name or person.address
    assert person is None or not person.address or normalise(person.address) == person.address


@given(st.text(max_size=60), ADDRESSES)
def test_the_last_angle_brackets_win_whatever_stands_before(name: str, address: str) -> None:
    person = parse_mailbox(f"{name} <{address}>")
    assert person is not None
    assert person.address == normalise(address)
