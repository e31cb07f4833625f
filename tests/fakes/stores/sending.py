"""Mail on its way out, in memory."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from shared.domain.campaigns.campaigns import CampaignMail
from shared.domain.errors import NotFound
from shared.domain.sending.outbox import OutboxMail
from shared.domain.sending.pacing import Pace
from shared.domain.sending.uploads import Upload
from shared.ports.stores.sending import DueMail, OutboxFilter
from tests.fakes.etags import Etags, check_etag
from tests.fakes.faults import Faults


class FakeOutbox:
    """The mailbox's list is told from the mails themselves."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], OutboxMail] = {}
        self.paces: dict[tuple[str, str], Pace] = {}
        self.begun: set[tuple[str, str]] = set()
        self._etags = Etags()

    def add(self, mail: OutboxMail) -> OutboxMail:
        with self.faults.write("Outbox.add"):
            standing = self._of_key(mail.tenant_id, mail.key_hash) if mail.key_hash else None
            return standing or self._write(mail)

    def get(self, tenant_id: str, mail_id: str) -> OutboxMail | None:
        self.faults.read("Outbox.get")
        standing = self.rows.get((tenant_id, mail_id))
        # The mailbox's list alone knows whom to tell of.
        return replace(standing, untold=False) if standing else None

    def of_key(self, tenant_id: str, key_hash: str) -> OutboxMail | None:
        self.faults.read("Outbox.of_key")
        return self._of_key(tenant_id, key_hash)

    def of_campaign(self, tenant_id: str, campaign_id: str) -> Iterator[CampaignMail]:
        self.faults.read("Outbox.of_campaign")
        mails = [mail for (tenant, _), mail in self.rows.items() if tenant == tenant_id]
        found = [
            CampaignMail(mail.campaign.number, mail.id, mail.state, mail.error.code if mail.error else "")
            for mail in mails
            if mail.campaign and mail.campaign.id == campaign_id
        ]
        return iter(sorted(found, key=lambda mail: mail.number))

    def of_code(self, tenant_id: str, number: int, *, limit: int) -> list[OutboxMail]:
        self.faults.read("Outbox.of_code")
        mails = [mail for (tenant, _), mail in self.rows.items() if tenant == tenant_id]
        found = [mail for mail in mails if mail.code.number == number]
        return sorted(found, key=lambda mail: mail.id)[:limit]

    def save(self, mail: OutboxMail) -> OutboxMail:
        with self.faults.write("Outbox.save"):
            self._check(mail)
            return self._write(mail)

    def told(self, mails: Sequence[OutboxMail]) -> list[OutboxMail]:
        with self.faults.write("Outbox.told"):
            return [self._write(replace(mail, untold=False)) for mail in self._standing(mails)]

    def begin(self, mails: Sequence[OutboxMail]) -> list[OutboxMail]:
        with self.faults.write("Outbox.begin"):
            standing = self._standing(mails)
            self.begun |= {(mail.tenant_id, mail.id) for mail in standing}
            return standing

    def start(self, mail: OutboxMail, pace: Pace) -> tuple[OutboxMail, Pace]:
        with self.faults.write("Outbox.start"):
            self._check(mail)
            counted = self.paces.get(_place(mail))
            check_etag(counted.etag if counted else None, pace.etag)
            self.paces[_place(mail)] = replace(pace, etag=self._etags())
            return self._write(mail), self.paces[_place(mail)]

    def page(
        self, tenant_id: str, wanted: OutboxFilter, *, limit: int, after: str
    ) -> tuple[list[OutboxMail], str]:
        self.faults.read("Outbox.page")
        rows = {mail.id: mail for (tenant, _), mail in self.rows.items() if tenant == tenant_id}
        ids = [mail_id for mail_id in sorted(rows) if mail_id > after and _is_wanted(rows[mail_id], wanted)]
        return [rows[mail_id] for mail_id in ids[:limit]], ids[limit - 1] if len(ids) > limit else ""

    def due(self, tenant_id: str, mailbox_id: str, now: datetime, *, limit: int) -> DueMail:
        self.faults.read("Outbox.due")
        place = (tenant_id, mailbox_id)
        oldest = sorted(self._due(place, now), key=lambda mail: mail.created_at)
        noted = [self._noted(mail) for mail in oldest[:limit]]
        return DueMail(tuple(noted), self.paces.get(place, Pace()))

    def has_due(self, tenant_id: str, mailbox_id: str, now: datetime) -> bool:
        self.faults.read("Outbox.has_due")
        return bool(self._due((tenant_id, mailbox_id), now))

    def mailboxes_due(self, tenant_ids: Iterable[str], now: datetime) -> Iterator[tuple[str, str]]:
        self.faults.read("Outbox.mailboxes_due")
        wanted = frozenset(tenant_ids)
        places = {_place(mail) for mail in self.rows.values() if mail.is_due(now)}
        return iter(sorted(place for place in places if place[0] in wanted))

    def _due(self, place: tuple[str, str], now: datetime) -> list[OutboxMail]:
        return [mail for mail in self.rows.values() if _place(mail) == place and mail.is_due(now)]

    def _noted(self, mail: OutboxMail) -> OutboxMail:
        return replace(mail, begun=mail.begun or (mail.tenant_id, mail.id) in self.begun)

    def _standing(self, mails: Sequence[OutboxMail]) -> list[OutboxMail]:
        """Those that nobody has changed since they were read."""
        return [mail for mail in mails if self.rows[mail.tenant_id, mail.id].etag == mail.etag]

    def _check(self, mail: OutboxMail) -> None:
        found = self.rows.get((mail.tenant_id, mail.id))
        check_etag(found.etag if found else None, mail.etag)

    def _of_key(self, tenant_id: str, key_hash: str) -> OutboxMail | None:
        mails = (mail for (tenant, _), mail in self.rows.items() if tenant == tenant_id)
        return next((mail for mail in mails if mail.key_hash == key_hash), None)

    def _write(self, mail: OutboxMail) -> OutboxMail:
        self.begun.discard((mail.tenant_id, mail.id))
        written = replace(mail, etag=self._etags())
        self.rows[mail.tenant_id, mail.id] = written
        return written


