"""The HTML of public mails leaves as it was written: compared after MIME decoding, for the first mails that may leave.

An agent pastes whatever other programs have made.
"""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Final

import pytest

from shared.domain.sending.composing import canonical
from shared.domain.sending.own_html import unsafe_in
from shared.domain.sending.pictures import without_data
from shared.domain.sending.wanted import MailWanted
from tests.builders import people
from tests.corpus.mails import CORPUS, files, raw
from tests.unit.services.sending.test_asking import CONTACT, DEAL, OF_ANN, Desk

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the public mails are not here")
MAILS: Final = 40
LARGEST: Final = 300_000


def html_of(mail: bytes) -> str:
    """The HTML that a mail shows; '' where it has none, or none that can be decoded."""
    try:
        part = message_from_bytes(mail, EmailMessage, policy=default).get_body(("html",))
        return str(part.get_content()) if isinstance(part, EmailMessage) else ""
    except (LookupError, ValueError, AttributeError, TypeError, IndexError):
        return ""


def htmls() -> list[str]:
    """Different texts of mails, small ones and large ones, that nothing forbids to send."""
    found: dict[str, None] = {}
    for file, _ in files(bounces=False):
        html = html_of(raw(file)).encode("utf-8", "ignore").decode()
        if 200 < len(html) < LARGEST and html.strip() and not unsafe_in(html):
            found[html] = None
        if len(found) == MAILS:
            break
    return list(found)


def test_html_leaves_as_it_was_written() -> None:
    written = htmls()
    assert len(written) == MAILS
    for html in written:
        desk = Desk()
        wanted = MailWanted(to=people(CONTACT), subject="Offer", html=html, records=(DEAL,))
        desk.use_cases.ask_to_send(OF_ANN, wanted, "key")
        desk.send()
        [mime] = desk.storage.sender.outbound
        part = message_from_bytes(mime, EmailMessage, policy=default).get_body(("html",))
        assert isinstance(part, EmailMessage)
        left = part.get_payload(decode=True)
        assert isinstance(left, bytes)
        assert left.decode() == canonical(without_data(html, "contoso.example").html)
