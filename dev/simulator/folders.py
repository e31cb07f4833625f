"""The folders that every Exchange mailbox is born with, named in its user's language."""

from dataclasses import dataclass

MAIL = "IPF.Note"
_GERMAN = {
    "Inbox": "Posteingang",
    "Sent Items": "Gesendete Elemente",
    "Drafts": "Entwürfe",
    "Deleted Items": "Gelöschte Elemente",
    "Junk Email": "Junk-E-Mail",
    "Archive": "Archiv",
    "Outbox": "Postausgang",
    "Conversation History": "Aufgezeichnete Unterhaltungen",
    "Clutter": "Clutter",
    "Sync Issues": "Synchronisierungsprobleme",
    "Conflicts": "Konflikte",
    "Local Failures": "Lokale Fehler",
    "Server Failures": "Serverfehler",
    "RSS Feeds": "RSS-Feeds",
    "Notes": "Notizen",
    "Tasks": "Aufgaben",
    "Calendar": "Kalender",
    "Contacts": "Kontakte",
    "Journal": "Journal",
}
_FRENCH = {
    "Inbox": "Boîte de réception",
    "Sent Items": "Éléments envoyés",
    "Drafts": "Brouillons",
    "Deleted Items": "Éléments supprimés",
    "Junk Email": "Courrier indésirable",
    "Archive": "Archive",
    "Outbox": "Boîte d'envoi",
    "Conversation History": "Historique des conversations",
    "Clutter": "Courrier pêle-mêle",
    "Sync Issues": "Problèmes de synchronisation",
    "Conflicts": "Conflits",
    "Local Failures": "Défaillances locales",
    "Server Failures": "Défaillances du serveur",
    "RSS Feeds": "Flux RSS",
    "Notes": "Notes",
    "Tasks": "Tâches",
    "Calendar": "Calendrier",
    "Contacts": "Contacts",
    "Journal": "Journal",
}
_NAMES = {"de": _GERMAN, "fr": _FRENCH}


@dataclass(frozen=True, slots=True)
class Birth:
    """A folder that is made with the mailbox. `well_known` is None where Graph has no name for it.

    `listed`: Graph lists it, if only where hidden folders are asked for.
    """

    well_known: str | None
    name: str
    parent: str = "msgfolderroot"
    container_class: str = MAIL
    hidden: bool = False
    listed: bool = True

    def display_name(self, language: str) -> str:
        return _NAMES.get(language, {}).get(self.name, self.name)


DEFAULT_FOLDERS = (
    Birth("inbox", "Inbox"),
    Birth("sentitems", "Sent Items"),
    Birth("drafts", "Drafts"),
    Birth("deleteditems", "Deleted Items"),
    Birth("junkemail", "Junk Email"),
    Birth("archive", "Archive"),
    Birth("outbox", "Outbox"),
    Birth("conversationhistory", "Conversation History"),
    Birth("clutter", "Clutter", hidden=True),
    Birth("syncissues", "Sync Issues", hidden=True),
    Birth("conflicts", "Conflicts", parent="syncissues"),
    Birth("localfailures", "Local Failures", parent="syncissues"),
    Birth("serverfailures", "Server Failures", parent="syncissues"),
    Birth("recoverableitemsdeletions", "Deletions", hidden=True),
    Birth(None, "RSS Feeds", container_class="IPF.Note.OutlookHomepage"),
    Birth(None, "Notes", container_class="IPF.StickyNote", hidden=True),
    Birth(None, "Tasks", container_class="IPF.Task", hidden=True),
    Birth(None, "Calendar", container_class="IPF.Appointment", hidden=True),
    Birth(None, "Contacts", container_class="IPF.Contact", hidden=True),
    Birth(None, "Journal", container_class="IPF.Journal", hidden=True),
    Birth("searchfolders", "Finder", hidden=True, listed=False),
    # Chats are kept here; `GET mailFolders/{id}` knows it, no list does.
    Birth(None, "TeamsMessagesData", hidden=True, listed=False),
)
ROOT = Birth("msgfolderroot", "Top of Information Store", parent="")
