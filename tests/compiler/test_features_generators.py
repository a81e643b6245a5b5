"""Feature generators with other options than AutoGluon's default: read exactly, or named as not native."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from autogluon.features.generators import (
    AsTypeFeatureGenerator,
    AutoMLPipelineFeatureGenerator,
    BulkFeatureGenerator,
    CategoryFeatureGenerator,
    DatetimeFeatureGenerator,
    FillNaFeatureGenerator,
    IdentityFeatureGenerator,
    IsNanFeatureGenerator,
    LabelEncoderFeatureGenerator,
    OneHotEncoderFeatureGenerator,
    PipelineFeatureGenerator,
    TextNgramFeatureGenerator,
    TextSpecialFeatureGenerator,
)
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from agbento.compiler.arrays import Arrays
from agbento.compiler.errors import NotNative
from agbento.compiler.frontends.features import read_features
from agbento.compiler.plan.features import Constant, Null, Number, Text, Words
from tests.compiler.test_features import pair
from tests.frames import columns

pytestmark = pytest.mark.filterwarnings("ignore")

N = 120
WORDS = ("red", "Blue!", "old", "n3w", "x@y", "größe", "_total_", "red")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "int": rng.integers(0, 100, N),
            "float": np.where(rng.random(N) < 0.1, np.nan, rng.normal(size=N)),
            "level": rng.choice(np.array(["a", "b", None], dtype=object), N),
            "date": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 10**7, N), unit="s"),
            "text": [" ".join(rng.choice(WORDS[:6], rng.integers(3, 8))) for _ in range(N)],
            "other text": [" ".join(rng.choice(WORDS[:5], 5)) for _ in range(N)],
        }
    )


ROW = {"int": 3, "float": None, "level": "b", "date": "2024-02-03 04:05:06", "text": "", "other text": "a Blue! old x"}


def checked(frame: pd.DataFrame, generator: Any = None) -> Any:
    """The generator's features, once it answers training rows and a few others as AutoGluon does."""
    found = pair(frame, generator)
    found.check_columns(columns(frame))
    row = {name: ROW.get(name, 1) for name in columns(frame)}
    for one in (row, row | {"text": "red red Größe n3w, red", "other text": None, "level": "never", "int": 2.5}):
        found.check_row({name: one[name] for name in row})
    return found.features


def default(*more: Any, **options: Any) -> AutoMLPipelineFeatureGenerator:
    return AutoMLPipelineFeatureGenerator(verbosity=0, custom_feature_generators=list(more) or None, **options)


def group(*generators: Any, **options: Any) -> PipelineFeatureGenerator:
    return PipelineFeatureGenerator(generators=[list(generators)], verbosity=0, **options)


def bulk(*groups: Any) -> BulkFeatureGenerator:
    return BulkFeatureGenerator(generators=[list(g) for g in groups], verbosity=0)


def test_texts_of_several_columns_are_joined(frame: pd.DataFrame) -> None:
    features = checked(frame, default(vectorizer=CountVectorizer(min_df=3, ngram_range=(1, 3), dtype=np.uint8)))
    (words,) = [one for one in features.inputs if isinstance(one, Words)]
    assert words.columns == ("text", "other text")


@pytest.mark.parametrize(
    "options",
    [
        {"ngram_range": (2, 2)},
        {"lowercase": False},
        {"binary": True},
        {"dtype": np.int64},
        {"token_pattern": r"\S+"},
        {"max_features": 5},
        {"vocabulary": ["red", "absent"]},
    ],
)
def test_vectorizers(frame: pd.DataFrame, options: dict[str, Any]) -> None:
    checked(frame, default(vectorizer=CountVectorizer(**{"min_df": 3, "dtype": np.uint8} | options)))


def test_counts_begin_again_at_256(frame: pd.DataFrame) -> None:
    found = pair(frame, default(vectorizer=CountVectorizer(min_df=3, dtype=np.uint8)))
    for n in (255, 256, 300):
        found.check_row(ROW | {"text": "red " * n})


@pytest.mark.parametrize("strategy", ["separate", "both"])
def test_texts_of_their_own(frame: pd.DataFrame, strategy: str) -> None:
    checked(frame, default(vectorizer=CountVectorizer(min_df=9), text_ngram_params={"vectorizer_strategy": strategy}))


