"""Which requests the directory adapter makes, and what it makes of the answers."""

from typing import Any, cast
from urllib.parse import unquote

import pytest

from shared.adapters.graph.directory import GraphDirectory, find_user
from shared.adapters.graph.session import GraphSession
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import AccessDenied, NotFound
from shared.ports.directory import DirectoryUser
from tests.builders import a_mailbox
from tests.graph_transport import FakeGraph, Reply, error, session_with

USER = "8c6b1f00-0000-4000-8000-000000000001"
MAILBOX = a_mailbox(user_id=USER)


def user_in(graph: FakeGraph, mailbox: Mailbox) -> DirectoryUser:
    return find_user(session_with(graph), mailbox)


def a_user(**changes: object) -> Reply:
    fields = {
        "id": USER,
        "mail": "Agent@Contoso.example",
        "userPrincipalName": "agent@contoso.example",
        "proxyAddresses": [
            "SMTP:Agent@Contoso.example",
            "smtp:alex@contoso.example",
            "X500:/o=ExchangeLabs/cn=alex",
            "sip:agent@contoso.example",
        ],
    }
    return Reply({**fields, **changes})


def test_a_user_has_an_address_and_the_other_smtp_addresses_as_aliases() -> None:
    graph = FakeGraph(a_user())
    found = user_in(graph, a_mailbox())
    assert (found.user_id, found.address, found.aliases) == (
        USER,
        "agent@contoso.example",
        ("alex@contoso.example",),
    )
    assert graph.asked[0].target == (
        "/v1.0/users/agent@contoso.example?$select=id,mail,userPrincipalName,proxyAddresses,displayName"
    )


def test_a_user_without_mail_goes_by_the_principal_name() -> None:
    graph = FakeGraph(a_user(mail=None, proxyAddresses=None))
    found = user_in(graph, a_mailbox())
    assert (found.address, found.aliases) == ("agent@contoso.example", ())


def test_an_address_that_is_no_principal_name_is_searched_among_all_addresses() -> None:
    graph = FakeGraph(error(404, "Request_ResourceNotFound"), Reply({"value": [a_user().body]}))
    assert user_in(graph, a_mailbox(address="o'alex@contoso.example")).user_id == USER
    assert unquote(graph.asked[1].target).startswith(
        "/v1.0/users?$filter=mail eq 'o''alex@contoso.example' or "
        "proxyAddresses/any(p:p eq 'smtp:o''alex@contoso.example')"
    )


def test_an_address_that_nobody_has_is_not_found() -> None:
    graph = FakeGraph(error(404, "Request_ResourceNotFound"), Reply({"value": []}))
    with pytest.raises(NotFound):
        user_in(graph, a_mailbox())


def test_a_directory_that_may_not_be_read_is_denied() -> None:
    graph = FakeGraph(error(403, "Authorization_RequestDenied"))
    with pytest.raises(AccessDenied):
        user_in(graph, MAILBOX)


class OneSession:
    """The sessions of a tenant whose mailboxes are all reached in the same way."""

    def __init__(self, session: GraphSession) -> None:
        self._session = session

    def of(self, mailbox: Mailbox) -> GraphSession:
        return self._session


@pytest.mark.parametrize(
    ("shown", "disabled"),
    [
        (Reply({"accountEnabled": False}), True),
        (Reply({"accountEnabled": True}), False),
        (Reply({"accountEnabled": None}), False),
        (Reply({}), False),
        (error(403, "Authorization_RequestDenied"), False),
    ],
)
def test_an_account_is_disabled_only_where_the_directory_says_so(shown: Reply, disabled: bool) -> None:
    graph = FakeGraph(a_user(), shown)
    directory = GraphDirectory(cast("Any", OneSession(session_with(graph))))
    assert directory.is_disabled(MAILBOX) is disabled
    assert graph.asked[1].target == f"/v1.0/users/{USER}?$select=accountEnabled"
