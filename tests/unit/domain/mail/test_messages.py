"""What a mail's headers say of the mails before it."""

from tests.builders import a_head


def test_a_mail_answers_the_nearest_of_those_it_names() -> None:
    head = a_head(in_reply_to=("c@x.example",), references=("a@x.example", "b@x.example", "c@x.example"))
    assert head.answers == ("c@x.example", "b@x.example", "a@x.example")


def test_a_forward_answers_nothing() -> None:
    assert a_head(subject="Fwd: Viewing", references=("a@x.example",)).answers == ()


def test_a_mail_that_names_itself_does_not_answer_itself() -> None:
    head = a_head(message_id="me@x.example", in_reply_to=("me@x.example",), references=("a@x.example",))
    assert head.answers == ("a@x.example",)
