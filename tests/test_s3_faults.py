from __future__ import annotations

import pytest
from botocore import exceptions as boto
from hypothesis import given
from hypothesis import strategies as st

from agbento.s3_faults import explain, scrub, shown_endpoint

SECRET = "very/secret+key"
ENDPOINT = "https://user:pw@s3.example.org:9000/base?x=1"


@pytest.mark.parametrize(
    ("endpoint", "shown"),
    [
        (ENDPOINT, "https://s3.example.org:9000"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("", "the S3 endpoint"),
        ("nonsense", "the S3 endpoint"),
    ],
)
def test_shown_endpoint(endpoint: str, shown: str) -> None:
    assert shown_endpoint(endpoint) == shown


def _every_error() -> list[Exception]:
    """One of each class that botocore has, made with what its text asks for: a credential wherever there is room."""
    found: list[Exception] = []
    for kind in vars(boto).values():
        if isinstance(kind, type) and issubclass(kind, boto.BotoCoreError):
            fields = [part.split("}")[0].split("!")[0].split(":")[0] for part in kind.fmt.split("{")[1:]]
            given_fields = dict.fromkeys(fields, f"http://user:pw@host {SECRET}\nsecond line")
            if issubclass(kind, boto.HTTPClientError | boto.ConnectionError):
                given_fields.setdefault("error", SECRET)
            try:
                found.append(kind(**given_fields))
            except TypeError:
                continue
    return found


def test_every_error_of_botocore_is_one_line_without_credentials() -> None:
    errors = _every_error()
    assert len(errors) > 80
    for error in errors:
        text = str(explain(error, "s3://b/p/", ENDPOINT, [SECRET]))
        assert text.startswith("s3://b/p/: ")
        assert text.isprintable(), text
        assert SECRET not in text, text
        assert "pw@" not in text, text
        assert len(text) <= 900


@given(st.text(), st.text(), st.integers(min_value=100, max_value=599))
def test_every_answer_of_a_server_is_one_line(code: str, message: str, status: int) -> None:
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    text = str(explain(boto.ClientError(response, "GetObject"), "s3://b/p/", ENDPOINT))  # type: ignore[arg-type]
    assert text.isprintable()
    assert text.startswith("s3://b/p/: ")


def test_an_answer_without_anything() -> None:
    assert "S3 refused the request" in str(explain(boto.ClientError({}, "GetObject"), "s3://b/p/", ENDPOINT))


def test_errors_nobody_foresaw() -> None:
    text = str(explain(ValueError(f"odd\n{SECRET}"), "s3://b/p/", ENDPOINT, [SECRET]))
    assert "(ValueError: odd ***); check" in text


def test_scrub_takes_the_longest_first() -> None:
    assert scrub("secret-0123 secret-0", ["secret-0", "secret-0123", ""]) == "*** ***"


def test_scrub_leaves_words_that_a_placeholder_happens_to_be_part_of() -> None:
    assert scrub("cannot be reached", ["a", "key"]) == "cannot be reached"
