"""Names of folders: as the server wrote them, to ask by; readable, to tell what they are for."""

import binascii
import re
from collections.abc import Sequence
from typing import Final
from unicodedata import normalize

from shared.domain.capture.folders import Role

# RFC 6154; \All is where Gmail keeps each mail once.
ALL: Final = "\\all"
BY_USE: Final = {
    "\\sent": Role.SENT,
    "\\drafts": Role.DRAFTS,
    "\\junk": Role.JUNK,
    "\\spam": Role.JUNK,
    "\\trash": Role.TRASH,
    "\\archive": Role.ARCHIVE,
}
# What clients and servers call them where no special use is told: English, German, Dutch, French, Spanish, Italian,
# Portuguese, Polish, Swedish, Danish, Norwegian, Finnish, Czech, Slovak, Hungarian, Romanian, Turkish, Greek, Russian,
# Ukrainian, Japanese, Chinese, Korean.
_BY_NAME: Final = {
    Role.SENT: (
        "sent|sent items|sent mail|sent messages|gesendet|gesendete objekte|gesendete elemente|gesendete nachrichten|"
        "verzonden|verzonden items|verzonden berichten|envoyés|éléments envoyés|messages envoyés|enviados|"
        "elementos enviados|mensajes enviados|inviata|posta inviata|itens enviados|wysłane|skickat|outbound|enviadas|"
        "elementy wysłane|skickade|skickade objekt|sendt|sendte|sendt post|sendte elementer|sendte meldinger|lähetetyt|"
        "lähetetyt viestit|odeslané|odeslaná pošta|odoslané|odoslaná pošta|elküldött|elküldött elemek|trimise|"
        "elemente trimise|gönderilmiş|gönderilmiş öğeler|gönderilenler|απεσταλμένα|σταλμένα|отправленные|надіслані|"
        "送信済み|送信済みアイテム|已发送|已发送邮件|寄件備份|보낸 편지함|보낸메일함"
    ),
    Role.DRAFTS: (
        "drafts|draft|entwürfe|entwurf|concepten|brouillons|borradores|bozze|rascunhos|wersje robocze|utkast|kladder|"
        "kladde|luonnokset|koncepty|rozepsané|piszkozatok|ciorne|taslaklar|πρόχειρα|черновики|чернетки|下書き|草稿|草稿箱|"
        "임시 보관함|임시보관함"
    ),
    Role.JUNK: (
        "junk|junk e-mail|junk email|junk mail|spam|bulk mail|spamverdacht|unerwünscht|junk-e-mail|ongewenste e-mail|"
        "ongewenst|indésirables|courrier indésirable|correo no deseado|posta indesiderata|lixo eletrônico|skräppost|"
        "pourriel|wiadomości-śmieci|niechciane|uønsket|uønsket mail|uønsket e-post|søppelpost|søppel-e-post|roskaposti|"
        "nevyžádaná pošta|nevyžiadaná pošta|levélszemét|önemsiz|önemsiz e-posta|istenmeyen|ανεπιθύμητα|"
        "ανεπιθύμητη αλληλογραφία|спам|нежелательная почта|небажана пошта|迷惑メール|垃圾邮件|垃圾郵件|垃圾箱|스팸|"
        "스팸 편지함|스팸메일함|정크 메일"
    ),
    Role.TRASH: (
        "trash|deleted|deleted items|deleted messages|papierkorb|gelöscht|gelöschte elemente|gelöschte objekte|"
        "prullenbak|verwijderde items|corbeille|éléments supprimés|papelera|elementos eliminados|cestino|lixeira|kosz|"
        "papperskorgen|borttaget|borttagna objekt|elementy usunięte|slettet|slettet post|slettede elementer|papirkurv|"
        "papirkurven|roskakori|poistetut|koš|odstraněná pošta|odstránená pošta|törölt elemek|lomtár|coș de gunoi|"
        "elemente șterse|çöp kutusu|silinmiş öğeler|κάδος απορριμμάτων|κάδος|διαγραμμένα|корзина|удаленные|удалённые|"
        "кошик|видалені|ゴミ箱|削除済みアイテム|已删除|已删除邮件|废纸篓|刪除的郵件|휴지통|지운 편지함"
    ),
    Role.ARCHIVE: "archive|archives|archiv|archief|archivo|archivio|arquivo|archiwum|arkiv",
}
_ENCODED: Final = re.compile(r"&([^-]*)-")


def _roles() -> dict[str, Role]:
    found: dict[str, Role] = {}
    for role, names in _BY_NAME.items():
        found |= dict.fromkeys(names.split("|"), role)
    return found


_ROLES: Final = _roles()


def readable(name: str) -> str:
    """A name in modified UTF-7 (RFC 3501, 5.1.3), or in UTF-8, as people see it; what is neither as it is."""
    try:
        octets = name.encode("latin-1")
    except UnicodeError:
        return name
    if not octets.isascii():
        return octets.decode("utf-8", "replace")
    return _ENCODED.sub(_decoded, name)


def _decoded(found: re.Match[str]) -> str:
    if not found[1]:
        return "&"
    try:
        text = found[1].replace(",", "/")
        return binascii.a2b_base64(text + "=" * (-len(text) % 4)).decode("utf-16-be")
    except (binascii.Error, UnicodeError):
        return found[0]


def role_by_name(name: str) -> Role | None:
    """The role that a folder's own name stands for, in the usual languages."""
    return _ROLES.get(normalize("NFC", readable(name)).strip().casefold())


def last_part(name: str, separator: str) -> str:
    return name.rpartition(separator)[2] if separator else name


def is_below(name: str, prefixes: Sequence[str]) -> int:
    """The length of the longest prefix that a name begins with; -1 for none."""
    return max((len(prefix) for prefix in prefixes if name.startswith(prefix)), default=-1)
