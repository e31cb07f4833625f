"""Where a walk goes on: a link of Graph's, and what has to be known of it."""

from urllib.parse import unquote

import pytest

from shared.adapters.graph import changes
from shared.adapters.graph.changes import Cursor
from shared.adapters.graph.options import UNUSUAL, Option
from tests.builders import NOW

LINK = "https://graph.microsoft.com/v1.0/users/u/mailFolders/f/messages/delta?$skiptoken=a:b"
CURSORS = [
    Cursor(LINK, shown, with_properties) for shown in (None, 0, 120) for with_properties in (False, True)
]


@pytest.mark.parametrize("cursor", CURSORS)
def test_a_cursor_comes_back_from_its_text(cursor: Cursor) -> None:
    assert Cursor.parse(str(cursor)) == cursor
    assert "#" not in cursor.link


def test_a_link_alone_is_one_that_was_made_without_properties() -> None:
    assert Cursor.parse(LINK) == Cursor(LINK, None, with_properties=False)


@pytest.mark.parametrize("cursor", CURSORS)
def test_what_is_known_of_a_link_goes_on_with_the_next_one(cursor: Cursor) -> None:
    more = cursor.behind({"@odata.nextLink": f"{LINK}2"}, 5)
    assert more == Cursor(
        f"{LINK}2", None if cursor.shown is None else cursor.shown + 5, cursor.with_properties
    )
    assert cursor.behind({"@odata.deltaLink": f"{LINK}3"}, 5) == Cursor(
        f"{LINK}3", None, cursor.with_properties
    )


@pytest.mark.parametrize("parts", [frozenset(), UNUSUAL])
def test_a_first_delta_asks_for_properties_where_they_are_given_and_never_for_a_top(
    parts: frozenset[Option],
) -> None:
    first = changes.first("/users/u/mailFolders/f/messages", NOW, parts)
    asked = unquote(first.link)
    assert ("$expand=singleValueExtendedProperties(" in asked) is bool(parts) is first.with_properties
    assert "$top" not in asked
