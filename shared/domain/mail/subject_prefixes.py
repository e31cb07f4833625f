"""Words mail programs and gateways put before a subject, by language (ISO 639-1), in one table.

A word stands here without its colon and in the case programs send; comparing is left to `subjects`. Sources:
Wikipedia's list of e-mail subject abbreviations, MS-OXCMAIL 2.2.3.2.6.1, the mail programs themselves.
"""

from collections.abc import Mapping
from typing import Final

REPLIES: Final[Mapping[str, str]] = {
    "RE": "en fr es pt cs ja uk ro",
    "SV": "da no sv is",
    "AW": "de",
    "Antwort": "de",
    "ANTW": "nl",
    "BETR": "nl",
    "REF": "fr",
    "RÉ": "fr",
    "RESP": "es",
    "R": "it",
    "RIF": "it",
    "RES": "pt-br",
    "ODP": "pl cs",
    "Vá": "hu",
    "YNT": "tr",
    "YAN": "tr",
    "ΑΠ": "el",
    "ΣΧΕΤ": "el",
    "השב": "he",
    "תגובה": "he",
    "رد": "ar",
    "回复": "zh-cn",
    "答复": "zh-cn",
    "回覆": "zh-tw",
    "答覆": "zh-tw",
    "返信": "ja",
    "답장": "ko",
    "회신": "ko",
    "На": "ru",
    "Отв": "ru",
    "Ответ": "ru",
    "RĂS": "ro",
    "BLS": "id",
    "ATB": "cy",
    "TL": "vi",
    "ตอบกลับ": "th",
    "ODG": "hr sl",
    "VS": "fi et",  # also a forward in Danish and Norwegian: see `subjects.kind`
}
FORWARDS: Final[Mapping[str, str]] = {
    "FW": "en pt nl hu cs sk hr ru",
    "FWD": "en ru",
    "WG": "de",
    "TR": "fr",
    "RV": "es",
    "REENV": "es",
    "I": "it",
    "Inoltro": "it",
    "ENC": "pt pt-br",
    "Doorst": "nl",
    "VB": "sv",
    "Videresend": "no",
    "VL": "fi",
    "FS": "is",
    "PD": "pl",
    "İLT": "tr",
    "ILT": "tr",
    "Redir": "ro",
    "Továbbítás": "hu",
    "TOV": "hu",
    "Пересл": "ru",
    "ΠΡΘ": "el",
    "הועבר": "he",
    "إعادة توجيه": "ar",
    "转发": "zh-cn",
    "轉寄": "zh-tw",
    "轉發": "zh-tw",
    "転送": "ja",
    "전달": "ko",
    "TRS": "id",
    "YML": "cy",
    "CT": "vi",
}
AUTO_REPLIES: Final[Mapping[str, str]] = {
    "Automatic reply": "en",
    "AUTO": "en",
    "Out of Office": "en",
    "Abwesenheitsnotiz": "de",
    "Automatische Antwort": "de",
    "Automatisk svar": "da no",
    "Autosvar": "sv",
    "Frånvaro": "sv",
    "Automatisch antwoord": "nl",
    "Réponse automatique": "fr",
    "Respuesta automática": "es",
    "Fuori sede": "it",
    "Risposta Non al computer": "it",
    "Risposta automatica": "it",
    "Resposta automática": "pt",
    "Automatyczna odpowiedź": "pl",
    "Automatická odpověď": "cs",
    "Automaattinen vastaus": "fi",
    "Otomatik Yanıt": "tr",
    "Автоматический ответ": "ru",
    "自动答复": "zh-cn",
    "自動回覆": "zh-tw",
    "自動応答": "ja",
    "자동 회신": "ko",
    "Auto-Reply": "en",
    "Autoreply": "en",
    "OOO": "en",
    "Out of Office AutoReply": "en",
    "Out of the Office": "en",
    "Vacation reply": "en",
    "Away from office": "en",
    "Absence du bureau": "fr",
    "Absent du bureau": "fr",
    "Message d'absence": "fr",
    "Fuera de la oficina": "es",
    "Fora do escritório": "pt",
    "Ausência temporária": "pt",
    "Abwesenheitsnachricht": "de",
    "Abwesend": "de",
    "Außer Haus": "de",
    "Afwezig": "nl",
    "Afwezigheidsbericht": "nl",
    "Fuori ufficio": "it",
    "Fraværsmelding": "no",
    "Fravær": "da",
    "Poissaoloilmoitus": "fi",
    "Poza biurem": "pl",
    "Mimo kancelář": "cs",
    "Ofis dışında": "tr",
    "Вне офиса": "ru",
    "不在": "ja",
    "부재 중": "ko",
}
# Programs say "automatic" and "answer" in their own language, in any order: `Samodejni odgovor`, `Balasan Otomatis`.
# Beginnings of words, so that every form of them is met.
AUTOMATIC_STEMS: Final = (
    "auto-,auto ,autore,autoan,autosv,autori,autoré,automa,automà,automá,automā,avtomat,otomat,outomat,awtoma,"
    "samodej,sjálfvirk,uathoibr,kiotomat,tự động,автомат,автоот,аутомат,αυτόματ,αυτοματ,ինքնաշխատ,ავტომატ,אוטומט,"
    "تلقائ,آلي,خودکار,स्वचालित,স্বয়ংক্রিয়,தானியங்கு,อัตโนมัติ,自动,自動,자동"
)
ANSWER_STEMS: Final = (
    "reply,response,responder,respond,odpowied,respost,respuest,répons,repons,rispost,antwor,antwoo,svar,odpov,odgov,válasz,"
    "atbild,atsak,vastu,vastau,răspuns,raspuns,yanıt,yanit,cevap,cavab,jawab,balas,jibu,sagot,ateb,freagra,erantzun,"
    "përgjigj,trả lời,ответ,відпов,отгов,одгов,жауап,απάντησ,απαντησ,պատասխան,პასუხ,תשוב,מענה,رد,پاسخ,جواب,उत्तर,"
    "जवाब,উত্তর,பதில்,ตอบ,回复,回覆,答复,答覆,回信,应答,応答,返信,회신,응답,답장"
)
MOST_WORDS_SAYING_SO: Final = 4

COLONS: Final = ":：﹕"
COUNTERS: Final = ("[2]", "(2)", "^2", "*2")
"""How a prefix counts (`Re[2]:`); any number of up to three digits stands in the place of the 2."""

GATEWAY_WORDS: Final = (
    "EXTERNAL",
    "EXT",
    "EXTERN",
    "EXTERNE",
    "EXTERNAL EMAIL",
    "EXTERNAL SENDER",
    "SPAM",
    "SPAM?",
    "SUSPECTED SPAM",
)
"""Warnings that a mail gateway adds as `[EXTERNAL]`, `{Spam?}`, `*EXT*`, `***SPAM***` or `EXTERNAL:`."""
