from __future__ import annotations

import time

import pytest

from agbento.entry import Entry
from agbento.errors import PredictorNotFound, SourceError
from agbento.locate import Logged, locate

RUN = "0123456789abcdef0123456789abcdef"
FILES = ("predictor.pkl", "learner.pkl", "models/trainer.pkl")


def _entries(*paths: str) -> list[Entry]:
    return [Entry(path, 1, "v") for path in paths]


def _predictor(root: str) -> list[Entry]:
    return _entries(*(f"{root}/{name}" if root else name for name in FILES))


def _name(path: str) -> str:
    return f"s3://b/{path}"


@pytest.mark.parametrize(
    "root",
    [
        "",
        "predictor",
        f"1/{RUN}/artifacts/m/artifacts/p",
        f"1/models/m-{RUN}/artifacts/artifacts/p",
        "a/b/c/d/e/f",
    ],
)
def test_found_at_any_depth(root: str) -> None:
    beside = _entries("other.pkl", "x/predictor.pkl", "x/y/learner.pkl", f"{root}z/models/trainer.pkl") if root else []
    found = locate([*_predictor(root), *beside], _name)
    assert found.root == root
    assert sorted(e.path for e in found.entries) == sorted(FILES)
    assert found.size == 3


def test_a_predictor_inside_a_predictor_is_part_of_it() -> None:
    found = locate([*_predictor("p"), *_predictor("p/models/inner")], _name)
    assert found.root == "p"
    assert len(found.entries) == 6


def test_none() -> None:
    with pytest.raises(PredictorNotFound, match=r"no predictor under s3://b/: among its 2 files") as failed:
        locate(_entries("a", "b/c"), _name)
    assert "\n" not in str(failed.value)


def test_half_of_one_is_told() -> None:
    with pytest.raises(PredictorNotFound, match=r"s3://b/run/p has only one of predictor\.pkl and learner\.pkl"):
        locate(_entries("run/p/predictor.pkl", "run/p/version.txt"), _name)


def test_several_are_listed_but_not_a_thousand() -> None:
    entries = [e for number in range(12) for e in _predictor(f"run{number:02}")]
    with pytest.raises(PredictorNotFound) as failed:
        locate(entries, _name)
    text = str(failed.value)
    assert text.startswith("12 predictors under s3://b/: s3://b/run00, s3://b/run01,")
    assert text.endswith("s3://b/run07 and 4 more; give one of them as SOURCE")


@pytest.mark.parametrize("bad", ["p/a//b", "p//abs", "p/a\\b", "p/./x", "p/new\nline"])
def test_names_that_cannot_be_written_are_refused_below_the_predictor_only(bad: str) -> None:
    with pytest.raises(SourceError, match="nothing was written") as failed:
        locate([*_predictor("p"), *_entries(bad)], _name)
    assert str(failed.value).isprintable()
    assert locate([*_predictor("p"), *_entries(bad.replace("p/", "q/", 1))], _name).root == "p"


def test_what_the_source_found_faulty_is_refused() -> None:
    with pytest.raises(SourceError, match="p/link: a symbolic link"):
        locate([*_predictor("p"), Entry("p/link", 0, "v", "a symbolic link")], _name)


def test_a_file_that_is_a_folder_too() -> None:
    with pytest.raises(SourceError, match="s3://b/p/models is both a file and a folder"):
        locate([*_predictor("p"), *_entries("p/models")], _name)


@pytest.mark.parametrize(
    ("mlmodel", "path", "expected"),
    [
        (f"run_id: {RUN}\n".encode(), "s3://b/p/", RUN),
        (None, f"s3://b/1/{RUN}/artifacts/m/artifacts/p/", RUN),
        (f"run_id: {'f' * 32}\n".encode(), f"s3://b/1/{RUN}/artifacts/m/artifacts/p/", "f" * 32),
        (None, f"s3://b/1/models/m-{RUN}/artifacts/artifacts/p/", None),
        (None, "s3://b/p/", None),
        (b"run_id: null\n", "s3://b/p/", None),
        (b"run_id: [1, 2]\n", "s3://b/p/", None),
        (b'run_id: "a\\nb; rm -rf"\n', "s3://b/p/", None),
        (b"- just\n- a list\n", "s3://b/p/", None),
        (b"{{{ no yaml", f"s3://b/1/{RUN}/artifacts/m/artifacts/p/", RUN),
        (b"\xff\xfe\x00\x80", "s3://b/p/", None),
        (b"!!python/object/apply:os.system ['true']", "s3://b/p/", None),
        (b"[" * 5000, "s3://b/p/", None),
        (b"when: 2024-99-99\n", "s3://b/p/", None),
    ],
)
def test_mlflow_run_id(mlmodel: bytes | None, path: str, expected: str | None) -> None:
    assert Logged.read(mlmodel, path).run_id == expected


def test_a_time_that_is_none_is_not_known() -> None:
    # A list of lists of one list, ten of each: its text would be of a hundred million items.
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    began = time.process_time()
    mlmodel = f"a0: &a0 [x]\n{levels}utc_time_created: *a8\n".encode()
    assert Logged.read(mlmodel, "p").at is None
    assert time.process_time() - began < 3
    assert Logged.read(b"utc_time_created: 2026-01-31 12:00:00.5\n", "p").at == "2026-01-31T12:00:00+00:00"
    assert Logged.read(b"utc_time_created: '2026-01-31 12:00:00.5'\n", "p").at == "2026-01-31T12:00:00+00:00"