def test_tokens_that_were_filtered(frame: pd.DataFrame) -> None:
    generator = TextNgramFeatureGenerator(
        vectorizer=CountVectorizer(min_df=9), prefilter_tokens=True, prefilter_token_count=4, verbosity=0
    )
    outer = bulk([AsTypeFeatureGenerator()], [FillNaFeatureGenerator()], [generator])
    outer.fit_transform(frame[["text"]].copy(), y=frame["int"], problem_type="regression")
    assert generator.token_mask is not None
    features = read_features(SimpleNamespace(_learner=SimpleNamespace(feature_generators=[outer])), Arrays())
    assert len(features.slots) == 4


@pytest.mark.parametrize("binned", [True, False])
def test_statistics_of_texts(frame: pd.DataFrame, binned: bool) -> None:
    special = TextSpecialFeatureGenerator(bin_features=binned, min_occur_offset=0, post_drop_duplicates=False)
    features = checked(frame, group(special))
    (first, _) = [one for one in features.inputs if isinstance(one, Text)]
    assert {one.measure for one in first.statistics} >= {"char_count", "capital_ratio", "digit_ratio", "symbol_ratio"}


def test_statistics_of_odd_texts(frame: pd.DataFrame) -> None:
    special = TextSpecialFeatureGenerator(bin_features=False, min_occur_offset=0, post_drop_duplicates=False)
    found = pair(frame, group(special))
    for text in ("", "   ", "\ud800", "ÀÉ 12 _x", "A" * 70_000, "\x00\n\t", "!@ !@", "İ９", " a  b\u2003c"):
        found.check_row(ROW | {"text": text, "other text": text})
    for value in (5, True, 2.5, 1e300, float("inf"), 2**64, None, float("nan"), pd.NaT, (1,)):
        found.check_row(ROW | {"text": value, "other text": "x"})


def test_dates_of_which_one_part_is_left() -> None:
    frame = pd.DataFrame({"date": pd.to_datetime([f"2026-01-05 {hour:02}:30" for hour in range(20)])})
    found = pair(frame, group(DatetimeFeatureGenerator(features=[])))
    assert [slot.name for slot in found.features.slots] == ["date"]
    found.check_columns({"date": frame["date"]})
    for row in ({"date": frame["date"][3]}, {"date": None}, {"date": "2026-01-05 07:00:01"}):
        found.check_row(row)


def test_parts_of_dates(frame: pd.DataFrame) -> None:
    parts = ["year", "month", "day", "dayofweek", "weekday", "day_of_week", "hour", "minute", "second"]
    found = pair(frame, group(DatetimeFeatureGenerator(features=parts), post_drop_duplicates=False))
    found.check_columns(columns(frame))
    for date in ("1950-12-31 23:59:59.5", "1969-12-31", "2000-02-29 12:34:56", None, 5, "2261-12-31T00:00"):
        found.check_row(ROW | {"date": date})


def test_levels_are_kept_as_they_are(frame: pd.DataFrame) -> None:
    features = checked(frame, group(CategoryFeatureGenerator(minimize_memory=False, cat_order="count")))
    assert features.slots[0].levels is not None
    assert set(features.slots[0].levels) == {"", "a", "b"}


def test_rare_levels_and_the_most_frequent_for_missing(frame: pd.DataFrame) -> None:
    checked(frame, group(CategoryFeatureGenerator(maximum_num_cat=2, fillna="mode")))


def test_null_flags(frame: pd.DataFrame) -> None:
    numbers = IdentityFeatureGenerator(infer_features_in_args={"valid_raw_types": ["int", "float"]})
    features = checked(frame[["int", "float", "level"]], group(numbers, IsNanFeatureGenerator()))
    assert sum(isinstance(one, Null) for one in features.inputs) == 2


def test_renamed_features(frame: pd.DataFrame) -> None:
    numbers = frame[["int", "float"]]
    features = checked(numbers, group(IdentityFeatureGenerator(name_prefix="a ", name_suffix=" b")))
    assert [slot.name for slot in features.slots] == ["a int b", "a float b"]


def test_one_column_twice(frame: pd.DataFrame) -> None:
    twice = bulk([AsTypeFeatureGenerator()], [IdentityFeatureGenerator(), IdentityFeatureGenerator(name_suffix="2")])
    features = checked(frame[["int", "float"]], twice)
    assert [slot.name for slot in features.slots] == ["int", "float", "int2", "float2"]


def test_columns_that_pass_by(frame: pd.DataFrame) -> None:
    numbers = frame[["int", "float"]]
    inner = IdentityFeatureGenerator(infer_features_in_args={"valid_raw_types": ["int"]}, passthrough=True)
    checked(numbers, bulk([AsTypeFeatureGenerator()], [inner]))


