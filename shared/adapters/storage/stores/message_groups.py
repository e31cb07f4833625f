"""Messages that are written together: inserts, words and saves of a group, in as few transactions as it takes.

A transaction has one partition, so that the mails of a group take as many as they lie in buckets, and more where one
that comes behind another lies in another bucket.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from shared.adapters.storage.connection import Connection
from shared.adapters.storage.stores import message_rows as rows
from shared.adapters.storage.stores.bodies import Bodies
from shared.adapters.storage.table import Operation, Table, first_transaction
from shared.domain import names
from shared.domain.filing.copies import Dependent
from shared.domain.filing.filing import StoredMessage
from shared.ports.stores.filing import NewMail, Word

# The operations of each mail, by its key.
_Inserts = Mapping[str, Sequence[Operation]]


class AzureMessageGroups:
    """What `ports.MessageStore` says of mails that are written together."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._table = Table(connection, names.MESSAGES)
        self._bodies = Bodies(connection)

    def create(self, tenant_id: str, mails: Sequence[NewMail]) -> Mapping[str, StoredMessage]:
        """One request a transaction, one for each large body, one more for each mail that is there already.

        Two more for the large body of one that is there.
        """
        bodies = {mail.key: rows.body_of(tenant_id, mail.key, mail.document) for mail in mails}
        inserts = {mail.key: _insert(tenant_id, mail, bodies[mail.key]) for mail in mails}
        created: dict[str, StoredMessage] = {}
        put: set[str] = set()
        waiting = list(mails)
        while chosen := _next(tenant_id, waiting, created.keys(), inserts):
            # The blobs first: a row never names a body that is not there. Of a mail that has no turn, there is none.
            unput = [bodies[mail.key] for mail in chosen if mail.key not in put]
            self._connection.side_by_side(self._bodies.put, unput)
            put.update(mail.key for mail in chosen)
            refused = self._create_at_once(chosen, inserts, created)
            waiting = [mail for mail in waiting if mail.key not in created and mail.key not in refused]
        left = [key for key in put if key not in created]
        self._connection.side_by_side(
            lambda key: self._bodies.drop_refused(tenant_id, key, bodies[key]), left
        )
        return created

    def leave_words(self, tenant_id: str, words: Sequence[Word]) -> frozenset[Word]:
        """One request a bucket, and one more for each mail that has changed since it was read."""
        by_mail: dict[str, list[Word]] = {}
        for word in words:
            by_mail.setdefault(word.key, []).append(word)
        # A transaction names a row once: where two have read a mail differently, it has changed for one of them.
        alike = {key: left for key, left in by_mail.items() if len({word.etag for word in left}) == 1}
        standing = self._table.write_together({key: _words(tenant_id, left) for key, left in alike.items()})
        return frozenset(chain.from_iterable(alike[key] for key in standing))

    def save(self, tenant_id: str, messages: Iterable[StoredMessage]) -> Mapping[str, StoredMessage]:
        """One request a bucket, and one more for each message that has changed since it was read."""
        by_key = {message.key: message for message in messages}
        saves = {key: [rows.saved(tenant_id, message)] for key, message in by_key.items()}
        written = self._table.write_together(saves)
        return {key: replace(by_key[key], etag=etag) for key, [etag] in written.items()}

    def _create_at_once(
        self, chosen: Sequence[NewMail], inserts: _Inserts, created: dict[str, StoredMessage]
    ) -> frozenset[str]:
        """Insert these by one transaction, or none of them; the keys of those that cannot be."""
        messages = {mail.key: mail.message for mail in chosen}
        etags, refused = self._table.write_at_once({key: inserts[key] for key in messages})
        # The first operation of a mail is its own row.
        created |= {key: replace(messages[key], etag=own) for key, [own, *_] in etags.items()}
        return refused


def _next(
    tenant_id: str, waiting: Iterable[NewMail], created: Iterable[str], inserts: _Inserts
) -> list[NewMail]:
    """The most that one transaction may insert now: no mail ahead of one that it comes after."""
    standing = frozenset(created)
    by_bucket: dict[str, dict[str, NewMail]] = {}
    for mail in waiting:
        partition, _ = rows.place(tenant_id, mail.key)
        chosen = by_bucket.setdefault(partition, {})
        if mail.after <= standing | chosen.keys():
            chosen[mail.key] = mail
    most = max(by_bucket.values(), key=len, default={})
    fitting = first_transaction({key: inserts[key] for key in most})
    return [most[key] for key in fitting]


def _insert(tenant_id: str, mail: NewMail, body: rows.Body) -> list[Operation]:
    message = replace(mail.message, has_dependents=bool(mail.dependents))
    row = {**rows.message_row(tenant_id, message), **body.columns}
    dependents = [_dependent(tenant_id, mail.key, dependent) for dependent in mail.dependents]
    return [Operation("create", row), *rows.beside(tenant_id, message, mail.copy), *dependents]


def _words(tenant_id: str, words: Sequence[Word]) -> list[Operation]:
    """All words that are left with one mail, which is there as it was read, or is not there."""
    key, etag = words[0].key, words[0].etag
    first = rows.noted(tenant_id, key, etag) if etag else rows.awaited(tenant_id, key)
    return [first, *(_dependent(tenant_id, key, word.dependent) for word in words)]


def _dependent(tenant_id: str, key: str, dependent: Dependent) -> Operation:
    return Operation("upsert", rows.dependent_row(tenant_id, key, dependent))