def _place(mail: OutboxMail) -> tuple[str, str]:
    return mail.tenant_id, mail.mailbox_id


def _is_wanted(mail: OutboxMail, wanted: OutboxFilter) -> bool:
    return wanted.state in (None, mail.state) and wanted.agent in ("", mail.agent)


class FakeUploads:
    """`pieces` are laid down, `files` are whole."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], Upload] = {}
        self.pieces: dict[tuple[str, str, int], bytes] = {}
        self.files: dict[tuple[str, str], bytes] = {}
        self._etags = Etags()

    def get(self, tenant_id: str, upload_id: str) -> Upload | None:
        self.faults.read("Uploads.get")
        return self.rows.get((tenant_id, upload_id))

    def save(self, upload: Upload) -> Upload:
        with self.faults.write("Uploads.save"):
            place = (upload.tenant_id, upload.id)
            found = self.rows.get(place)
            check_etag(found.etag if found else None, upload.etag)
            self.rows[place] = replace(upload, etag=self._etags())
            return self.rows[place]

    def put_piece(self, upload: Upload, offset: int, content: bytes) -> None:
        with self.faults.write("Uploads.put_piece"):
            self.pieces[upload.tenant_id, upload.id, offset] = content

    def complete(self, upload: Upload) -> None:
        with self.faults.write("Uploads.complete"):
            place = (upload.tenant_id, upload.id)
            self.files[place] = b"".join(self.pieces[*place, offset] for offset in upload.offsets)

    def read(self, tenant_id: str, upload_id: str) -> Iterator[bytes]:
        self.faults.read("Uploads.read")
        if (tenant_id, upload_id) not in self.files:
            raise NotFound("there is no such file")
        return iter([self.files[tenant_id, upload_id]])

    def forget(self, tenant_id: str, now: datetime, *, limit: int) -> bool:
        with self.faults.write("Uploads.forget"):
            old = [
                place for place, row in self.rows.items() if place[0] == tenant_id and row.keep_until <= now
            ]
            for place in old[:limit]:
                del self.rows[place]
                self.files.pop(place, None)
            return len(old) >= limit


class FakeSignatures:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], str] = {}

    def get(self, tenant_id: str, agent_id: str) -> str:
        self.faults.read("Signatures.get")
        return self.rows.get((tenant_id, agent_id), "")

    def put(self, tenant_id: str, agent_id: str, html: str) -> None:
        with self.faults.write("Signatures.put"):
            self.rows[tenant_id, agent_id] = html
