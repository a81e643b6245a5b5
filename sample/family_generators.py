"""Trainings with every feature generator that AutoGluon has, as its pipelines, its models and its users put them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from autogluon.common.features.feature_metadata import FeatureMetadata
from autogluon.features import generators as ag
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from sample.family import GBM, Family, fitted, several
from sample.odd_columns import LABEL, odd_rows
from sample.toys import Kind, toy_rows

NUMBERS: Final = {"valid_raw_types": ["int", "float"]}
Made = Callable[[], Any]


def generator_families() -> Iterator[tuple[str, Family]]:
    """One predictor for each generator, a second each; and models that call generators, since AutoGluon 1.5."""
    yield "pipelines", Family(several({name: partial(_auto, make) for name, make in PIPELINES.items()}))
    yield "generators", Family(several({name: partial(_generated, make) for name, make in GENERATORS.items()}))
    for name, options in PREPARED.items():
        yield (
            f"prepared-{name.lower()}",
            Family(partial(_prepared, name, options), ("autogluon.tabular.models.tabprep",)),
        )
    yield "metadata", Family(_told)


def _numbers() -> Any:
    return ag.IdentityFeatureGenerator(infer_features_in_args=NUMBERS)


def _pipeline(*generators: Any, **options: Any) -> Any:
    return ag.PipelineFeatureGenerator(generators=[list(generators)], verbosity=0, **options)


def _beside(name: str, **options: Any) -> Made:
    """A pipeline with the generator beside the numbers, which stay as they are."""
    return lambda: _pipeline(_numbers(), getattr(ag, name)(**options))


def _before(name: str, **options: Any) -> Made:
    """A pipeline in which the generator comes before those that take numbers and categories."""
    return lambda: _pipeline(
        _numbers(),
        ag.CategoryFeatureGenerator(),
        pre_generators=[ag.AsTypeFeatureGenerator(), getattr(ag, name)(**options)],
    )


def _after(name: str, **options: Any) -> Made:
    """A pipeline of numbers and categories, with the generator behind the categories."""
    return lambda: _pipeline(
        _numbers(), ag.CategoryFeatureGenerator(minimize_memory=False, post_generators=[getattr(ag, name)(**options)])
    )


def _bulk() -> Any:
    return ag.BulkFeatureGenerator(
        generators=[
            [ag.AsTypeFeatureGenerator()],
            [ag.FillNaFeatureGenerator()],
            [_numbers(), ag.CategoryFeatureGenerator()],
        ]
    )


PIPELINES: Final[dict[str, Made]] = {
    "texts": lambda: ag.AutoMLPipelineFeatureGenerator(enable_raw_text_features=True, post_drop_duplicates=True),
    "tfidf": lambda: ag.AutoMLPipelineFeatureGenerator(vectorizer=TfidfVectorizer(min_df=2, max_features=20)),
    "counts": lambda: ag.AutoMLPipelineFeatureGenerator(
        vectorizer=CountVectorizer(min_df=2, ngram_range=(1, 2), max_features=20, dtype=np.uint8)
    ),
    "one more": lambda: ag.AutoMLPipelineFeatureGenerator(custom_feature_generators=[ag.IsNanFeatureGenerator()]),
    "no dates": lambda: ag.AutoMLPipelineFeatureGenerator(
        enable_datetime_features=False, enable_text_special_features=False
    ),
}

GENERATORS: Final[dict[str, Made]] = {
    "astype": _before("AsTypeFeatureGenerator", convert_bool_method="v2"),
    "binned": _beside("BinnedFeatureGenerator", name_suffix="_bin"),
    "bulk": _bulk,
    "category": _beside("CategoryFeatureGenerator", cat_order="count", fillna="mode", maximum_num_cat=2),
    "category by letters": _beside("CategoryFeatureGenerator", cat_order="alphanumeric", minimize_memory=False),
    "category prefixed": _beside("CategoryFeatureGenerator", name_prefix="c_"),
    "datetime": _beside("DatetimeFeatureGenerator", features=["year", "hour"]),
    "drop duplicates": _before("DropDuplicatesFeatureGenerator"),
    "drop unique": _before("DropUniqueFeatureGenerator"),
    "dummy": lambda: _pipeline(_numbers(), ag.DummyFeatureGenerator()),
    "fillna": _before("FillNaFeatureGenerator", fillna_map={"object": "", "float": 0.0}),
    "identity": _numbers,
    "isnan": _beside("IsNanFeatureGenerator"),
    "label encoder": _after("LabelEncoderFeatureGenerator"),
    "category memory": _after("CategoryMemoryMinimizeFeatureGenerator"),
    "numeric memory": lambda: ag.IdentityFeatureGenerator(
        infer_features_in_args=NUMBERS, post_generators=[ag.NumericMemoryMinimizeFeatureGenerator(dtype_out=np.int16)]
    ),
    "one-hot": _after("OneHotEncoderFeatureGenerator", max_levels=3, sparse=False),
    "rename": lambda: ag.IdentityFeatureGenerator(
        infer_features_in_args=NUMBERS, post_generators=[ag.RenameFeatureGenerator(name_prefix="a_", name_suffix="_z")]
    ),
    "words": _beside("TextNgramFeatureGenerator", vectorizer_strategy="both"),
    "words apart": _beside("TextNgramFeatureGenerator", vectorizer_strategy="separate", max_memory_ratio=None),
    "text special": _beside("TextSpecialFeatureGenerator", symbols=["!", "a"], post_drop_duplicates=False),
}

PREPARED: Final[dict[str, dict[str, Any]]] = {
    "ArithmeticFeatureGenerator": {},
    "CategoricalInteractionFeatureGenerator": {"passthrough": True},
    "OOFTargetEncodingFeatureGenerator": {},
    "GroupByFeatureGenerator": {},
    "RandomSubsetFeatureCompressionGenerator": {},
    "CatAsNumFeatureGenerator": {},
    "SpearmanFeatureSelector": {},
}


def _auto(make: Made, folder: Path) -> None:
    fitted("regression", folder, odd_rows(n=200), label=LABEL, hyperparameters=GBM, feature_generator=make())


def _generated(make: Made, folder: Path) -> None:
    fitted("regression", folder, hyperparameters=GBM, feature_generator=make())


def _prepared(name: str, options: dict[str, Any], folder: Path) -> None:
    kinds: tuple[Kind, ...] = ("binary", "multiclass", "regression")
    for kind in kinds:
        parameters = {"num_boost_round": 3, "ag.prep_params": [[name, options]]}
        fitted(kind, folder / kind, hyperparameters={"GBM_PREP": parameters})


def _told(folder: Path) -> None:
    """The types of columns are said by the user, who also takes one away."""
    frame = toy_rows("regression", 160)
    told = FeatureMetadata.from_df(frame.drop(columns="price")).remove_features(["city"])
    fitted("regression", folder, frame, feature_metadata=told.add_special_types({"note": ["text"]}))
