"""When a mail is shown without its quoted chain first."""

import pytest

from shared.domain.filing.chains import Chain, is_hidden
from tests.builders import a_document, a_link

ANSWER = a_document(subject="Re: Price", text="Yes.\n> Is it?", quoted=((5, 13),))


@pytest.mark.parametrize(
    ("by_setting", "asked", "hidden"),
    [
        (False, "", False),
        (True, "", True),
        (True, "shown", False),
        (False, "hidden", True),
    ],
)
def test_the_organisation_decides_unless_the_reader_asks(
    by_setting: bool, asked: Chain, hidden: bool
) -> None:
    assert is_hidden(ANSWER, (a_link(),), by_setting=lambda: by_setting, asked=asked) is hidden


def test_a_mail_without_a_chain_has_none_to_hide() -> None:
    assert not is_hidden(a_document(), (a_link(),), by_setting=lambda: True, asked="hidden")


@pytest.mark.parametrize("asked", ["", "hidden"])
def test_a_mail_that_opened_a_record_is_always_whole(asked: Chain) -> None:
    links = (a_link(), a_link("opportunity/O-1", rule="opened"))
    assert not is_hidden(ANSWER, links, by_setting=lambda: True, asked=asked)


@pytest.mark.parametrize("asked", ["", "hidden"])
def test_a_forward_is_always_whole(asked: Chain) -> None:
    forward = a_document(subject="WG: Price", text=ANSWER.text, quoted=ANSWER.quoted)
    assert not is_hidden(forward, (a_link(),), by_setting=lambda: True, asked=asked)
