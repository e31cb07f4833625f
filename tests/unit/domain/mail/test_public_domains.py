"""Which domain an address belongs to, and which domains say nothing about a company."""

import fnmatch
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.mail.public_domains import is_shared, registrable

ROOT = Path(__file__).parents[4]
DATA = ROOT / "shared/domain/mail/public_domains.txt"
NOTICE = ROOT / "shared/domain/mail/public_domains.NOTICE.txt"


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("fabrikam.example", "fabrikam.example"),
        ("mail.eu.fabrikam.example", "fabrikam.example"),
        ("Mail.Fabrikam.CO.UK", "fabrikam.co.uk"),
        ("fabrikam.example.", "fabrikam.example"),
        ("mail.bücher.example", "xn--bcher-kva.example"),
        ("mail.xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("mail.fabrikam.xn--55qx5d.cn", "fabrikam.xn--55qx5d.cn"),
        ("fabrikam.公司.cn", "fabrikam.xn--55qx5d.cn"),
        ("www.city.kawasaki.jp", "city.kawasaki.jp"),
        ("fabrikam.internal", "fabrikam.internal"),
        ("blog.bo.github.io", "bo.github.io"),
        ("fabrikam.za.com", "fabrikam.za.com"),
        ("contoso.onmicrosoft.com", "onmicrosoft.com"),
    ],
)
def test_the_registered_part_of_a_domain(domain: str, expected: str) -> None:
    assert registrable(domain) == expected


NOBODY_S = [
    "",
    ".",
    "localhost",
    "com",
    "co.uk",
    "github.io",
    "公司.cn",
    "192.0.2.7",
    "[192.0.2.7]",
    "2001:db8::1",
    "a..example",
    ".example",
    "-a.example",
    "a b.example",
    "a@b.example",
    "xn--\udcff.example",
    "x" * 300 + ".example",
]


@pytest.mark.parametrize("domain", NOBODY_S)
def test_what_nobody_registers_has_no_registered_part_and_is_shared(domain: str) -> None:
    assert registrable(domain) == ""
    assert is_shared(domain)


@pytest.mark.parametrize(
    "domain",
    [
        "gmail.com",
        "GMail.com",
        "outlook.com",
        "yahoo.co.uk",
        "t-online.de",
        "proton.me",
        "qq.com",
        "mailinator.com",
        "guerrillamail.com",
        "tutanota.com",
        "hey.com",
        "telus.net",
        "hinet.net",
        "duck.com",
        "mozmail.com",
        "simplelogin.com",
        "privaterelay.appleid.com",
        "daum.net",
        "docomo.ne.jp",
        "nifty.com",
        "onmicrosoft.com",
        "contoso.onmicrosoft.com",
        "contoso.mail.onmicrosoft.com",
        "us-west-2.amazonses.com",
        "em1234.sendgrid.net",
        "googlegroups.com",
        "groups.io",
        "contoso.groups.io",
        "lists.fabrikam.example",
        "list.fabrikam.example",
        "lists2.fabrikam.example",
        "mailman.fabrikam.example",
        "listserv.fabrikam.example",
        "inbox.gmail.com",
    ],
)
def test_domains_that_say_nothing_about_a_company(domain: str) -> None:
    assert is_shared(domain)


@pytest.mark.parametrize(
    "domain",
    [
        "fabrikam.example",
        "mail.fabrikam.co.uk",
        "microsoft.com",
        "ibm.com",
        "siemens.com",
        "appleid.com",
        "apple.com",
        "test.com",
        "post.com",
        "starbucks.com",
        "fabrikam.za.com",
        "lists.example",
        "listings.fabrikam.example",
        "notgmail.com",
        "gmail.com.fabrikam.example",
        "xn--bcher-kva.example",
    ],
)
def test_domains_of_companies(domain: str) -> None:
    assert not is_shared(domain)


@given(st.text())
def test_no_domain_makes_it_fail(domain: str) -> None:
    found = registrable(domain)
    assert is_shared(domain) or found
    assert registrable(found) == found


@given(
    st.sampled_from(["mail", "a.b", "xn--bcher-kva", "x_y"]),
    st.sampled_from(["a.example", "b.co.uk", "c.com.br"]),
)
def test_what_stands_before_the_registered_part_does_not_matter(before: str, domain: str) -> None:
    assert registrable(f"{before}.{domain}") == registrable(domain) == domain


def test_the_list_is_sorted_plain_and_without_what_its_notice_says_was_left_out() -> None:
    lines = DATA.read_text("ascii").splitlines()
    assert len(lines) > 14_000
    assert lines == sorted(set(lines))
    notice = NOTICE.read_text("utf-8")
    left_out = notice.partition("    ")[2].partition("\n")[0].split()
    assert len(left_out) == 14
    assert not {*left_out} & {*lines}
    assert "The MIT License" in notice


@pytest.mark.parametrize("path", [DATA, NOTICE])
def test_the_list_and_its_licence_are_deployed(path: Path) -> None:
    patterns = (ROOT / ".funcignore").read_text("utf-8").split()
    places = [path.name, *(f"{one.name}/" for one in path.relative_to(ROOT).parents)]
    assert not [one for one in patterns if any(fnmatch.fnmatch(place, one) for place in places)]


def test_the_lists_are_read_at_the_first_question_and_once() -> None:
    ask = "p.is_shared('gmail.com')"
    look = "print(p._providers.cache_info().misses, p._suffix_rules.cache_info().misses)"
    script = f"from shared.domain.mail import public_domains as p; {look}; {ask}; {ask}; {look}"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["0", "0", "1", "1"]
