"""The control API: what people, administrators and the weather do, and what there is to see.

Loopback only, no authentication.
"""

import base64
import dataclasses
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dev.simulator.api_tokens import api_token
from dev.simulator.content import Content
from dev.simulator.control_imap import ImapControl
from dev.simulator.control_people import PeopleControl
from dev.simulator.control_smtp import SmtpControl
from dev.simulator.control_weather import Refusal, WeatherControl, user_of
from dev.simulator.directory import MAIL_ROLES, Group, Organisation, User
from dev.simulator.errors import GraphError
from dev.simulator.items import Folder, Origin, StoredMessage, stamp
from dev.simulator.mailbox import Mailbox
from dev.simulator.mime import read_mail
from dev.simulator.notifications import Notifier
from dev.simulator.searches import search_of
from dev.simulator.tokens import TokenMint
from dev.simulator.world import World

Given = dict[str, object]


class Control:
    """One method per call; each takes the body or the query and returns JSON."""

    def __init__(self, world: World, mint: TokenMint, notifier: Notifier) -> None:
        self.world, self.mint, self.notifier = world, mint, notifier
        self.imap = ImapControl(world.imap)
        if world.smtp is not None:
            world.smtp.files = self.imap.file_sent
        self._calls: dict[tuple[str, str], Callable[[Given], object]] = {
            ("POST", "organisations"): self.post_organisation,
            ("GET", "organisations"): self.get_organisations,
            ("POST", "users"): self.post_user,
            ("GET", "users"): self.get_users,
            ("POST", "folders"): self.post_folder,
            ("POST", "tokens"): lambda given: {"access_token": api_token(world, mint, given)},
            ("POST", "keys/rotate"): self.rotate_keys,
            ("POST", "move"): self.move,
            ("POST", "delete"): self.delete,
            ("POST", "update"): self.update,
            ("GET", "outbound"): self.get_outbound,
            ("DELETE", "outbound"): self.delete_outbound,
            ("GET", "messages"): self.get_messages,
            **PeopleControl(world).calls,
            **WeatherControl(world, notifier).calls,
            **self.imap.calls,
            **SmtpControl(world.smtp).calls,
        }

    async def answer(self, request: Request) -> Response:
        """400 with a sentence for a mistake, 404 for what does not exist."""
        path, body = str(request.path_params["path"]).strip("/"), await request.body()
        given: Given = dict(request.query_params)
        try:
            if (request.method, path) == ("POST", "deliver"):
                return JSONResponse(self.deliver(given, body))
            if (request.method, path) == ("POST", "imap_deliver"):
                return JSONResponse(self.imap.deliver(given, body))
            call = self._calls.get((request.method, path))
            if call is None:
                return JSONResponse({"error": f"There is no {request.method} {path}."}, 404)
            return JSONResponse(call(given | (json.loads(body) if body else {})))
        except GraphError as error:
            return JSONResponse({"error": error.message, "code": error.code}, error.status)
        except KeyError as error:
            return JSONResponse({"error": f"Missing or unknown: {error}."}, 400)
        except (Refusal, ValueError, TypeError) as error:
            return JSONResponse({"error": str(error)}, 400)

    def post_organisation(self, given: Given) -> object:
        tenant_id = str(given["tenant_id"]).lower()
        domains = {
            str(domain).lower() for domain in (given.get("domain"), *_list(given, "domains")) if domain
        }
        old = self.world.directory.organisations.get(tenant_id)
        roles = (
            tuple(str(role) for role in _list(given, "roles"))
            if "roles" in given
            else old.graph_roles
            if old
            else MAIL_ROLES
        )
        consented = bool(given.get("consented", old.consented if old else False))
        known = domains | (old.domains if old else set())
        organisation = (
            dataclasses.replace(old, domains=known, consented=consented, graph_roles=roles)
            if old
            else Organisation(tenant_id, known, consented, roles)
        )
        self.world.directory.add_organisation(organisation)
        return {"tenant_id": tenant_id, "domains": sorted(organisation.domains), "consented": consented}

    def get_organisations(self, _: Given) -> object:
        found = self.world.directory.organisations.values()
        return [
            {"tenant_id": one.tenant_id, "domains": sorted(one.domains), "consented": one.consented}
            for one in found
        ]

    def post_user(self, given: Given) -> object:
        tenant_id, address = str(given["tenant_id"]).lower(), str(given["address"]).strip()
        if tenant_id not in self.world.directory.organisations:
            raise Refusal(f"There is no organisation {tenant_id}: post it first.")
        directory = self.world.directory
        user = directory.put_user(
            tenant_id,
            address,
            user_id=str(given["id"]).lower() if given.get("id") else None,
            mailbox=bool(given.get("mailbox", True)),
            language=str(given.get("language", "en")),
            listener=self.world.announce,
        )
        user.name = str(given.get("name") or user.name)
        user.purpose = str(given.get("purpose") or user.purpose)
        user.enabled = bool(given.get("enabled", user.enabled))
        if "aliases" in given:
            user.aliases = [str(alias) for alias in _list(given, "aliases")]
        if "roles" in given:
            user.roles = [str(role) for role in _list(given, "roles")]
        directory.index()
        return {"id": user.id, "address": user.address}

    def get_users(self, _: Given) -> object:
        return [
            {**user.as_json(), "tenant_id": user.tenant_id} for user in self.world.directory.users.values()
        ]

    def rotate_keys(self, _: Given) -> object:
        self.mint.rotate()
        return {"keys": len(self.mint.keys)}

    def _user(self, given: Given) -> User:
        return user_of(self.world, given)

    def _mailbox(self, given: Given) -> Mailbox:
        user = self._user(given)
        if user.mailbox is None:
            raise Refusal(f"{user.address} has no mailbox.")
        return user.mailbox

    @staticmethod
    def _folder(mailbox: Mailbox, name: object) -> Folder:
        folder = mailbox.by_path(str(name))
        if folder is None:
            raise Refusal(f"{mailbox.address} has no folder {name}.")
        return folder

    def post_folder(self, given: Given) -> object:
        mailbox = self._mailbox(given)
        parent = self._folder(mailbox, given.get("parent") or "msgfolderroot")
        container = str(given.get("container_class") or "IPF.Note")
        hidden, search = bool(given.get("hidden")), given.get("search")
        kept = search_of(mailbox, search) if isinstance(search, Mapping) else None
        return {
            "id": mailbox.create_folder(str(given["name"]), parent, container, hidden=hidden, search=kept).id
        }

    def deliver(self, given: Given, raw: bytes) -> object:
        """Puts a mail into a folder as if it had come by SMTP, from a colleague, or been sent from there.

        Mail to a group goes to its members, unless it comes from outside and the group takes none of that.
        """
        group = self.world.directory.group(str(given["address"]))
        if group is not None:
            return self._deliver_to(group, given, raw)
        user, mailbox = self._user(given), self._mailbox(given)
        folder = self._folder(mailbox, given.get("folder") or "inbox")
        now = datetime.now(UTC)
        received = (
            datetime.fromisoformat(str(given["received"]).replace(" ", "+")) if given.get("received") else now
        )
        received = (received if received.tzinfo else received.replace(tzinfo=UTC)).astimezone(UTC)
        content = read_mail(raw)
        origin = self._origin(user, folder, content, given.get("internal"))
        is_read = str(given.get("read", folder.well_known == "sentitems")).lower() == "true"
        message = mailbox.add(content, folder, received=received, origin=origin, now=now, is_read=is_read)
        return self._shown(mailbox, message)

    def _deliver_to(self, group: Group, given: Given, raw: bytes) -> object:
        sender = read_mail(raw).from_
        users = filter(None, map(self.world.directory.by_address, group.members))
        tenants = {user.tenant_id for user in users}
        is_inside = sender is not None and any(
            self.world.directory.is_internal(tenant_id, sender.address) for tenant_id in tenants
        )
        if not is_inside and not group.outside_senders:
            return {"refused": "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup"}
        return {
            "members": {member: self.deliver({**given, "address": member}, raw) for member in group.members}
        }

    def _origin(self, user: User, folder: Folder, content: Content, internal: object) -> Origin:
        if folder.well_known in ("drafts", "outbox"):
            return "draft"
        if folder.well_known == "sentitems":
            return "sent"
        if internal is not None:
            return "internal" if str(internal).lower() == "true" else "inbound"
        sender = content.from_.address if content.from_ else ""
        return "internal" if self.world.directory.is_internal(user.tenant_id, sender) else "inbound"

    @staticmethod
    def _shown(mailbox: Mailbox, message: StoredMessage) -> dict[str, object]:
        return {
            "id": message.immutable_id,
            "mutableId": message.mutable_id,
            "internetMessageId": message.internet_message_id,
            "conversationId": message.conversation_id,
            "folder": mailbox.path(message.folder),
            "subject": message.content.subject,
            "isRead": message.is_read,
            "isDraft": message.is_draft,
            "categories": message.categories,
            "receivedDateTime": stamp(message.received),
        }

    def move(self, given: Given) -> object:
        mailbox = self._mailbox(given)
        message = mailbox.message(str(given["id"]))
        mailbox.move(
            message,
            self._folder(mailbox, given["folder"]),
            datetime.now(UTC),
            in_delta=not self.world.faults.strikes("lost_moves"),
        )
        return self._shown(mailbox, message)

    def delete(self, given: Given) -> object:
        """As Outlook does: into Deleted Items, from there for good; `"hard": true` at once."""
        mailbox, now = self._mailbox(given), datetime.now(UTC)
        message, bin_ = mailbox.message(str(given["id"])), mailbox.well_known["deleteditems"]
        if given.get("hard") or message.folder is bin_:
            mailbox.delete(message, now)
        else:
            mailbox.move(message, bin_, now)
        return {"deleted": message.immutable_id}

    def update(self, given: Given) -> object:
        """As the person would: read or unread, categories, flag."""
        mailbox = self._mailbox(given)
        message = mailbox.message(str(given["id"]))
        mailbox.update(
            message,
            {name: value for name, value in given.items() if name not in ("address", "id")},
            datetime.now(UTC),
        )
        return self._shown(mailbox, message)

    def get_outbound(self, _: Given) -> object:
        return [
            {
                "at": one.at,
                "mailbox": one.mailbox,
                "to": list(one.recipients),
                "internetMessageId": one.internet_message_id,
                "subject": one.subject,
                "raw": one.raw.decode("utf-8", "replace"),
                "raw_base64": base64.b64encode(one.raw).decode("ascii"),
            }
            for one in self.world.outbound
        ]

    def delete_outbound(self, _: Given) -> object:
        self.world.outbound.clear()
        self.world.sent.clear()
        return {}

    def get_messages(self, given: Given) -> object:
        mailbox = self._mailbox(given)
        return [self._shown(mailbox, message) for message in mailbox.all_messages()]


def _list(given: Given, name: str) -> list[object]:
    value = given.get(name)
    return value if isinstance(value, list) else []
