"""The language in which a mail was written, as far as a few words tell: for choosing among an admin's templates.

What the writer wrote decides, not what is quoted. Too few words that tell are no answer: the default is better than a
guess.
"""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from shared.domain.foreign_text import or_else

# Words that stand in nearly every sentence of a language, and seldom in another one's.
_WORDS: Final = {
    "cs": "je se na že jsem jsou nebo ale jak pro prosím děkuji dobrý den byl bych máme které také",
    "da": "og jeg er det ikke til på med har vi kan hej tak venlig hilsen hvornår også være",
    "de": "der die das und ist nicht ich wir sie mit für auf ein eine wann kann bitte haben sehr geehrte guten tag "
    "zu den dem von im bei wird sind kommen seit heute morgen jemand",
    "en": "the and is are not you we have with for this that please when can could would from to of it my our will "
    "be been does thank thanks who",
    "es": "el la los las y es no que con para por una está son gracias hola cuándo puede usted desde mañana pero muy",
    "fi": "ja on ei että se mutta kun olen voi hei kiitos terveisin ovat mitä milloin meidän myös joka",
    "fr": "le la les et est pas que je nous vous avec pour une des dans sur bonjour merci quand pouvez depuis",
    "hu": "és az egy nem hogy van vagy kérem köszönöm tisztelt mikor lehet üdvözlettel de is meg",
    "it": "il lo gli e è non che di per una con sono grazie buongiorno quando può dal cordiali saluti della",
    "nl": "de het een en is niet ik wij u met voor van kan graag wanneer heeft bedankt geachte groet zijn maar",
    "no": "og jeg er det ikke til på med har vi kan hei takk hilsen når også være fra",
    "pl": "i jest nie się na że do proszę dziękuję dzień dobry kiedy mam jestem oraz dla czy pozdrawiam",
    "pt": "o os as e é não que com para por uma está são obrigado obrigada olá quando pode você desde mas",
    "ro": "și este nu că pentru cu din sunt vă mulțumesc bună ziua când poate dar am",
    "sv": "och jag är det inte till på med har vi kan hej tack hälsningar när också vara från",
    "tr": "ve bir bu için ile değil var merhaba teşekkürler ne zaman olarak çok iyi lütfen",
}
# A script says it alone; where several languages share one, their own letters do.
_SCRIPTS: Final = (
    ("uk", re.compile("[іїєґ]", re.IGNORECASE)),
    ("ru", re.compile("[ыэё]", re.IGNORECASE)),
    ("bg", re.compile("ъ", re.IGNORECASE)),
    ("el", re.compile("[α-ω]", re.IGNORECASE)),
    ("he", re.compile("[א-ת]")),
    ("ja", re.compile("[ぁ-んァ-ン]")),
    ("ko", re.compile("[가-힣]")),
    ("ar", re.compile("[ء-ي]")),
    ("zh", re.compile("[一-鿿]")),
)
LANGUAGES: Final = tuple(sorted({*_WORDS, *(language for language, _ in _SCRIPTS)}))
_LATIN: Final = {language: frozenset(words.split()) for language, words in _WORDS.items()}
_WORD: Final = re.compile(r"[^\W\d_]+")
_ADDRESS: Final = re.compile(r"\S+@\S+|https?://\S+")
_LONGEST: Final = 20_000
# Words that tell: so many at least, and so many more than of the next language.
ENOUGH: Final = 3
AHEAD: Final = 2
# Of a text that is written in a script of its own, letters.
_LETTERS: Final = 8


@dataclass(frozen=True, slots=True)
class Told:
    """A language, '' where nothing tells it, and why, in half a sentence."""

    language: str
    why: str


UNKNOWN: Final = Told("", "too little of the mail tells its language")


@or_else(UNKNOWN)
def language_of(own_text: str, subject: str, wanted: Collection[str]) -> Told:
    """The language of a mail among those that are wanted: by its own text, else by its subject.

    A text in another language counts as unknown.
    """
    for text, place in ((own_text, "its own text"), (subject, "its subject, as it has no text that tells")):
        language = _language(_ADDRESS.sub(" ", text[:_LONGEST]))
        if language:
            known = language in wanted
            return (
                Told(language, place)
                if known
                else Told("", f"it is written in '{language}', which has no template")
            )
    return UNKNOWN


def _language(text: str) -> str:
    by_script = _by_script(text)
    if by_script:
        return by_script
    words = Counter(_WORD.findall(text.casefold()))
    told = Counter({language: _count(words, known) for language, known in _LATIN.items()})
    (first, most), (_, next_most) = told.most_common(2)
    return first if most >= ENOUGH and most - next_most >= min(AHEAD, most - 1) else ""


def _count(words: Counter[str], known: frozenset[str]) -> int:
    # A word that is repeated in a form's lines says no more than once or twice.
    return sum(min(words[word], 2) for word in known if word in words)


def _by_script(text: str) -> str:
    letters = [letter for letter in text if letter.isalpha()]
    foreign = [letter for letter in letters if ord(letter) >= 0x370]
    if len(foreign) < min(_LETTERS, len(letters) // 2 + 1) or not foreign:
        return ""
    script = "".join(foreign)
    return next((language for language, own in _SCRIPTS if own.search(script)), "")
