"""References that are made while importing: what they are from, and what cannot be one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from autogluon.tabular import TabularPredictor

from agbento import child
from agbento.describe import describe
from agbento.drift import PREDICTION, Reference
from agbento.errors import SourceError, UsageError
from agbento.reference.child import lines, reference_into
from agbento.reference.file import check_named, fetched
from agbento.reference.rows import MAX_ROWS, read
from agbento.schema import Feature, Schema
from agbento.trust import examine
from sample.odd_columns import LABEL, odd_rows
from sample.toys import LABELS, QUANTILES, Kind, toy_predictor, toy_rows
from tests.s3_fixtures import S3, Answer, Proxy, failing

SMALL = Schema("y", "regression", (Feature("a", "float", "float64"), Feature("b", "category", "object")))


def draft(folder: Path) -> Path:
    """Make of a folder that holds a predictor one that the importer could make a reference in."""
    examine(folder / "predictor", frozenset(), None).permit.save(folder)
    describe(TabularPredictor.load(str(folder / "predictor"), verbosity=0)).save(folder / "schema.json")
    return folder


def trained(folder: Path, kind: Kind, data: pd.DataFrame, label: str) -> Path:
    """Train, and keep the training data; give the rows as CSV beside it."""
    options = {"quantile_levels": list(QUANTILES)} if kind == "quantile" else {}
    predictor = TabularPredictor(label, problem_type=kind, path=str(folder / "predictor"), verbosity=0, **options)
    predictor.fit(data, hyperparameters={"GBM": {"num_boost_round": 10}}, num_cpus=1, num_gpus=0)
    data.loc[predictor._trainer.load_X().index].to_csv(folder.with_name("rows.csv"), index=False)
    return draft(folder)


def made(folder: Path, *arguments: object) -> Reference:
    """Make a reference, and look whether it is what was written."""
    scratch = folder.with_name("scratch")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    found = reference_into(folder, folder / "schema.json", scratch, *arguments)  # type: ignore[arg-type]
    assert Reference.load(folder) == found
    return found


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A toy whose predictor has no training data."""
    folder = tmp_path_factory.mktemp("toy") / "model"
    toy_predictor("regression", folder / "predictor")
    return draft(folder)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["regression", "binary", "multiclass", "quantile"])
@pytest.mark.filterwarnings("ignore")  # AutoGluon's, while it trains
def test_training_data_is_as_its_rows_are(kind: Kind, tmp_path: Path) -> None:
    folder = trained(tmp_path / "model", kind, toy_rows(kind), LABELS[kind])
    kept, given = made(folder), made(folder, tmp_path / "rows.csv")
    assert kept.source == "the training data"
    assert given.source == "rows of rows.csv"
    assert kept.notes == ("note is not watched: its training values are kept as counts of words",)
    assert given.notes == ()
    assert kept.prediction == given.prediction
    assert given.prediction is not None
    assert given.prediction.name == PREDICTION
    assert (kept.buckets, kept.target_range) == (given.buckets, given.target_range)
    assert bool(kept.buckets) is (kind in ("regression", "quantile"))
    shares = {bins.name: (bins.labels, bins.shares) for bins in given.features}
    assert {bins.name: (bins.labels, bins.shares) for bins in kept.features} == {
        name: found for name, found in shares.items() if name != "note"
    }
    importance = [bins.importance or 0 for bins in given.features]
    assert sum(importance) == pytest.approx(1)
    assert importance == sorted(importance, reverse=True)
    assert lines(kept)[0].startswith("drift reference: the training data, ")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # AutoGluon's, while it trains
def test_odd_columns(tmp_path: Path) -> None:
    data = odd_rows("regression").drop(columns=["nullable", "int 64", "uint.16"])
    folder = trained(tmp_path / "model", "regression", data, LABEL)
    kept, given = made(folder), made(folder, tmp_path / "rows.csv")
    shares = {bins.name: (bins.labels, bins.shares) for bins in given.features}
    assert {bins.name: (bins.labels, bins.shares) for bins in kept.features}.items() <= shares.items()
    assert len(kept.features) > 15
    assert "float flag is not watched: its training values do not tell null from the other value" in kept.notes
    assert all(len(bins.labels) == len(set(bins.labels)) for bins in given.watched)


@pytest.mark.slow
def test_csv_and_parquet_are_the_same(toy: Path, tmp_path: Path) -> None:
    rows = toy_rows("regression", 300, seed=1)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    rows.to_parquet(tmp_path / "rows.parquet")
    one, other = made(toy, tmp_path / "rows.csv", "rows"), made(toy, tmp_path / "rows.parquet", "rows")
    assert one == other
    assert (one.source, one.rows, len(one.features)) == ("rows of rows", 300, 6)


@pytest.mark.slow
def test_without_rows_there_are_buckets_all_the_same(toy: Path) -> None:
    found = made(toy)
    assert found.source == "none: the predictor does not have its training data any more"
    assert (found.watched, found.rows) == ((), 0)
    assert len(found.buckets) >= 10
    assert found.target_source == "its answers to 500 made-up rows"
    (line,) = lines(found)
    assert line.endswith("--reference FILE")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("rows.csv", b"size,count,note\n1,2,x\n", "lacks columns of the predictor: 'fresh', 'city', 'when'"),
        ("rows.csv", b"", "expected rows as CSV"),
        ("rows.parquet", b"PAR1 garbage PAR1", "expected rows as CSV .* or Parquet"),
    ],
)
def test_files_that_are_at_fault(toy: Path, tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=f"--reference {name}: {expected}"):
        made(toy, tmp_path / name, name)


