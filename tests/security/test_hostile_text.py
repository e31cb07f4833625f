"""Every reader of foreign text against a stranger's: nothing but errors of our own comes out, at a bearable cost.

The die is seeded: a failure names the reader and the seed, and comes again.
"""

import inspect
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from random import Random

import pytest

import shared.domain.mail as domain_mail
from shared.adapters.graph import dates, parsing
from shared.domain.errors import PostledgerError
from shared.domain.foreign_text import json_value
from shared.domain.intake import asking, languages, reading
from shared.domain.mail import (
    addresses,
    authentication,
    automatic,
    bounce_texts,
    bounces,
    charsets,
    code_pages,
    codes,
    conversations,
    documents,
    encoded_words,
    html,
    html_limits,
    html_text,
    identity,
    inline_answers,
    kept_headers,
    message_ids,
    public_domains,
    quote_finders,
    quote_html,
    quotes,
    recalls,
    rtf,
    senders,
    spam,
    styles,
    subjects,
    tnef,
)
from shared.domain.mail.addresses import Person
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import Direction, FetchedMessage, MessageHead
from shared.triggers import graph
from tests import hostile_text
from tests.builders import a_document
from tests.hostile_text import Random as Die
from tests.hostile_text import text
from tests.tnef import a_file, a_mail_within, unicode
from tests.tnef import tnef as a_tnef

SEEDS = 60
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)
HASHER = identity.Hasher(b"k" * 32)
KEYS = (b"key",)
CODE = codes.issue(5, KEYS, "tenant")
LIST = Person("Bo via Letters", "letters@fabrikam.example")

Reader = Callable[[Random], object]


def head(die: Die) -> MessageHead:
    bo = Person(text(die, 300), "bo@fabrikam.example")
    return MessageHead(
        item=ItemRef("", "AAMk="),
        folder_id="inbox",
        message_id=text(die, 500),
        sender=bo,
        subject=text(die, 5_000),
        sent_at=NOW,
        received_at=die.choice((NOW, LAST)),
        to=(bo,),
        cc=(Person(text(die, 300), ""),),
        in_reply_to=(text(die, 100),),
        conversation_index=text(die, 3_000),
        headers=tuple(hostile_text.headers(die)),
    )


def fetched(die: Die) -> FetchedMessage:
    bodies = text(die, 60_000), text(die, 60_000)
    shown = die.choice(((bodies[0], ""), ("", bodies[1]), bodies))
    return FetchedMessage(head(die), html=shown[0], text=shown[1])


def quote_start(markup: str) -> int | None:
    plain = html_text.to_text(markup)
    ranges = quotes.split(plain, html_only=True, parent_text=None, is_forward=False)
    return quote_html.html_quote_start(markup, text=plain, ranges=ranges)


def own_text(written: str) -> str:
    ranges = quotes.split(written, html_only=False, parent_text=None, is_forward=False)
    return quotes.own_text(written, ranges) + quotes.quoted_text(written, ranges)


def broken(die: Die) -> bytes:
    """A `winmail.dat` of which some bytes are others."""
    inner = a_tnef(a_file(text(die, 30), b"x"), message=(unicode(0x1000, text(die, 300)),))
    whole = bytearray(a_tnef(a_mail_within(inner), a_file("a.pdf", b"a", unicode(0x370E, text(die, 30)))))
    for _ in range(die.choice((1, 3, 30))):
        whole[die.randrange(6, len(whole))] = die.randrange(256)
    return bytes(whole[: die.choice((len(whole), die.randrange(len(whole))))])


def stored_head(die: Die) -> MessageHead:
    return documents.head_of(
        documents.document_of(fetched(die), None), ItemRef("", "AAMk="), "inbox", NOW, ()
    )


