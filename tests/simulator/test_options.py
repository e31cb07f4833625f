"""Options of a read that a route of Graph does not have: refused, and not passed over."""

import pytest

from dev.simulator.client import Control
from tests.simulator.conftest import Graph, a_mail

pytestmark = pytest.mark.stack


@pytest.mark.parametrize(
    "path",
    [
        "/messages?$search=x",
        "/messages?$apply=x",
        "/messages/{item}?$filter=isRead eq true",
        "/messages/{item}?$orderby=receivedDateTime",
        "/messages/{item}/$value?$select=id",
        "/messages/{item}/attachments?$orderby=name",
        "/mailFolders?$orderby=displayName",
        "/mailFolders?$select=id,colour",
        "/mailFolders/inbox?$filter=isHidden eq true",
        "/mailFolders/inbox/messages/delta?$count=true",
        "/mailFolders/inbox/messages/delta?$skip=5",
        "/mailboxSettings?$select=timeZone",
        "?$filter=id eq 'x'",
    ],
)
def test_an_option_that_a_route_does_not_have_is_refused(
    graph: Graph, control: Control, address: str, mailbox: str, path: str
) -> None:
    item = control.deliver(address, a_mail())["id"]
    whole = mailbox + path.format(item=item)
    assert graph("GET", whole).status_code == 400
    assert graph("GET", whole.partition("?")[0]).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/messages?$select=id&$top=5&$skip=1&$count=true&$orderby=receivedDateTime desc",
        "/messages?unknown=1",
        "/mailFolders?$top=5&includeHiddenFolders=true&$select=id,displayName",
        "/mailFolders/inbox/messages/delta?changeType=created",
    ],
)
def test_an_option_that_a_route_has_or_that_is_none_of_odatas_is_taken(
    graph: Graph, mailbox: str, path: str
) -> None:
    assert graph("GET", mailbox + path).status_code == 200
