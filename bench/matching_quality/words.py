"""The words of the story: names from syllables, subjects, sentences, and how twelve languages answer and forward."""

import random
from typing import Final

# Syllables of which names are made: beginnings, middles, ends.
_SYLLABLES: Final = (
    "bal cor dra fen gol hal ister jun kol lum mar nor or pel quin ros sol tam ul ver wes yor zan",
    "a an ari ber del e eni ga i ira lo mi no o or ra ta u va",
    "bek dan den fors gard ka lin mar mond nak ris rup sen stad tan ton vik wen zel",
)
_BUSINESSES: Final = ("Estates", "Logistics", "Works", "Partners", "Foods", "Design", "Legal", "Care")
_STREETS: Final = ("Street", "Lane", "Quay", "Square", "Hill", "Allé", "weg", "Strasse")
_TOPICS: Final = (
    "Invoice",
    "Meeting",
    "Question",
    "Keys",
    "Your letter",
    "Documents",
    "Angebot",
    "Visite",
    "Viewing on Thursday",
    "Termin nächste Woche",
    "Besiktning",
    "Wizyta w piątek",
    "見積もりの件",
    "Договор",
    "Contrato",
    "REG: parking",
)
_SENTENCES: Final = (
    "Could we see it on Thursday?",
    "Thank you for the plan, we will look at it tonight.",
    "Anbei die Unterlagen, wie besprochen.",
    "Merci pour votre réponse, à demain.",
    "The keys are with the neighbour.",
    "Please call me before noon.",
    "Kan vi flytta mötet till fredag?",
    "よろしくお願いいたします。",
    "Согласен, до встречи.",
    "We would like to go ahead.",
)

# By language: how mail programs mark an answer, and how a forward.
ANSWERS: Final[dict[str, tuple[str, ...]]] = {
    "en": ("Re: ", "RE: ", "re:", "Re[2]: ", "Re^3: "),
    "de": ("AW: ", "Aw: ", "Antwort: "),
    "fr": ("RE : ", "REF: "),
    "es": ("RE: ", "RESP: "),
    "it": ("R: ", "RIF: "),
    "pt": ("RES: ", "Res: "),
    "nl": ("Antw: ", "BETR: "),
    "sv": ("SV: ", "Sv: "),
    "fi": ("VS: ",),
    "pl": ("Odp: ", "ODP: "),
    "hu": ("Vá: ",),
    "tr": ("YNT: ", "Ynt: "),
    "el": ("ΑΠ: ", "ΣΧΕΤ: "),
    "ru": ("Отв: ", "На: "),
    "zh": ("回复: ", "回复：", "答覆: "),
    "ja": ("Re: ", "返信: "),
    "ko": ("회신: ", "답장: "),
}
FORWARDS: Final[dict[str, tuple[str, ...]]] = {
    "en": ("Fwd: ", "FW: ", "Fw: "),
    "de": ("WG: ",),
    "fr": ("TR: ", "TR : "),
    "es": ("RV: ",),
    "it": ("I: ", "Inoltro: "),
    "pt": ("ENC: ",),
    "nl": ("Doorst: ",),
    "sv": ("VB: ",),
    "fi": ("VL: ",),
    "pl": ("PD: ",),
    "hu": ("Továbbítás: ",),
    "tr": ("İLT: ",),
    "el": ("ΠΡΘ: ",),
    "ru": ("Пересл: ", "FW: "),
    "zh": ("转发: ", "轉寄: "),
    "ja": ("転送: ",),
    "ko": ("전달: ",),
}
ABSENCES: Final = (
    "Automatic reply: ",
    "Abwesenheitsnotiz: ",
    "Réponse automatique : ",
    "Autosvar: ",
    "Respuesta automática: ",
    "自動応答: ",
)
_BEFORE: Final = ("", "", "", "", "[EXTERNAL] ", "[EXT] ", "EXTERNAL: ")


class Names:
    """Names that no two things share."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._given: set[str] = set()
        self._syllables = [part.split() for part in _SYLLABLES]

    def word(self) -> str:
        """A name that was not given before, of ASCII letters."""
        while True:
            word = "".join(self._chance.choice(self._syllables[part]) for part in (0, 1, 1, 2)).title()
            if word not in self._given:
                self._given.add(word)
                return word

    def person(self) -> str:
        """A first and a last name; some with letters that headers must encode."""
        first = self._chance.choice(
            ("Ann", "Bo", "Chloé", "Dörte", "Eli", "Åsa", "Søren", "Zoë", "Łukasz", "美咲")
        )
        return f"{first} {self.word()}"

    def company(self) -> str:
        return f"{self.word()} {self._chance.choice(_BUSINESSES)}"

    def deal(self) -> str:
        """What an opportunity or project is called; no other thing's subject reads like it."""
        deal = self._chance.choice(("Sale of", "Letting of", "Ausbau", "Vente", "Survey of"))
        return f"{deal} {self._chance.randrange(1, 99)} {self.word()} {self._chance.choice(_STREETS)}"


def topic(chance: random.Random) -> str:
    """A subject that many threads share."""
    return chance.choice(_TOPICS)


def sentences(chance: random.Random) -> str:
    return "\r\n".join(chance.sample(_SENTENCES, chance.randrange(1, 4)))


def answering(chance: random.Random, subject: str) -> str:
    """The subject as a mail program of some language answers it."""
    return chance.choice(_BEFORE) + chance.choice(ANSWERS[chance.choice(list(ANSWERS))]) + subject


def forwarding(chance: random.Random, subject: str) -> str:
    return chance.choice(_BEFORE) + chance.choice(FORWARDS[chance.choice(list(FORWARDS))]) + subject
