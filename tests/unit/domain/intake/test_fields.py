"""Fields of an opened record by templates: what they make, and that none of them loses a mail."""

from typing import Any

from shared.domain.connections.fields import Fields
from shared.domain.intake.fields import NO_ROUTE, Arrival, dressed, values_of
from shared.domain.intake.settings import DataTemplate, FieldTemplates, Intake
from shared.domain.mail.addresses import Person
from shared.domain.records.records import Datum
from tests.builders import NOW, a_document, a_record

KIM = Person("Kim {from_address}", "kim@x.example")


def made(settings: Intake, **document: Any) -> Any:
    given = {"subject": "Re: Boiler {text}", "text": "Cold. {{ 7*7 }} <b>", "sender": KIM, **document}
    arrival = Arrival("desk@y.example", "repairs@y.example", NO_ROUTE, NOW)
    values = values_of(a_document(**given), KIM, arrival)
    return dressed(
        a_record("case/pl-1", name="Boiler", summary="Boiler", details=""), settings, arrival, values
    )


def test_each_placeholder_is_a_word_of_the_mail_and_stays_one() -> None:
    template = "{subject}|{text}|{from_name}|{from_address}|{to}|{received}"
    settings = Intake().changed(Fields({"fields": {"details": template}, "data": {"to": "{{ to }}"}}))
    record = made(settings).record
    assert record.details == (
        "Boiler {text}|Cold. {{ 7*7 }} <b>|Kim {from_address}|kim@x.example|repairs@y.example|"
        f"{NOW:%Y-%m-%d %H:%M}"
    )
    assert record.data == (Datum("to", "repairs@y.example"),)
    assert (record.mailbox, record.sent_to) == ("desk@y.example", "repairs@y.example")


def test_conditions_are_the_project_s_language() -> None:
    settings = Intake(fields=FieldTemplates(name="{% if text %}{{ from_name|upper }}{% endif %}"))
    assert made(settings).record.name == "KIM {FROM_ADDRESS}"


def test_what_a_template_leaves_empty_is_as_it_would_be_without() -> None:
    fields = FieldTemplates(summary="{% if false %}x{% endif %}", owner="no address", client="no id !")
    result = made(Intake(fields=fields, type="enquiry"))
    assert (result.record.summary, result.record.type) == ("Boiler", "enquiry")
    assert (result.record.owner, result.record.client) == ("", "")
    assert [problem.split("'")[1] for problem in result.problems] == ["owner", "client"]


def test_a_template_that_does_not_end_is_left_out_and_said() -> None:
    endless = "{% for a in text %}{% for b in text %}{% for c in text %}x{% endfor %}{% endfor %}{% endfor %}"
    result = made(Intake(fields=FieldTemplates(name=endless)), text="x" * 500)
    assert result.record.name == "Boiler"
    assert result.problems[0].startswith("The template of 'name' was not used.")


def test_what_is_too_long_is_cut_and_says_so() -> None:
    settings = Intake(data=(DataTemplate("all", "{text}{text}"),), fields=FieldTemplates(name="{text}"))
    result = made(settings, text="word " * 1_000)
    assert (len(result.record.name), result.record.name[-4:]) == (512, " ...")
    assert len(result.record.data[0].value) == 4_000
    assert result.problems == (
        "'name' was cut after 512 characters.",
        "'all' was cut after 4,000 characters.",
    )


def test_a_mail_without_a_subject_is_named_after_its_sender() -> None:
    assert made(Intake(), subject="").record.name == "(no subject) from Kim {from_address}"
