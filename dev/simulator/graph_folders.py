"""Graph's folder routes: lists, children, single folders, and folder delta."""

import re
from urllib.parse import quote

from dev.simulator import refusals
from dev.simulator.call import Answer
from dev.simulator.delta import SyncState, gone
from dev.simulator.errors import GraphError, bad_request
from dev.simulator.items import Folder
from dev.simulator.mailbox import Mailbox
from dev.simulator.properties import property_id
from dev.simulator.query import page_size
from dev.simulator.routing import Context, routes
from dev.simulator.searches import ODATA_TYPE, messages_in, search_json, search_of

_CONTAINER_CLASS = re.compile(r"id\s+eq\s+'(String 0x3613)'", re.I)


def folder_json(
    mailbox: Mailbox, folder: Folder, *, expand: str | None = None, select: str | None = None
) -> dict[str, object]:
    """The mailFolder resource; the container class only by $expand of `String 0x3613`."""
    messages = messages_in(mailbox, folder)
    values: dict[str, object] = {
        "id": folder.id,
        "displayName": folder.name,
        "parentFolderId": folder.parent_id or folder.id,
        "childFolderCount": len(mailbox.children(folder)),
        "unreadItemCount": sum(not message.is_read for message in messages),
        "totalItemCount": len(messages),
        "isHidden": folder.hidden,
    }
    if folder.search is not None:
        values |= search_json(folder.search)
    if select:
        names = {name.strip().lower() for name in select.split(",")} | {"id"}
        if unknown := names - {name.lower() for name in values}:
            raise bad_request(
                f"Could not find a property named '{min(unknown)}' on type 'microsoft.graph.mailFolder'."
            )
        values = {name: value for name, value in values.items() if name.lower() in names}
    if folder.search is not None:
        values = {"@odata.type": ODATA_TYPE, **values}
    if expand and (found := _CONTAINER_CLASS.search(expand)):
        shown = {"id": property_id(found[1]), "value": folder.container_class}
        values["singleValueExtendedProperties"] = [shown]
    return values


def _page(context: Context, folders: list[Folder], path: str) -> Answer:
    query, mailbox = context.call.query, context.mailbox
    if query.get("includehiddenfolders", "").lower() != "true":
        folders = [folder for folder in folders if not folder.hidden]
    refusals.check_folders(context.call, context.habits)
    size = page_size(context.call.integer("$top"), context.list_page_size)
    skip = context.call.integer("$skip") or 0
    expand, select = query.get("$expand"), query.get("$select")
    page: dict[str, object] = {"@odata.context": context.context_url("mailFolders")}
    page["value"] = [
        folder_json(mailbox, one, expand=expand, select=select) for one in folders[skip : skip + size]
    ]
    if len(folders) > skip + size:
        options = {**query, "$skip": str(skip + size)}
        rest = "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())
        page["@odata.nextLink"] = f"{context.base}/users/{context.user.id}/{path}?{rest}"
    return Answer(payload=page)


@routes.on("GET", "/users/{user}/mailFolders", options="select expand top skip")
async def list_folders(context: Context) -> Answer:
    """The folders directly under the root: ten a page, hidden ones on request."""
    mailbox = context.mailbox
    return _page(context, mailbox.children(mailbox.well_known["msgfolderroot"]), "mailFolders")


@routes.on("GET", "/users/{user}/mailFolders/{folder}", options="select expand")
async def get_folder(context: Context) -> Answer:
    """One folder by id or well-known name."""
    query, folder = context.call.query, context.mailbox.folder(context.parameters["folder"])
    shown = folder_json(context.mailbox, folder, expand=query.get("$expand"), select=query.get("$select"))
    return Answer(payload={"@odata.context": context.context_url("mailFolders/$entity"), **shown})


@routes.on("GET", "/users/{user}/mailFolders/{folder}/childFolders", options="select expand top skip")
async def list_children(context: Context) -> Answer:
    """The folders directly under another one."""
    parent = context.mailbox.folder(context.parameters["folder"])
    return _page(context, context.mailbox.children(parent), f"mailFolders/{parent.id}/childFolders")


@routes.on("GET", "/users/{user}/mailFolders/delta", options="select expand top skiptoken deltatoken")
async def folder_delta(context: Context) -> Answer:
    """Folders of the whole mailbox at any depth, hidden ones too; then those that are new or renamed."""
    query, mailbox = context.call.query, context.mailbox
    token = query.get("$deltatoken") or query.get("$skiptoken")
    if token:
        if context.world.faults.strikes("expire_delta_tokens"):
            raise gone()
        state = SyncState.parse(token)
        if state.folder != "folders":
            raise gone()
    else:
        size = page_size(context.call.integer("$top"), context.call.preferences.page_size)
        state = SyncState("folders", 0, query.get("$select"), query.get("$expand"), size=size)
    size = context.call.preferences.page_size or state.size
    new = [(sequence, folder) for sequence, folder in mailbox.folder_log if sequence > state.mark]
    entries = [(sequence, folder) for sequence, folder in new if folder.listed]
    shown = entries[:size]
    mark = shown[-1][0] if shown else state.mark
    after = SyncState("folders", mark, state.select, state.expand, size=state.size)
    link = f"{context.base}/users/{context.user.id}/mailFolders/delta?"
    page: dict[str, object] = {"@odata.context": context.context_url("mailFolders/delta")}
    if len(entries) > len(shown):
        page["@odata.nextLink"] = f"{link}$skiptoken={after.token()}"
    else:
        page["@odata.deltaLink"] = f"{link}$deltatoken={after.token()}"
    distinct = {folder.id: folder for _, folder in shown}
    page["value"] = [
        folder_json(mailbox, one, expand=state.expand, select=state.select) for one in distinct.values()
    ]
    return Answer(payload=page)


@routes.on("POST", "/users/{user}/mailFolders")
async def create_folder(context: Context) -> Answer:
    """A new folder under the root."""
    return _created(context, context.mailbox.well_known["msgfolderroot"])


@routes.on("POST", "/users/{user}/mailFolders/{folder}/childFolders")
async def create_child(context: Context) -> Answer:
    """A new folder under another one; of the type `mailSearchFolder` a kept search."""
    return _created(context, context.mailbox.folder(context.parameters["folder"]))


def _created(context: Context, parent: Folder) -> Answer:
    given, mailbox = context.call.json(), context.mailbox
    name = str(given.get("displayName") or "")
    if not name:
        raise GraphError(400, "ErrorInvalidRequest", "The displayName of the folder is missing.")
    is_search = str(given.get("@odata.type") or "").lower().lstrip("#") == ODATA_TYPE.lower().lstrip("#")
    search = search_of(mailbox, given) if is_search else None
    hidden = given.get("isHidden") is True
    folder = mailbox.create_folder(name, parent, hidden=hidden, search=search)
    return Answer(201, folder_json(mailbox, folder))