# Readers of one text: broken by seeds, and measured at ten times the length.
OF_TEXT: dict[str, Callable[[str], object]] = {
    "addresses.normalise": addresses.normalise,
    "addresses.domain_of": addresses.domain_of,
    "addresses.mailbox_key": addresses.mailbox_key,
    "addresses.undisguised": addresses.undisguised,
    "addresses.parse_mailbox": addresses.parse_mailbox,
    "authentication.dmarc_of": lambda given: authentication.dmarc_of([(authentication.HEADER, given)]),
    "authentication.fails_dmarc": lambda given: authentication.fails_dmarc([(authentication.HEADER, given)]),
    "authentication.is_disowned": lambda given: authentication.is_disowned([(authentication.HEADER, given)]),
    "authentication.is_unauthenticated": lambda given: authentication.is_unauthenticated(
        [(authentication.HEADER, given)]
    ),
    "automatic.nature_of": lambda given: automatic.nature_of([("content-type", given)], given, given),
    "bounces.failed_recipients": lambda given: bounces.failed_recipients([("x-failed-recipients", given)]),
    "bounces.read_report": lambda given: bounces.read_report(given.encode("utf-8", "replace")),
    "bounce_texts.told": lambda given: [*bounce_texts.told(bounce_texts.parted(given)[0], [], [], [])],
    "bounce_texts.parted": bounce_texts.parted,
    "bounce_texts.message_id": bounce_texts.message_id,
    "bounce_texts.enhanced_status": bounce_texts.enhanced_status,
    "bounce_texts.better": lambda given: bounce_texts.better(given, given),
    "bounce_texts.decoded": lambda given: bounce_texts.decoded(b"text", given),
    "codes.find": lambda given: codes.find(given, KEYS, "tenant"),
    "codes.ending_in": lambda given: codes.ending_in(given, CODE, KEYS, "tenant"),
    "codes.added_to": lambda given: codes.added_to(given, CODE),
    "conversations.guid_of": conversations.guid_of,
    "charsets.known": charsets.known,
    "charsets.text_in": lambda text: charsets.text_in(text.encode("utf-8", "surrogatepass"), text[:40]),
    "charsets.html_in": lambda text: charsets.html_in(text.encode("utf-8", "surrogatepass"), ""),
    "kept_headers.stated_sensitivity": lambda text: kept_headers.stated_sensitivity([text]),
    "kept_headers.is_kept": kept_headers.is_kept,
    "kept_headers.kept": lambda text: kept_headers.kept([(text[:80], text)]),
    "encoded_words.decoded": encoded_words.decoded,
    "html.safe_html": lambda given: html.safe_html(given, cid_url=lambda _: None),
    "html.too_much": html.too_much,
    "html_limits.shape": html_limits.shape,
    "html_limits.has_overlong_tag": html_limits.has_overlong_tag,
    "html_limits.has_many_bare_ampersands": html_limits.has_many_bare_ampersands,
    "html_text.to_text": html_text.to_text,
    "html_text.without_embedded_data": html_text.without_embedded_data,
    "inline_answers.answers_within": lambda given: inline_answers.answers_within(
        given.splitlines(), 0, given[::2]
    ),
    "inline_answers.introduction": lambda given: inline_answers.introduction(given.splitlines()),
    "recalls.is_recall": recalls.is_recall,
    "inline_answers.is_marked": lambda given: inline_answers.is_marked(given.splitlines()),
    "message_ids.parse_ids": message_ids.parse_ids,
    "message_ids.message_id": message_ids.message_id,
    "message_ids.first_id": lambda given: message_ids.first_id(
        [(given, given), ("X-Original-Message-ID", given)]
    ),
    "message_ids.bracketed": message_ids.bracketed,
    "message_ids.answered": lambda given: message_ids.answered([given], given.split()),
    "public_domains.registrable": public_domains.registrable,
    "public_domains.is_shared": lambda given: public_domains.is_shared(f"x.{given}"),
    "quotes.split": lambda given: quotes.split(given, html_only=True, parent_text=given, is_forward=False),
    "quotes.own_text": own_text,
    "quotes.quoted_text": own_text,
    "quotes.behind": lambda given: quotes.behind(given, given[::2]),
    "quotes.without_notice": lambda given: quotes.without_notice(given, [given[:1_000], "x"]),
    "quotes.preview": quotes.preview,
    "quote_finders.introduces": quote_finders.introduces,
    "quote_html.container": lambda given: quote_html.container(given, html_text.to_text(given)),
    "quote_html.html_quote_start": quote_start,
    "quote_html.outside_quotes": lambda given: quote_html.outside_quotes(
        f"<blockquote>{given}<blockquote>{given}</blockquote>{given}", quote_html.Container(0, 0, "")
    ),
    "rtf.html_and_text": lambda given: rtf.html_and_text(
        (r"{\rtf1\fromhtml1 {\*\htmltag " + given.replace("<", "{").replace(">", "\\")).encode(
            "utf-8", "replace"
        )
    ),
    "senders.list_addresses": lambda given: senders.list_addresses(
        [("list-id", given), ("list-post", given)]
    ),
    "senders.author_of": lambda given: senders.author_of(LIST, (), (), [("x-original-from", given)]),
    "spam.is_marked_spam": lambda given: spam.is_marked_spam(
        [(given, given), ("x-forefront-antispam-report", given), ("x-ms-exchange-organization-scl", given)]
    ),
    "intake.language_of": lambda given: languages.language_of(given, given, ["en"]),
    "intake.asked_by": lambda given: asking.asked_by(a_document(text=given)),
    "intake.readable_text": lambda given: reading.readable_text(
        a_document(text=f"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:{given}\nDTSTART{given}")
    ),
    "styles.safe_style": styles.safe_style,
    "styles.body_opening": lambda given: styles.body_opening(f"<body {given}>") + styles.body_opening(given),
    "subjects.strip": subjects.strip,
    "subjects.folded": subjects.folded,
    "subjects.normalise": subjects.normalise,
    "subjects.spellings": subjects.spellings,
    "subjects.kind": subjects.kind,
    "dates.moment": dates.moment,
}
OF_MAIL: dict[str, Reader] = {
    "automatic.nature_of all headers": lambda die: automatic.nature_of(
        hostile_text.headers(die), text(die, 500), text(die)
    ),
    "bounces.read_report of a report": lambda die: bounces.read_report(hostile_text.mime(die)),
    "conversations.goes_on": lambda die: conversations.goes_on(head(die)),
    "conversations.latest": lambda die: conversations.latest(head(die)),
    "conversations.travels": lambda die: conversations.travels(head(die), Direction.IN),
    "documents.document_of": lambda die: documents.document_of(fetched(die), text(die, 20_000)),
    "documents.text_of": lambda die: documents.text_of(fetched(die)),
    "documents.kept_headers": lambda die: documents.kept_headers(hostile_text.headers(die)),
    "documents.head_of": stored_head,
    "identity.message_key": lambda die: identity.message_key(HASHER, head(die)),
    "identity.Fingerprint": lambda die: identity.Fingerprint.of(head(die)).hashed(HASHER),
    "code_pages.codec_of": lambda die: code_pages.codec_of(die.randrange(-9, 70_000)),
    "tnef.unpack": lambda die: tnef.unpack(broken(die)),
    "tnef.is_packed": lambda die: [
        tnef.is_packed(each) for each in parsing.whole(hostile_text.message(die)).attachments
    ],
    "parsing.head": lambda die: parsing.head(hostile_text.message(die)),
    "parsing.head of odd fields": lambda die: parsing.head(hostile_text.message(die, odd=0.1)),
    "parsing.whole": lambda die: parsing.whole(hostile_text.message(die, odd=0.1)),
    "parsing.shown_head": lambda die: parsing.shown_head(hostile_text.message(die, odd=0.1)),
}
# Not of what strangers write, or taken apart by the readers above.
COVERED = {
    "addresses.is_disguising",  # of one character
    "addresses.mailbox_domain",  # these by addresses.normalise and bounces
    "addresses.mailbox_keys",
    "codes.issue",
    "codes.number_of",  # of a code of ours
    "templates.checked_values",  # of JSON, by its own tests
    "html_layout.laid_out",  # these by html_text.to_text
    "html_layout.merge_normal_text",
    "html_limits.nests_deeper",  # by html.safe_html
    "identity.family",
    "identity.variant_key",
    "identity.variant_keys",
    "message_ids.names_one_mail",  # by message_ids.parse_ids
    "quote_finders.blunted",  # these by quotes.split
    "quote_finders.first_header_line",
    "quote_finders.new_lines",
}


