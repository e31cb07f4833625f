"""The lines above a quoted mail (`From:`, `Sent:` ...) as Outlook writes them, in the language of the mailbox."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

from shared.domain.mail.addresses import Person

# Of a mail to hundreds the first ones are quoted.
MOST_NAMED: Final = 50


@dataclass(frozen=True, slots=True)
class Words:
    """The labels of one language, its months, and the order in which it writes a date."""

    labels: tuple[str, str, str, str, str]
    months: str = ""
    date: str = "{day} {month} {year} {time}"
    colon: str = ":"

    @property
    def month_names(self) -> list[str]:
        return self.months.split()


_EN: Final = Words(
    ("From", "Sent", "To", "Cc", "Subject"),
    "January February March April May June July August September October November December",
)
_SPANISH_DATE: Final = "{day} de {month} de {year} {time}"
_NUMBERED: Final = "{day}. {month} {year} {time}"
# ISO 639-1: a mailbox's language `de-AT` counts as `de`.
LANGUAGES: Final[Mapping[str, Words]] = {
    "en": _EN,
    "de": Words(
        ("Von", "Gesendet", "An", "Cc", "Betreff"),
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        _NUMBERED,
    ),
    "fr": Words(
        ("De", "Envoyé", "À", "Cc", "Objet"),
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        colon=" :",
    ),
    "es": Words(
        ("De", "Enviado", "Para", "CC", "Asunto"),
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        _SPANISH_DATE,
    ),
    "it": Words(
        ("Da", "Inviato", "A", "Cc", "Oggetto"),
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    ),
    "nl": Words(
        ("Van", "Verzonden", "Aan", "CC", "Onderwerp"),
        "januari februari maart april mei juni juli augustus september oktober november december",
    ),
    "pt": Words(
        ("De", "Enviado", "Para", "Cc", "Assunto"),
        "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
        _SPANISH_DATE,
    ),
    "da": Words(
        ("Fra", "Sendt", "Til", "Cc", "Emne"),
        "januar februar marts april maj juni juli august september oktober november december",
        _NUMBERED,
    ),
    "no": Words(
        ("Fra", "Sendt", "Til", "Kopi", "Emne"),
        "januar februar mars april mai juni juli august september oktober november desember",
        _NUMBERED,
    ),
    "sv": Words(
        ("Från", "Skickat", "Till", "Kopia", "Ämne"),
        "januari februari mars april maj juni juli augusti september oktober november december",
    ),
    "fi": Words(
        ("Lähettäjä", "Lähetetty", "Vastaanottaja", "Kopio", "Aihe"),
        "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta "
        "marraskuuta joulukuuta",
        _NUMBERED,
    ),
    "pl": Words(
        ("Od", "Wysłano", "Do", "DW", "Temat"),
        "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    ),
    "cs": Words(
        ("Od", "Odesláno", "Komu", "Kopie", "Předmět"),
        "ledna února března dubna května června července srpna září října listopadu prosince",
        _NUMBERED,
    ),
    "zh": Words(("发件人", "发送时间", "收件人", "抄送", "主题"), date="{year}年{number}月{day}日 {time}"),
    "ja": Words(("差出人", "送信日時", "宛先", "CC", "件名"), date="{year}年{number}月{day}日 {time}"),
    "ko": Words(
        ("보낸 사람", "보낸 날짜", "받는 사람", "참조", "제목"), date="{year}년 {number}월 {day}일 {time}"
    ),
}
_ALIASES: Final = {"nb": "no", "nn": "no"}


@dataclass(frozen=True, slots=True)
class Head:
    """What the lines tell of the quoted mail; `sent_at` is UTC."""

    sender: Person
    sent_at: datetime
    to: Sequence[Person]
    cc: Sequence[Person]
    subject: str


def lines(head: Head, language: str, zone: tzinfo | None) -> list[tuple[str, str]]:
    """Label with its colon, and value, of each line that has a value. An unknown language counts as English."""
    words = words_of(language)
    values = (
        written(head.sender),
        sent(head.sent_at, words, zone),
        _people(head.to),
        _people(head.cc),
        head.subject,
    )
    return [
        (f"{label}{words.colon}", value) for label, value in zip(words.labels, values, strict=True) if value
    ]


def words_of(language: str) -> Words:
    return LANGUAGES.get(_primary(language), _EN)


def is_spoken(language: str) -> bool:
    """Whether there are words of this language."""
    return _primary(language) in LANGUAGES


def _primary(language: str) -> str:
    primary = language.replace("_", "-").partition("-")[0].lower()
    return _ALIASES.get(primary, primary)


def sent(at: datetime, words: Words, zone: tzinfo | None) -> str:
    """The time as the mailbox's owner reads it; in UTC, and saying so, where the zone is not known."""
    local = at.astimezone(zone or UTC)
    names = words.month_names
    date = words.date.format(
        day=local.day,
        month=names[local.month - 1] if names else "",
        number=local.month,
        year=local.year,
        time=f"{local:%H:%M}",
    )
    return date if zone else f"{date} (UTC+00:00)"


def written(person: Person) -> str:
    """A person as people read it: `Jane Doe <jane@fabrikam.example>`."""
    if not person.name or person.name == person.address:
        return person.address
    return f"{person.name} <{person.address}>" if person.address else person.name


def _people(persons: Sequence[Person]) -> str:
    named = "; ".join(map(written, persons[:MOST_NAMED]))
    return f"{named}; ..." if len(persons) > MOST_NAMED else named
