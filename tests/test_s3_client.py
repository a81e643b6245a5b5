from __future__ import annotations

import pytest

from agbento.errors import SourceError
from agbento.s3_client import ATTEMPTS, Explained, pause
from tests.s3_fixtures import SECRET_KEY, aws_environment


@pytest.mark.parametrize("error", [ConnectionResetError, TimeoutError, ValueError])
def test_a_fault_is_one_line_without_credentials(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    for name, value in aws_environment("http://127.0.0.1:9").items():
        monkeypatch.setenv(name, value)
    explained = Explained("s3://b/k", 1, attempts=1)
    with pytest.raises(SourceError) as raised, explained.faults("s3://b/k"):
        raise error(f"odd\nwords and {SECRET_KEY}")
    text = str(raised.value)
    assert text.startswith("s3://b/k")
    assert "\n" not in text
    assert SECRET_KEY not in text


def test_pauses_grow_and_are_bounded() -> None:
    pauses = [pause(attempt) for attempt in range(1, ATTEMPTS)]
    assert pauses == [0.5, 1.0, 2.0, 4.0]
    assert pause(50) == 4.0