def attempt(read: Reader, name: str, seed: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            read(Random(f"{name} {seed}"))
        except PostledgerError:
            pass
        except Exception as error:  # noqa: BLE001 - whatever it is, the seed is to be told
            pytest.fail(f"{name} of seed {seed}: {type(error).__name__}")


@pytest.mark.parametrize("name", OF_TEXT)
def test_a_reader_of_a_text_raises_nothing_of_its_parsers(name: str) -> None:
    for seed in range(SEEDS):
        attempt(lambda die: OF_TEXT[name](text(die)), name, seed)


@pytest.mark.parametrize("name", OF_MAIL)
def test_a_reader_of_a_mail_raises_nothing_of_its_parsers(name: str) -> None:
    for seed in range(SEEDS):
        attempt(OF_MAIL[name], name, seed)


@pytest.mark.parametrize("read", [graph.read, json_value])
def test_a_json_body_is_read_or_refused_with_a_value_error(read: Callable[[bytes], object]) -> None:
    accepted = set()
    for seed in range(SEEDS):
        die = Random(seed)
        body = die.choice(('{"value":', "[", "")) + die.choice(("[", '{"a":', '"\\ud800', "9", "")) * 100_000
        try:
            read(body.encode())
        except ValueError:
            continue
        accepted.add(body)
    assert accepted <= {""}, "no other one is whole"


def test_the_known_header_that_stopped_a_mailbox_names_nobody() -> None:
    for brackets in (494, 3_000, 100_000):
        assert bounces.failed_recipients([("x-failed-recipients", "(" * brackets)]) == frozenset()


def test_every_function_that_reads_mail_is_tried_here() -> None:
    """A new reader belongs into one of the tables, and under a guard."""
    found = set()
    for path in Path(str(domain_mail.__path__[0])).glob("*.py"):
        module = import_module(f"shared.domain.mail.{path.stem}")
        functions = inspect.getmembers(module, inspect.isfunction)
        own = [name for name, function in functions if function.__module__ == module.__name__]
        found |= {f"{path.stem}.{name}" for name in own if not name.startswith("_")}
    tried = {name.split(" ")[0] for name in (*OF_TEXT, *OF_MAIL)}
    assert found - tried == COVERED


# What has once been quadratic, or looks as if it could be.
PATTERNS = (
    "(",
    "<",
    "a@",
    '"\\',
    "=?utf-8?q?a?=",
    "Re: ",
    "[a] ",
    "> a\n",
    "<div>",
    "<b><p>",
    "On a wrote:\n",
    "e\u0301",
)
ENOUGH = 0.1
LONG = 100_000


def cost(read: Callable[[str], object], given: str) -> float:
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with suppress(PostledgerError):
            read(given)
    return time.process_time() - began


def ratios(read: Callable[[str], object], long: str, longer: str) -> Iterator[float]:
    """How many times the work the longer text costs, measured up to five times: neighbours only make it more."""
    for _ in range(5):
        yield cost(read, longer) / max(cost(read, long), ENOUGH / 15)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("name", OF_TEXT)
def test_ten_times_the_text_costs_no_more_than_fifteen_times_the_work(name: str) -> None:
    read = OF_TEXT[name]
    read("warm")  # what is imported or built at first use
    for pattern in PATTERNS:
        long, longer = pattern * (LONG // len(pattern)), pattern * (10 * LONG // len(pattern))
        if cost(read, longer) > ENOUGH:  # below, the clock says nothing
            assert any(ratio < 15 for ratio in ratios(read, long, longer)), pattern
