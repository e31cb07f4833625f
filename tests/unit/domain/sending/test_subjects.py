"""The subject that leaves: one code at its end, one prefix, and the other side's number whole."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.mail import codes
from shared.domain.sending.outbox import Mode
from shared.domain.sending.subjects import LONGEST_SUBJECT, Signing, shortened, subject_of, subject_of_answer

KEYS = (b"new key", b"old key")
TENANT = "11111111-1111-4111-8111-111111111111"
SIGNING = Signing(KEYS, TENANT, ("PL", "HH"))
CODE = codes.issue(0x0E3B98FE, KEYS, TENANT)
OTHER = codes.issue(12_345, KEYS[1:], TENANT, "HH")
FOREIGN = codes.issue(7, KEYS, "22222222-2222-4222-8222-222222222222")
ENDING = f" [{CODE.text}]"


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize(
    ("given_subject", "leaves_as"),
    [
        ("Lease", "Lease"),
        ("", ""),
        (f"Lease [{CODE.text}]", "Lease"),
        (f"Lease [{CODE.text.lower()}] of Monday", "Lease of Monday"),
        (f"[{CODE.text}] Lease [{CODE.text}]", "Lease"),
        (f"Lease ［{CODE.text}］", "Lease"),
        (f"Lease [{OTHER.text}]", "Lease"),
        (f"Lease [{OTHER.text}] of [{CODE.text}] Monday", "Lease of Monday"),
        (f"Lease [{FOREIGN.text}]", f"Lease [{FOREIGN.text}]"),
        ("Lease [PL-AAAAAA-AAAA]", "Lease [PL-AAAAAA-AAAA]"),
        ("[Case 56664579] Lease", "[Case 56664579] Lease"),
        ("Lease\r\nBcc: mallory@other.example", "Lease  Bcc: mallory@other.example"),
        ("  Lease  ", "Lease"),
    ],
)
def test_a_subject_ends_in_its_code_once(given_subject: str, leaves_as: str) -> None:
    subject = subject_of(given_subject, CODE, SIGNING)
    assert subject == f"{leaves_as}{ENDING}".lstrip()
    assert codes.find(subject, KEYS, TENANT, "PL", "HH").codes == (CODE,)


def test_a_thread_keeps_the_code_that_its_subject_carries() -> None:
    assert SIGNING.code_in(f"AW: Lease [{OTHER.text}]") == OTHER
    assert SIGNING.code_in(f"[{OTHER.text}] Lease [{CODE.text}]") == CODE
    assert SIGNING.code_in(f"Lease [{FOREIGN.text}]") is None
    reply = subject_of(subject_of_answer(f"AW: Lease [{OTHER.text}]", Mode.REPLY), OTHER, SIGNING)
    assert reply == f"RE: Lease [{OTHER.text}]"


@pytest.mark.parametrize(
    ("answered", "mode", "subject"),
    [
        ("Lease", Mode.REPLY, "RE: Lease"),
        ("Re: AW: RE: Lease", Mode.REPLY_ALL, "RE: Lease"),
        ("WG: Fwd: Lease", Mode.FORWARD, "FW: Lease"),
        ("[EXTERNAL] RE: [Case 5] Lease", Mode.REPLY, "RE: [Case 5] Lease"),
        ("Re: [list] Re: Lease", Mode.REPLY, "RE: [list] Lease"),
        ("Lease\u2028RE: x", Mode.REPLY, "RE: Lease RE: x"),
        ("", Mode.REPLY, "RE: "),
    ],
)
def test_an_answer_has_one_prefix(answered: str, mode: Mode, subject: str) -> None:
    assert subject_of_answer(answered, mode) == subject


LONG = "request for the documents concerning the second viewing of the flat at the harbour, " * 4


@pytest.mark.parametrize(
    ("subject", "kept"),
    [
        (f"[Case 56664579] {LONG}", ["RE: [Case 56664579] request"]),
        (f"{LONG} [Case 56664579]", [f"[Case 56664579]{ENDING}"]),
        (f"#A-1234 {LONG} (ref. 2026/118)", ["RE: #A-1234", "(ref. 2026/118)"]),
        (f"{LONG[:170]} INV-20261234 {LONG[:170]}", ["INV-20261234"]),
        (f"[list] {LONG} [{FOREIGN.text}]", ["RE: [list]", f"[{FOREIGN.text}]"]),
        ("😀" * 400, ["RE: 😀"]),
    ],
)
def test_a_long_subject_is_shortened_in_its_middle(subject: str, kept: list[str]) -> None:
    leaves_as = subject_of(subject_of_answer(subject, Mode.REPLY), CODE, SIGNING)
    assert units(leaves_as) <= LONGEST_SUBJECT
    assert leaves_as.endswith(ENDING)
    assert leaves_as.count("...") == 1
    for part in kept:
        assert part in leaves_as


def test_what_is_short_enough_stays() -> None:
    exact = "x" * (LONGEST_SUBJECT - len(ENDING))
    assert subject_of(exact, CODE, SIGNING) == exact + ENDING
    assert len(subject_of(exact + "x", CODE, SIGNING)) == LONGEST_SUBJECT
    assert shortened("abc", 3) == "abc"


PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                CODE.text,
                OTHER.text,
                FOREIGN.text,
                f"[{CODE.text}]",
                "［",
                "[PL-",
                "] ",
                "\r\n",
                "PL-",
                "-",
                " ",
                "\0",
            ]
        ),
        st.text(max_size=60),
        st.text("0123456789[]()#-/. ", max_size=90),
    ),
    max_size=12,
)


@settings(max_examples=80)
@given(PIECES, st.sampled_from(Mode))
def test_whatever_was_written_one_code_of_ours_stands_at_the_end(pieces: list[str], mode: Mode) -> None:
    subject = subject_of(subject_of_answer("".join(pieces), mode), CODE, SIGNING)
    assert subject.endswith(f"[{CODE.text}]")
    assert codes.find(subject, KEYS, TENANT, "PL", "HH").codes == (CODE,)
    assert units(subject) <= LONGEST_SUBJECT
    assert subject.isprintable() or not any(char in subject for char in "\r\n\0\u2028\u0085")
    assert subject_of(subject, CODE, SIGNING) == subject
