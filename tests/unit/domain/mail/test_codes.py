"""Reference codes: issued, found again after what mail programs do to them, never mistaken."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.mail.codes import LONGEST_TEXT, MOST_CANDIDATES, Code, added_to, find, issue
from tests.cpu import check_cost

KEYS = (b"new key", b"old key")
TENANT = "11111111-1111-4111-8111-111111111111"
OTHER_TENANT = "22222222-2222-4222-8222-222222222222"
NUMBER = 0x0E3B98FE
CODE = issue(NUMBER, KEYS, TENANT)
WRITTEN = [
    "Re: Lease [PL-73Q67Y-CT00]",
    "[PL-73Q67Y-CT00] Re: Lease",
    "[pl-73q67y-ct00]",
    "[PL-73Q67Y-CTOO]",
    "[PL-73Q67Y-ctoO]",
    "[ PL - 73Q67Y - CT00 ]",
    "[PL-73Q67Y-\r\n CT00]",
    "[PL-73Q67Y\r\n\t-CT00]",
    "> the mail [PL-73Q67Y-\n> CT00] of Monday",
    "[PL-73Q 67Y-CT00]",
    "[PL–73Q67Y—CT00]",
    "[PL\u201173Q67Y\u2212CT00]",
    "[PL\u00ad73Q67Y\u00adCT00]",
    "[PL-\u00ad73Q67Y-CT\u200b00]",
    "[PL73Q67YCT00]",
    "[PL-73Q67YCT00]",
    "[PL 73Q67Y CT00]",
    "(PL-73Q67Y-CT00)",
    "{PL-73Q67Y-CT00}",
    "【PL-73Q67Y-CT00】",
    "［ＰＬ－７３Ｑ６７Ｙ－ＣＴ００］",
    "our reference PL-73Q67Y-CT00, as agreed",
    "PL-73Q67Y-CT00",
    "PL-73Q67Y-\r\n> CT00",
    "[Re: PL-73Q67Y-CT00]",
    "Lease [PL-73Q67Y-CT00",
    "Re_ Lease _PL-73Q67Y-CT00_",
]
NUMBERS = st.integers(0, 2**30 - 1)


def numbers(text: str) -> list[int]:
    return [one.number for one in find(text, KEYS, TENANT).codes]


def test_a_code_is_spelled_as_documented() -> None:
    assert Code(NUMBER, "PL-73Q67Y-CT00") == CODE


@pytest.mark.parametrize("written", WRITTEN)
def test_a_code_is_found_however_it_was_handled(written: str) -> None:
    assert find(written, KEYS, TENANT).codes == (CODE,)
    assert find(written, KEYS, TENANT).forged == 0


def test_every_dash_of_unicode_is_one() -> None:
    dashes = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Pd"]
    assert len(dashes) > 20
    for dash in dashes:
        assert find(CODE.text.replace("-", dash), KEYS, TENANT).codes == (CODE,), f"U+{ord(dash):04X}"


def test_letters_that_look_like_digits_are_read_as_digits() -> None:
    code = next(one for one in (issue(n, KEYS, TENANT) for n in range(10_000)) if one.text.count("1") > 1)
    for letter in "iIlL":
        assert find(f"[{code.text.replace('1', letter)}]", KEYS, TENANT).codes == (code,)


def test_several_codes_are_found_in_order_each_once() -> None:
    first, second = issue(7, KEYS, TENANT), issue(3, KEYS, TENANT)
    text = f"[{first.text}] [{second.text.lower()}] and again [{first.text}] {second.text}"
    assert numbers(text) == [7, 3]


def test_a_code_signed_with_an_older_key_is_genuine() -> None:
    old = issue(NUMBER, KEYS[1:], TENANT)
    assert old.text != CODE.text
    assert find(f"[{old.text}]", KEYS, TENANT).codes == (old,)
    assert numbers(f"[{old.text}] [{CODE.text}]") == [NUMBER]


def test_a_code_signed_with_a_dropped_key_is_forged() -> None:
    gone = issue(NUMBER, (b"dropped key",), TENANT)
    assert (numbers(f"[{gone.text}]"), find(f"[{gone.text}]", KEYS, TENANT).forged) == ([], 1)


def test_another_organisations_code_does_not_pass_here() -> None:
    theirs = issue(NUMBER, KEYS, OTHER_TENANT)
    assert find(f"[{theirs.text}]", KEYS, TENANT).codes == ()


@pytest.mark.parametrize("written", ["[ACME-73Q67Y-CT00]", "[XPL-73Q67Y-CT00]", "[ACME-PL-73Q67Y-CT00]"])
def test_other_prefixes_are_not_looked_at(written: str) -> None:
    found = find(written, KEYS, TENANT)
    assert (found.codes, found.forged) == ((), 0)


def test_an_organisation_may_have_its_own_prefix() -> None:
    code = issue(5, KEYS, TENANT, "Acme.1")
    assert code.text.startswith("ACME.1-")
    assert find(f"Re: [{code.text.lower()}]", KEYS, TENANT, "Acme.1").codes == (code,)
    assert find(f"Re: [{code.text}]", KEYS, TENANT).codes == ()


def test_each_forged_code_counts_once_beside_genuine_ones() -> None:
    text = "[PL-73Q67Y-CT01] PL-73Q67Y-CT01 [PL-000000-0000] [PL-73Q67Y-CT00]"
    found = find(text, KEYS, TENANT)
    assert (found.codes, found.forged) == ((CODE,), 2)


@pytest.mark.parametrize(
    "written",
    [
        "VAT PL5252344078",
        "(PL73Q67YCT00)",
        "(PL5252344078)",
        "(PL 525 234 40 78)",
        "[PL test report]",
        "NIP PL 525-234-40-78",
        "PL-00-950 Warszawa",
        "PL - please - read",
        "[PL-73Q67Y-CT0]",
        "[PL-73Q67Y-CT000]",
        "[PL-73Q6UY-CT00]",
        "[PL--]",
        "PL73Q67YCT00",
        "PL 73Q67Y CT00",
        "PL-73Q67Y-CT00X",
        "",
    ],
)
def test_what_only_resembles_a_code_is_neither_found_nor_forged(written: str) -> None:
    found = find(written, KEYS, TENANT)
    assert (found.codes, found.forged) == ((), 0)


@pytest.mark.parametrize("written", WRITTEN)
def test_whatever_is_read_as_a_code_counts_when_its_check_is_wrong(written: str) -> None:
    found = find(written, (b"another key",), TENANT)
    assert (found.codes, found.forged) == ((), 1)


@pytest.mark.parametrize("number", [-1, 2**30])
def test_a_number_that_does_not_fit_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="30 bits"):
        issue(number, KEYS, TENANT)


def test_no_code_is_issued_without_a_key() -> None:
    with pytest.raises(ValueError, match="key"):
        issue(1, (), TENANT)


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Lease", "Lease [PL-73Q67Y-CT00]"),
        ("", "[PL-73Q67Y-CT00]"),
        ("Re: Lease [PL-73Q67Y-CT00]", "Re: Lease [PL-73Q67Y-CT00]"),
        ("Re: [pl 73q67y–ctoo] Lease", "Re: [pl 73q67y–ctoo] Lease"),
        ("Re: Lease [PL-000000-0000]", "Re: Lease [PL-000000-0000] [PL-73Q67Y-CT00]"),
    ],
)
def test_a_code_is_added_to_a_subject_once(subject: str, expected: str) -> None:
    assert added_to(subject, CODE) == expected


@given(NUMBERS, st.sampled_from([KEYS, KEYS[1:], (b"k", *KEYS)]), st.text(max_size=40), st.text(max_size=60))
def test_every_number_comes_back(number: int, keys: tuple[bytes, ...], tenant: str, subject: str) -> None:
    code = issue(number, keys, tenant)
    assert code in find(added_to(subject, code), keys, tenant).codes
    assert added_to(added_to(subject, code), code) == added_to(subject, code)
    assert len(code.text) == 14


@given(NUMBERS, st.integers(0, 13), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_one_changed_character_is_not_that_code(number: int, place: int, char: str) -> None:
    code = issue(number, KEYS, TENANT)
    changed = code.text[:place] + char + code.text[place + 1 :]
    same = [one for one in find(f"[{changed}]", KEYS, TENANT).codes if one.number == number]
    assert not same or changed == code.text or same[0].text in {issue(number, KEYS[1:], TENANT).text}


@given(st.text(), st.text(max_size=5))
def test_no_text_makes_it_fail(text: str, prefix: str) -> None:
    assert find(text, KEYS, TENANT, prefix).codes == ()
    assert find(f"[{text}PL-{text}", (), TENANT).codes == ()


@pytest.mark.parametrize(
    "text", ["[PL-" * 200_000, "[ " * 300_000, "PL-7K3Q9X-" * 100_000, "\ufdfa" * 300_000]
)
def test_long_hostile_texts_are_read_in_no_time(text: str) -> None:
    check_cost(lambda: find(text, KEYS, TENANT), at_most=10)


def test_only_the_beginning_of_a_long_text_is_read() -> None:
    assert numbers(" " * (LONGEST_TEXT - 16) + f"[{CODE.text}]") == [NUMBER]
    assert numbers(" " * LONGEST_TEXT + f"[{CODE.text}]") == []


def test_a_flood_of_candidates_is_cut_short() -> None:
    flood = " ".join(f"[PL-{number:06d}-0000]" for number in range(1_000))
    assert find(flood, KEYS, TENANT).forged == MOST_CANDIDATES