def test_numbers_that_nothing_casts(frame: pd.DataFrame) -> None:
    found = pair(frame[["int", "float"]], IdentityFeatureGenerator(verbosity=0))
    assert {one.dtype for one in found.features.inputs if isinstance(one, Number)} == {""}
    columns = {"int": [1.5, 2.5], "float": [1, 2]}
    np.testing.assert_array_equal(found.encoder.columns(columns), [[1.5, 1], [2.5, 2]])
    np.testing.assert_array_equal(found.encoder.row({"int": 1.5, "float": None}), [[1.5, np.nan]])
    with pytest.raises(ValueError, match=r"'int'.*cannot be read"):
        found.encoder.row({"int": "x", "float": 1})


def test_names_that_are_no_texts(frame: pd.DataFrame) -> None:
    numbered = frame[["int", "float", "level"]].set_axis([1, 2.5, ("a", 1)], axis=1)
    found = pair(numbered)
    assert found.features.names_as_text
    expected = found.expected(numbered)
    for named in (columns(numbered), {str(name): values for name, values in numbered.items()}):
        np.testing.assert_array_equal(found.encoder.columns(named), expected)
    row: dict[Any, Any] = {1: 5, 2.5: 1.5, ("a", 1): "b"}
    np.testing.assert_array_equal(found.encoder.row(row), found.expected(pd.DataFrame([row])))
    np.testing.assert_array_equal(found.encoder.rows([row, row]), found.expected(pd.DataFrame([row, row])))


def test_names_of_any_characters(frame: pd.DataFrame) -> None:
    names = ["a/b", 'c"d', "e\nf", "ü#2", "{}", " "]
    found = pair(frame.set_axis(names, axis=1))
    found.check_columns(columns(frame.set_axis(names, axis=1)))


def test_no_column_is_of_use(frame: pd.DataFrame) -> None:
    nothing = pd.DataFrame({"a": [1] * N, "b": [f"id{i}" for i in range(N)]})
    found = pair(nothing)
    assert [type(one) for one in found.features.inputs] == [Constant]
    np.testing.assert_array_equal(found.encoder.row({}), [[0.0]])


class Doubled(IdentityFeatureGenerator):
    def _transform(self, X: pd.DataFrame) -> pd.DataFrame:  # noqa: N803 AutoGluon's name
        return X * 2


def categories() -> tuple[list[Any], ...]:
    return [AsTypeFeatureGenerator()], [FillNaFeatureGenerator()], [CategoryFeatureGenerator()]


@pytest.mark.parametrize(
    ("generator", "why"),
    [
        (lambda: group(Doubled(infer_features_in_args={"valid_raw_types": ["int"]})), "Doubled is no generator of"),
        (
            lambda: bulk(*categories(), [LabelEncoderFeatureGenerator()]),
            "LabelEncoderFeatureGenerator has no native form",
        ),
        (
            lambda: bulk(*categories(), [OneHotEncoderFeatureGenerator(sparse=False)]),
            "OneHotEncoder.* has no native form",
        ),
        (lambda: default(vectorizer=TfidfVectorizer(min_df=3)), "TfidfVectorizer"),
        (lambda: default(vectorizer=CountVectorizer(min_df=3, stop_words=["red"])), "stop_words"),
        (lambda: default(vectorizer=CountVectorizer(min_df=3, strip_accents="ascii")), "strip_accents"),
        (lambda: default(vectorizer=CountVectorizer(min_df=3, dtype=np.float32)), "float32"),
        (lambda: default(enable_raw_text_features=True), "goes to the models as object"),
        (lambda: group(DatetimeFeatureGenerator(features=["quarter"])), "quarter"),
        (lambda: group(CategoryFeatureGenerator(), pre_generators=[]), "not filled"),
        (lambda: group(CategoryFeatureGenerator(), pre_generators=[FillNaFeatureGenerator({"object": "?"})]), "'\\?'"),
        (lambda: IdentityFeatureGenerator(verbosity=0), "uncast"),
    ],
)
def test_what_is_not_native(frame: pd.DataFrame, generator: Any, why: str) -> None:
    with pytest.raises(NotNative, match=why):
        pair(frame, generator())


def test_several_generators_are_not_native() -> None:
    learner = SimpleNamespace(feature_generators=[IdentityFeatureGenerator(), IdentityFeatureGenerator()])
    with pytest.raises(NotNative, match="2 feature generators"):
        read_features(SimpleNamespace(_learner=learner), Arrays())
