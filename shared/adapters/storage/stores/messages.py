"""The table Messages and the container `bodies`: each mail once, under its key, with a row per copy.

Documents are written with their message by one insert; a large one is in its blob before the row names it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain, islice
from typing import Final

from shared.adapters.storage.connection import Connection
from shared.adapters.storage.stores import message_rows as rows
from shared.adapters.storage.stores.bodies import Bodies
from shared.adapters.storage.stores.message_groups import AzureMessageGroups
from shared.adapters.storage.stores.message_names import AzureMessageNames
from shared.adapters.storage.table import KEYS, Operation, Row, Table, etag_of, in_partition
from shared.domain import names
from shared.domain.errors import Conflict, NotFound
from shared.domain.filing.copies import Copy, Dependent
from shared.domain.filing.filing import StoredMessage
from shared.domain.mail.identity import variant_keys
from shared.domain.mail.messages import Document
from shared.domain.matching.candidates import ThreadHit
from shared.ports.stores.filing import MOST_OF_CONVERSATION, Claim, NewMail, ThreadPlace, Word

# Word that is left with an awaited mail changes its row: an insert may lose to so many in a row.
_TRIES: Final = 6


class AzureMessageStore:
    """Implements `ports.MessageStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._table = Table(connection, names.MESSAGES)
        self._bodies = Bodies(connection)
        self._groups = AzureMessageGroups(connection)
        self._names = AzureMessageNames(connection)

    def create(self, tenant_id: str, message: StoredMessage, document: Document, copy: Copy) -> Claim:
        """One request; one more for a large body, two more where somebody waits for the mail."""
        body = rows.body_of(tenant_id, message.key, document)
        # The blob first: a row never names a body that is not there.
        self._bodies.put(body)
        claim = self._claim(tenant_id, message, body, copy)
        if not claim.created:
            self._bodies.drop_refused(tenant_id, message.key, body)
        return claim

    def create_together(self, tenant_id: str, mails: Sequence[NewMail]) -> Mapping[str, StoredMessage]:
        return self._groups.create(tenant_id, mails)

    def add_copy(self, tenant_id: str, key: str, copy: Copy) -> None:
        """One request."""
        self._table.upsert(rows.copy_row(tenant_id, key, copy))

    def save(self, tenant_id: str, message: StoredMessage) -> StoredMessage:
        """One request. A message that went away is a Conflict too."""
        if not message.etag:
            raise Conflict(f"{names.MESSAGES}: only a message that was read can be saved")
        try:
            etag = self._table.submit(rows.saved(tenant_id, message))
        except NotFound as error:
            raise Conflict(str(error)) from error
        return replace(message, etag=etag)

    def save_together(self, tenant_id: str, messages: Sequence[StoredMessage]) -> Mapping[str, StoredMessage]:
        return self._groups.save(tenant_id, messages)

    def bury(self, tenant_id: str, tombstone: StoredMessage) -> None:
        """Four requests, and one per copy and dependent. The row names body and thread until all else is gone."""
        if not tombstone.etag:
            raise Conflict(f"{names.MESSAGES}: only a message that was read can be buried")
        partition, key = rows.place(tenant_id, tombstone.key)
        row = self._table.get(partition, key, rows.MESSAGE_COLUMNS)
        if row is not None:
            self._leave_thread(tenant_id, rows.to_message(row))
            self._bodies.delete_all(tenant_id, tombstone.key)
        first, _ = rows.copies_range(tombstone.key)
        _, last = rows.dependents_range(tombstone.key)
        beside = self._table.rows(in_partition(partition, first=first, last=last), select=("RowKey",))
        self._connection.side_by_side(
            lambda row: self._table.delete(partition, str(row["RowKey"])), list(beside)
        )
        try:
            # Replaced and not merged: nothing of the mail's own columns may stay.
            self._table.submit(Operation("replace", rows.message_row(tenant_id, tombstone), tombstone.etag))
        except NotFound as error:
            raise Conflict(str(error)) from error

    def save_with_document(self, tenant_id: str, message: StoredMessage, document: Document) -> None:
        """One request; up to three more for a large body. The new body is there before the row names it."""
        row = self._table.get(*rows.place(tenant_id, message.key), rows.DOCUMENT_COLUMNS)
        old = str(row.get(rows.BODY) or "") if row else ""
        body = rows.body_of(tenant_id, message.key, document)
        self._bodies.put(body)
        # Replaced and not merged: a person is taken out of it, who may stand in any column of the old row.
        row = {**rows.message_row(tenant_id, message), **body.columns}
        try:
            self._table.submit(Operation("replace", row, message.etag))
        except NotFound as error:
            raise Conflict(str(error)) from error
        if old and old != body.blob:
            self._bodies.delete(old)

    def get(self, tenant_id: str, key: str) -> StoredMessage | None:
        """One request; two where a relay gave the mail that Message-ID."""
        row = self._names.row(tenant_id, key)
        return rows.to_message(row) if row and not rows.is_awaited(row) else None

    def get_many(self, tenant_id: str, keys: Iterable[str]) -> Mapping[str, StoredMessage]:
        """One request per key, side by side."""
        found = self._names.rows(tenant_id, list(dict.fromkeys(keys)))
        return {key: rows.to_message(row) for key, row in found.items()}

    def document(self, tenant_id: str, key: str) -> Document | None:
        """One request; one more for a large body."""
        row = self._table.get(*rows.place(tenant_id, key), rows.DOCUMENT_COLUMNS)
        return self._document(row) if row else None

    def copies(self, tenant_id: str, key: str) -> list[Copy]:
        """One range query."""
        partition, _ = rows.place(tenant_id, key)
        first, last = rows.copies_range(key)
        found = self._table.rows(in_partition(partition, first=first, last=last), select=rows.COPY_COLUMNS)
        return [rows.to_copy(row) for row in found]

    def find(self, tenant_id: str, ids: Mapping[str, str]) -> Mapping[str, tuple[ThreadHit, ...]]:
        """One request per key, side by side; one more per variant of those found."""
        nearest = next(iter(ids), "")
        found = self._names.rows(tenant_id, list(ids), with_document=nearest)
        variants = {key: variant_keys(rows.key_of(row), int(row["variants"])) for key, row in found.items()}
        others = self._names.rows(tenant_id, list(chain.from_iterable(variants.values())))

        def hits(key: str) -> tuple[ThreadHit, ...]:
            siblings = [found[key], *(others[name] for name in variants[key] if name in others)]
            return tuple(rows.to_hit(row, ids[key]) for row in siblings)

        return {key: hits(key) for key in found}

    def wait_for(self, tenant_id: str, key: str, dependent: Dependent) -> StoredMessage | None:
        """One request for the first with a mail that is not there, three for the next and for one that is there."""
        word = Operation("upsert", rows.dependent_row(tenant_id, key, dependent))
        awaited = rows.awaited(tenant_id, key)
        if self._is_done([awaited, word]):
            return None
        stored = self._leave_word(tenant_id, key, dependent)
        return stored if stored is not None and stored.is_filed else None

    def leave_words(self, tenant_id: str, words: Sequence[Word]) -> frozenset[Word]:
        return self._groups.leave_words(tenant_id, words)

    def depend_on(self, tenant_id: str, hit: ThreadHit, dependent: Dependent) -> ThreadHit:
        """One request; two more where the mail has changed since it was read."""
        word = Operation("upsert", rows.dependent_row(tenant_id, hit.key, dependent))
        # Under the ETag, so that the hit need not be read again: whoever changes the mail behind this finds the word.
        if hit.etag and self._is_done([rows.noted(tenant_id, hit.key, hit.etag), word]):
            return hit
        stored = self._leave_word(tenant_id, hit.key, dependent)
        return hit.as_now(stored.as_thread_hit(hit.evidence) if stored else None)

    def dependents(self, tenant_id: str, key: str) -> list[Dependent]:
        """One range query."""
        partition, _ = rows.place(tenant_id, key)
        first, last = rows.dependents_range(key)
        found = self._table.rows(in_partition(partition, first=first, last=last), select=rows.COPY_COLUMNS)
        return [rows.to_dependent(row) for row in found]

    def note_name(
        self, tenant_id: str, name: str, key: str, told: Collection[Dependent]
    ) -> frozenset[Dependent]:
        return self._names.note(tenant_id, name, key, told)

    def is_awaited(self, tenant_id: str, key: str) -> bool:
        """One request."""
        row = self._names.row(tenant_id, key)
        return row is not None and rows.is_awaited(row)

    def scan(self, tenant_id: str, *, limit: int, after: str) -> tuple[list[StoredMessage], str]:
        """A query over the organisation's partitions, a thousand rows at a time; copies are read past."""
        found: list[StoredMessage] = []
        for row in self._table.rows(rows.behind(tenant_id, after), select=rows.MESSAGE_COLUMNS):
            if len(found) == limit:
                return found, found[-1].key
            found.append(rows.to_message(row))
        return found, ""

    def note_conversation(self, tenant_id: str, message: StoredMessage) -> None:
        """One request."""
        self._table.upsert(rows.conversation_row(tenant_id, message))

    def of_conversation(
        self, tenant_id: str, conversation: str, *, until: datetime, apart_from: Collection[str]
    ) -> tuple[ThreadHit, ...]:
        """A range query for each bucket, side by side, and one request for each of the newest messages."""
        first, last = rows.conversation_range(conversation, until)

        def newest_of(partition: str) -> list[Row]:
            condition = in_partition(partition, first=first, last=last)
            noted = self._table.rows(condition, select=KEYS, page=MOST_OF_CONVERSATION + 1)
            return list(
                islice(
                    (row for row in noted if rows.conversation_key(row) not in apart_from),
                    MOST_OF_CONVERSATION,
                )
            )

        noted = chain.from_iterable(self._connection.side_by_side(newest_of, rows.buckets(tenant_id)))
        newest = sorted(noted, key=lambda row: str(row["RowKey"]))[:MOST_OF_CONVERSATION]
        found = self._names.rows(tenant_id, [rows.conversation_key(row) for row in newest])
        return tuple(rows.to_hit(row, "conversation") for row in found.values())

    def note_thread(self, tenant_id: str, message: StoredMessage) -> None:
        """One request."""
        self._table.upsert(rows.thread_row(tenant_id, message))

    def of_thread(
        self, tenant_id: str, thread: str, *, limit: int, after: str
    ) -> tuple[list[ThreadPlace], str]:
        """A range query for each bucket, side by side."""
        beyond, last = rows.thread_range(thread, after)

        def oldest_of(partition: str) -> list[Row]:
            condition = in_partition(partition, beyond=beyond, last=last)
            return list(islice(self._table.rows(condition, select=KEYS, page=limit + 1), limit + 1))

        found = chain.from_iterable(self._connection.side_by_side(oldest_of, rows.buckets(tenant_id)))
        places = sorted((rows.thread_place(row) for row in found), key=lambda found: found.place)
        return places[:limit], places[limit - 1].place if len(places) > limit else ""

    def with_documents(
        self, tenant_id: str, keys: Iterable[str]
    ) -> Mapping[str, tuple[StoredMessage, Document]]:
        """One request per key, side by side; one more for each large body."""

        def read(key: str) -> tuple[StoredMessage, Document] | None:
            columns = (*rows.MESSAGE_COLUMNS, rows.BODY, rows.DOCUMENT)
            row = self._table.get(*rows.place(tenant_id, key), columns)
            if row is None or rows.is_awaited(row):
                return None
            document = self._document(row)
            return (rows.to_message(row), document) if document else None

        wanted = list(dict.fromkeys(keys))
        found = self._connection.side_by_side(read, wanted)
        return {key: mail for key, mail in zip(wanted, found, strict=True) if mail is not None}

    def _document(self, row: Row) -> Document | None:
        if row.get(rows.BODY):
            return rows.to_document(b"".join(self._bodies.get(str(row[rows.BODY]))))
        return rows.to_document(row[rows.DOCUMENT]) if row.get(rows.DOCUMENT) else None

    def _leave_thread(self, tenant_id: str, message: StoredMessage) -> None:
        if message.thread:
            row = rows.thread_row(tenant_id, message)
            self._table.delete(str(row["PartitionKey"]), str(row["RowKey"]))

    def _claim(self, tenant_id: str, message: StoredMessage, body: rows.Body, copy: Copy) -> Claim:
        beside = rows.beside(tenant_id, message, copy)
        verb, etag = "create", ""
        # An insert in the usual case; where others wait for the mail, their placeholder is replaced under its ETag.
        for _ in range(_TRIES):
            # A placeholder may have been another mail's name.
            own = {rows.SAME_AS: ""} if etag else {}
            row = {**rows.message_row(tenant_id, message), **body.columns, **own}
            try:
                etags = self._table.transact([Operation(verb, row, etag), *beside])
                return Claim(replace(message, etag=etags[0]), created=True)
            except Conflict:
                stored = self._names.row(tenant_id, message.key)
            if stored and not rows.is_awaited(stored):
                return Claim(rows.to_message(stored), created=False)
            verb, etag = ("merge", etag_of(stored)) if stored else ("create", "")
            message = replace(message, has_dependents=stored is not None)
        raise Conflict(f"{names.MESSAGES}: too many wait for one mail at once")

    def _leave_word(self, tenant_id: str, key: str, dependent: Dependent) -> StoredMessage | None:
        """Word with a mail that seems to be there; the message as it stands behind that."""
        word = Operation("upsert", rows.dependent_row(tenant_id, key, dependent))
        awaited = rows.awaited(tenant_id, key)
        if not self._is_done([rows.noted(tenant_id, key), word]) and not self._is_done([awaited, word]):
            raise Conflict(f"{names.MESSAGES}: a message came and went")
        stored = self.get(tenant_id, key)
        # Of a mail that goes by this name too, those beside its own row are told.
        is_named = stored is not None and stored.key != key
        return self._leave_word(tenant_id, stored.key, dependent) if stored and is_named else stored

    def _is_done(self, operations: list[Operation]) -> bool:
        """Whether a transaction went through; not, where its message is there already, or is not."""
        try:
            self._table.transact(operations)
        except (Conflict, NotFound):
            return False
        return True
