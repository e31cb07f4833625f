"""Templates: what they say with a person's values, what they refuse, and what they can never do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import InvalidInput
from shared.domain.mail import templates
from shared.domain.mail.templates import MailTemplate, checked_values
from tests.cpu import check_cost

GREETING = MailTemplate(
    "News for {{ first_name }}", "<p>Dear {{ first_name }},</p>", "Dear {{ first_name }},"
)


def html(source: str, **values: object) -> str:
    return MailTemplate("s", source).filled(checked_values(values)).html


def test_a_value_stands_in_all_parts_and_is_escaped_in_the_html_alone() -> None:
    filled = GREETING.filled({"first_name": "Ann & <b>Bo</b>"})
    assert filled.subject == "News for Ann & <b>Bo</b>"
    assert filled.html == "<p>Dear Ann &amp; &lt;b&gt;Bo&lt;&#x2f;b&gt;,</p>"
    assert filled.text == "Dear Ann & <b>Bo</b>,"
    assert filled.missing == ()


@pytest.mark.parametrize("values", [{}, {"first_name": ""}, {"first_name": "   "}, {"first_name": None}])
def test_a_value_that_is_absent_empty_or_blank_is_missing(values: dict[str, object]) -> None:
    assert GREETING.filled(checked_values(values)).missing == ("first_name",)
    with_default = MailTemplate("s", "<p>Dear {{ first_name | default('customer') }},</p>")
    assert with_default.filled(checked_values(values)).html == "<p>Dear customer,</p>"
    assert with_default.filled(checked_values(values)).missing == ()


def test_every_missing_value_is_named_at_once() -> None:
    template = MailTemplate("{{ a }}", "{{ b | upper }} {{ c }} {{ d | d('x') }}{% if e %}{{ e }}{% endif %}")
    assert template.names == {"a", "b", "c", "d", "e"}
    assert template.filled({"c": "there"}).missing == ("a", "b")


def test_a_condition_and_a_loop_may_ask_for_what_is_missing() -> None:
    asked = (
        "{% if name %}Dear {{ name }}{% elif title is defined %}Dear {{ title }}{% else %}Hello{% endif %}"
    )
    assert (html(asked), html(asked, name="Bo"), html(asked, title="Dr")) == ("Hello", "Dear Bo", "Dear Dr")
    listed = "{% for home in homes %}<li>{{ home }}</li>{% endfor %}"
    assert html(listed, homes=["Mill <1>", " ", 7]) == "<li>Mill &lt;1&gt;</li><li>7</li>"
    assert MailTemplate("s", listed).filled({}).missing == ("homes",)


def test_an_address_of_ours_stands_in_the_html_as_it_is() -> None:
    template = MailTemplate("s", "<a href='{{ unsubscribe_url }}'>", "{{ unsubscribe_url }}")
    link = "https://app.example/api/v1/unsubscribe/abc"
    filled = template.filled({}, {"unsubscribe_url": link})
    assert (filled.html, filled.text) == (f"<a href='{link}'>", link)


def test_the_subject_stays_on_one_line() -> None:
    filled = MailTemplate("For {{ name }}\n now").filled({"name": "Bo\r\nBcc: x@y.example\u2028\x00"})
    assert filled.subject == "For Bo Bcc: x@y.example now"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("<p>\n{{ name", "line 2"),
        ("{{ first name }}", "line 1"),
        ("{{ name | nofilter }}", "nofilter"),
        ("{% include 'x' %}", "include"),
        ("{% autoescape false %}{{ name }}{% endautoescape %}", "autoescape"),
        ("{%- set x = 1 %}", "set"),
        ("{% macro f() %}{% endmacro %}", "macro"),
        ("{% raw %}{{ x }}{% endraw %}", "raw"),
        ("x" * 500_001, "500,001"),
    ],
)
def test_what_the_language_does_not_know_is_refused_with_the_place(source: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        html(source, name="Bo")


ATTACKS = [
    "{{ name.__class__ }}",
    "{{ name.__init__.__globals__ }}",
    "{{ ''.__class__.__mro__ }}",
    "{{ name.format('x') }}",
    "{{ name | attr('__class__') }}",
    "{{ missing.__class__ }}",
    "{{ missing._read }}",
    "{{ missing._read.add('x') }}",
    "{{ missing() }}",
    "{{ range(10) }}",
    "{{ debug() }}",
    "{{ namespace() }}",
    "{{ name | safe }}",
    "{{ name | tojson }}",
    "{{ self }}{{ self.x }}",
    "{{ 'x' * 1000000000 }}",
    "{{ name | indent(1000000000) }}",
    "{{ [1] * 100000000 }}",
    "{{ {'a': {}} }} {# ' #}{% if items * 20000000 %}'{% endif %}",
    "{% for a in items %}{% for b in items %}{% for c in items %}x{% endfor %}{% endfor %}{% endfor %}",
    "{{ name | replace('B', name * 900) | replace('o', name * 900) | replace('B', name * 900) }}",
    "{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}",
    "{% if name %}" * 2_000,
]


@pytest.mark.parametrize("source", ATTACKS)
def test_nothing_but_the_values_can_be_reached_and_it_ends(source: str) -> None:
    template = "<p>{{ name }}</p>" + source
    with pytest.raises(InvalidInput):
        html(template, name="Bo", items=["x"] * 100)


def test_an_asterisk_of_the_text_is_no_operator() -> None:
    source = "* {# 2 * 3 #}{{ name | replace('*', '-') }} {{ {'a': '*'}['a'] }}*"
    assert html(source, name="B*o") == "* B-o **"


def test_what_a_filter_gives_is_escaped() -> None:
    for source in (
        "name",
        "name | upper",
        "name | replace('x', '<i>')",
        "[name] | join('<br>')",
        "name ~ name",
    ):
        assert "<" not in html("{{ " + source + " }}", name="<b>x</b>"), source


def test_a_large_template_costs_little() -> None:
    source = "<td>{{ name }}</td>" * 2_000

    def fill() -> None:
        assert len(html(source, name="Bo Vestergaard")) == 46_000

    check_cost(fill, at_most=1)


def test_values_have_bounds_and_names() -> None:
    for given_values in (
        {"first name": "x"},
        {"_read": "x"},
        {"x": "y" * 5_001},
        {"x": ["y"] * 101},
        {f"n{n}": "x" for n in range(51)},
        {f"n{n}": "x" * 5_000 for n in range(5)},
        {"x": {"y": 1}},
        {"x": True},
    ):
        with pytest.raises(InvalidInput):
            checked_values(given_values)


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_a_value_never_becomes_a_template_nor_markup(before: str, value: str, after: str) -> None:
    plain = before.replace("{", "").replace("}", "") + "{{ it }}" + after.replace("{", "").replace("}", "")
    filled = MailTemplate("{{ it }}", plain, "{{ it }}").filled({"it": value})
    if value.strip():
        assert filled.text == value
        assert filled.subject == " ".join(filled.subject.split())
        assert filled.html.count("<") == plain.count("<")
    else:
        assert filled.missing == ("it",)


def test_the_library_still_has_what_is_taken_out_of_it() -> None:
    """A name that is not there any more would leave its successor in the language."""
    import minijinja

    bare = minijinja.Environment(fuel=1_000)
    known = {name for name in templates._NO_FILTERS if _is_known(bare, f"{{{{ 'x' | {name} }}}}", "filter")}
    assert known == set(templates._NO_FILTERS)


def _is_known(environment: object, source: str, what: str) -> bool:
    try:
        environment.render_str(source)  # type: ignore[attr-defined]
    except RuntimeError as error:
        return f"unknown {what}" not in str(error)
    return True
