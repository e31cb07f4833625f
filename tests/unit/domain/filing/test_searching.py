"""A search finds what looks the same, in whatever letters it was typed, and its words in any order."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.filing.searching import says, text_of, words_of
from tests.builders import an_entry


def finds(query: str, **entry: object) -> bool:
    return says(text_of(an_entry(**entry)), words_of(query))


@pytest.mark.parametrize("subject", ["Kündigung der Wohnung in Köln", "İSTANBUL dairesi: kısa not"])
@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKD"])
def test_decomposed_letters_are_the_same_letters(subject: str, form: str) -> None:
    for word in subject.split():
        for query in (word, word.lower(), word.upper()):
            assert finds(unicodedata.normalize(form, query), subject=subject)
            assert finds(query, subject=unicodedata.normalize(form, subject))


@pytest.mark.parametrize(
    ("query", "subject"),
    [
        ("istanbul", "İSTANBUL dairesi"),
        ("kisa", "kısa not"),
        ("ABC-1234", "見積書 ＡＢＣ－１２３４"),
        ("1234", "見積書 ＡＢＣ－１２３４"),
        ("カブシキ", "ｶﾌﾞｼｷ会社"),
        ("final", "the \ufb01nal plan"),
        ("הצעת מחיר", "הצעת\u200f \u202bמחיר\u202c לדירה"),
        ("מחיר לדירה", "הצעת מחיר \u2067לדירה\u2069"),
        ("re\u00adport", "Report of May"),
        ("STRASSE", "Hauptstraße 4"),
    ],
)
def test_what_looks_the_same_is_found(query: str, subject: str) -> None:
    assert finds(query, subject=subject)


@pytest.mark.parametrize(
    "query", ["harbour offer", "offer harbour", "jane offer", "  12\tharbour ", "plan jane"]
)
def test_words_stand_in_any_order_and_in_any_part_of_the_mail(query: str) -> None:
    entry = {
        "subject": "Offer for 12 Harbour Road",
        "sender": "jane@fabrikam.example",
        "attachments": ("floor plan.pdf",),
    }
    assert finds(query, **entry)


@pytest.mark.parametrize("query", ["harbour castle", "koln", "offerfor"])
def test_every_word_must_be_there(query: str) -> None:
    assert not finds(query, subject="Offer for 12 Harbour Road, Köln")


@pytest.mark.parametrize("query", ["", "  ", "\u200f\u200e"])
def test_a_search_without_words_leaves_nothing_out(query: str) -> None:
    assert words_of(query) == ()
    assert finds(query)


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=6), st.randoms())
def test_the_words_of_a_subject_find_it_in_any_order(words: list[str], random: object) -> None:
    shuffled = list(words)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert finds(" ".join(shuffled), subject=" ".join(words))
