"""What stays of a subject, and what its outermost prefix says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.mail import subjects
from shared.domain.mail.subject_prefixes import (
    AUTO_REPLIES,
    COLONS,
    COUNTERS,
    FORWARDS,
    GATEWAY_WORDS,
    REPLIES,
)

PREFIXES = [*REPLIES, *FORWARDS, *AUTO_REPLIES]
SUBJECTS = st.text() | st.text(alphabet="RE FW:[]ab()2^*{}İ：", max_size=30)


@pytest.mark.parametrize(
    ("subject", "stripped"),
    [
        ("Re: Offer", "Offer"),
        ("RE: FW: Re: Offer", "Offer"),
        ("Re[2]: Offer", "Offer"),
        ("Re(2): Offer", "Offer"),
        ("Re^2: Offer", "Offer"),
        ("RE*3: Offer", "Offer"),
        ("Re : Offer", "Offer"),
        ("Re:Offer", "Offer"),
        ("RE：Offer", "Offer"),
        ("回复：报价", "报价"),
        ("إعادة توجيه: عرض", "عرض"),
        ("\u200fתגובה: הצעה", "הצעה"),
        ("ilt: Teklif", "Teklif"),
        ("İLT: Teklif", "Teklif"),
        ("Redir.: Ofertă", "Ofertă"),
        ("Automatic reply: Re: Offer", "Offer"),
        ("[EXTERNAL] RE: Offer", "Offer"),
        ("EXTERNAL: RE: Offer", "Offer"),
        ("***SPAM*** {Spam?} *EXT* Re: Offer", "Offer"),
        ("[list] Re: Offer", "[list] Offer"),
        ("Re: [list] Re: [List] Offer", "[list] Offer"),
        ("Re: [PL-7K3Q9X-F2MX] Offer", "[PL-7K3Q9X-F2MX] Offer"),
        ("REG: Offer", "REG: Offer"),
        ("uhd: trace", "uhd: trace"),
        ("Reply: by Monday", "Reply: by Monday"),
        ("Offer Re: roof", "Offer Re: roof"),
        ("Re:", ""),
        ("", ""),
    ],
)
def test_prefixes_go_and_the_subject_stays(subject: str, stripped: str) -> None:
    assert subjects.strip(subject) == stripped


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        ("Offer", "new"),
        ("Re: Offer", "reply"),
        ("FW: Re: Offer", "forward"),
        ("Re: FW: Offer", "reply"),
        ("[EXTERNAL] WG: Angebot", "forward"),
        ("[list] AW: Angebot", "reply"),
        ("Automatic reply: Offer", "auto_reply"),
        ("Réponse automatique : Offre", "auto_reply"),
        ("VS: Tarjous", "reply"),
        ("REG: Offer", "new"),
        ("", "new"),
    ],
)
def test_the_outermost_prefix_says_what_the_mail_is(subject: str, kind: str) -> None:
    assert subjects.kind(subject) == kind


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("colon", COLONS)
def test_every_prefix_of_the_table_goes(prefix: str, colon: str) -> None:
    assert subjects.normalise(f"{prefix}{colon} Offer 12") == "offer 12"


@pytest.mark.parametrize("counter", COUNTERS)
@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_prefix_of_the_table_may_count(prefix: str, counter: str) -> None:
    assert subjects.strip(f"{prefix}{counter}: Offer") == "Offer"


@pytest.mark.parametrize("form", ["[{}] x", "{{{}}} x", "*{}* x", "***{}*** x", "{}: x"])
@pytest.mark.parametrize("word", GATEWAY_WORDS)
def test_every_gateway_warning_goes(word: str, form: str) -> None:
    assert subjects.strip(form.format(word)) == "x"


def test_subjects_compare_without_case_width_and_spacing() -> None:
    assert subjects.normalise("Ｏｆｆｅｒ  for\tİstanbul") == subjects.normalise("RE: offer FOR istanbul")


@given(SUBJECTS)
def test_stripping_twice_changes_nothing(subject: str) -> None:
    once = subjects.strip(subject)
    assert subjects.strip(once) == once


@given(SUBJECTS)
def test_normalising_twice_changes_nothing(subject: str) -> None:
    once = subjects.normalise(subject)
    assert subjects.normalise(once) == once


@given(st.sampled_from(PREFIXES), st.sampled_from(["", *COUNTERS]), st.sampled_from(COLONS), SUBJECTS)
def test_a_prefix_makes_no_difference(prefix: str, counter: str, colon: str, subject: str) -> None:
    assert subjects.normalise(f"{prefix}{counter}{colon} {subject}") == subjects.normalise(subject)


@pytest.mark.parametrize(
    ("subject", "spellings"),
    [
        ("Re: Offer", ("offer",)),
        ("[Letters] AW: Offer", ("[letters] offer", "offer")),
        ("Re: [#4711] [x] Offer [PL-7K3Q9X-F2MX]", ("[#4711] [x] offer [pl-7k3q9x-f2mx]", "offer")),
        ("Offer [a] of May", ("offer [a] of may",)),
        ("Item[2]", ("item[2]",)),
        ("[Offer]", ("[offer]",)),
        ("Re:", ()),
    ],
)
def test_a_subject_is_looked_for_with_and_without_its_tags(subject: str, spellings: tuple[str, ...]) -> None:
    assert subjects.spellings(subject) == spellings


@given(SUBJECTS)
def test_every_spelling_of_a_subject_is_one_of_its_own(subject: str) -> None:
    for spelling in subjects.spellings(subject):
        assert subjects.spellings(spelling) in ((spelling,), subjects.spellings(subject))