@pytest.mark.slow
def test_a_child_that_dies(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(_module: str, arguments: list[str], scratch: Path, _seconds: float) -> child.Ended:
        if "after.csv" in arguments:
            (scratch / "read").touch()
        return child.Ended(-9, "it said nothing")

    monkeypatch.setattr(child, "run", killed)
    assert made(toy).source == "none: the process that was to make it was ended by signal 9: it said nothing"
    assert made(toy, tmp_path / "x.csv", "after.csv").source.startswith("none: the process that was to make it was")
    with pytest.raises(UsageError, match=r"--reference x.csv: it could not be read: .* signal 9"):
        made(toy, tmp_path / "x.csv", "x.csv")


@pytest.mark.slow
def test_a_predictor_that_does_not_open_has_none(toy: Path, tmp_path: Path) -> None:
    shutil.copytree(toy, tmp_path / "model")
    (tmp_path / "model" / "predictor" / "learner.pkl").write_bytes(b"garbage")
    (tmp_path / "model" / "predictor" / "utils" / "data").mkdir(parents=True, exist_ok=True)
    (tmp_path / "model" / "predictor" / "utils" / "data" / "X.pkl").write_bytes(b"garbage")
    assert made(tmp_path / "model").source.startswith("none: ")


def test_rows_that_are_not_of_the_columns_types(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("a,b,c\n" + "x,y,z\n" * 6 + "1,y,z\n" * 4)
    with pytest.raises(ValueError, match="column 'a': 6 of 10 values are none of type float; give rows as callers"):
        read(file, SMALL)
    file.write_text("a,b,c\n")
    with pytest.raises(ValueError, match="no rows in it"):
        read(file, SMALL)
    file.write_bytes(b"a,b\n1,\xff\n")
    with pytest.raises(ValueError, match="expected rows as CSV"):
        read(file, SMALL)
    pd.DataFrame({"a": [], "b": []}).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(ValueError, match="no rows in it"):
        read(tmp_path / "x.parquet", SMALL)


def test_more_rows_than_are_taken_are_sampled(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": range(3 * MAX_ROWS), "b": "x", "c": 1})
    frame.to_parquet(tmp_path / "x.parquet")
    batch = read(tmp_path / "x.parquet", SMALL)
    assert batch.rows == MAX_ROWS
    held = pd.Series(batch.columns["a"])
    assert held.is_unique
    assert held.mean() == pytest.approx(1.5 * MAX_ROWS, rel=0.01)
    assert held.tolist() == pd.Series(read(tmp_path / "x.parquet", SMALL).columns["a"]).tolist()


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("rows.txt", r"expected a file that ends in .csv or .parquet"),
        ("nowhere.csv", r"No such file or directory; expected a file of rows"),
        ("https://example.com/rows.csv", r"expected s3://bucket/key, or a file of this machine"),
        ("s3://key:secret@bucket/rows.csv", r"--reference: credentials are never given in it"),
        ("s3://b/rows.csv", r"--reference: 'b' is no bucket name; expected s3://bucket/key"),
    ],
)
def test_names_that_cannot_be_meant(named: str, expected: str) -> None:
    with pytest.raises(UsageError, match=expected) as failed:
        check_named(named, 10)
    assert "secret" not in str(failed.value)


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"x" * 11)
    assert fetched(str(tmp_path / "x.csv"), tmp_path, 11) == tmp_path / "x.csv"
    with pytest.raises(UsageError, match=r"11 bytes, of which 10 bytes are taken at the most.* IMPORT_MAX_BYTES"):
        fetched(str(tmp_path / "x.csv"), tmp_path, 10)


@pytest.fixture
def aws(proxy: Proxy, s3: S3, monkeypatch: pytest.MonkeyPatch) -> S3:
    """S3 by way of the proxy, as boto3 finds it in the environment."""
    for name, value in {**s3.environment, "AWS_ENDPOINT_URL_S3": proxy.url}.items():
        monkeypatch.setenv(name, value)
    s3.put("a/rows.csv", b"a,b\n1,2\n")
    return s3


def test_an_object_of_s3(aws: S3, proxy: Proxy, tmp_path: Path) -> None:
    named = f"s3://{aws.bucket}/a/rows.csv"
    assert fetched(named, tmp_path, 100).read_bytes() == b"a,b\n1,2\n"
    with pytest.raises(UsageError, match="8 bytes, of which 7 bytes"):
        fetched(named, tmp_path, 7)
    with pytest.raises(SourceError, match=f"s3://{aws.bucket}/a/no.csv: no such object; check the key"):
        fetched(f"s3://{aws.bucket}/a/no.csv", tmp_path, 100)
    proxy.rule = lambda method, path, times: Answer(cut=4) if "rows.csv" in path and times < 4 else None
    assert fetched(named, tmp_path, 100).read_bytes() == b"a,b\n1,2\n"
    proxy.rule = failing("AccessDenied", 403)
    with pytest.raises(SourceError, match="access denied"):
        fetched(named, tmp_path, 100)
