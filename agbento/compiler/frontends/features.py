"""A predictor's feature generators → the plan's features."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

from agbento.compiler.arrays import Arrays
from agbento.compiler.errors import NotNative
from agbento.compiler.frontends.feature_columns import Column, Columns, Raw
from agbento.compiler.frontends.feature_generators import READERS
from agbento.compiler.frontends.feature_inputs import input_of, key_of, slot_of
from agbento.compiler.plan import features as plan

_PIPELINES = ("BulkFeatureGenerator", "PipelineFeatureGenerator", "AutoMLPipelineFeatureGenerator")


def read_features(predictor: Any, arrays: Arrays) -> plan.Features:
    """Read the feature generators of a ``TabularPredictor``; slots are the columns of its ``transform_features``.

    Raises:
        NotNative: a generator, or an option of one, is not reproduced exactly.
    """
    generators = list(predictor._learner.feature_generators)
    if len(generators) != 1:
        raise NotNative(f"{len(generators)} feature generators one after another")
    return read_generator(generators[0], arrays)


def read_generator(generator: Any, arrays: Arrays) -> plan.Features:
    """Read one fitted feature generator.

    Raises:
        NotNative: as ``read_features``.
    """
    required = tuple(generator.features_in)
    if any(not isinstance(name, str) for name in required):
        raise NotNative("names of columns that are no strings")
    given = generator.feature_metadata_real.type_map_raw
    columns = _walk(generator, {name: Raw(name, given.get(name, "")) for name in required})
    if list(columns) != list(generator.features_out):
        raise NotNative("the generators give other columns than they say")
    slots = tuple(slot_of(column, index, name) for index, (name, column) in enumerate(columns.items()))
    told = generator.feature_metadata_real.type_map_raw
    for slot in slots:
        if slot.dtype != told[slot.name]:
            raise NotNative(f"feature {slot.name!r} is {told[slot.name]} in AutoGluon, read as {slot.dtype}")
    inputs = tuple(input_of(group, arrays) for group in _groups(columns.values()))
    return plan.Features(required, inputs, slots, bool(generator.column_names_as_str))


def _groups(columns: Iterable[Column]) -> list[list[tuple[Column, int]]]:
    """Put columns together that one input gives, each with its slot."""
    groups: dict[Hashable, list[tuple[Column, int]]] = {}
    for index, column in enumerate(columns):
        groups.setdefault(key_of(column, index), []).append((column, index))
    return list(groups.values())


def _walk(generator: Any, columns: Columns) -> Columns:
    """Do to ``columns`` what ``generator.transform`` does to a DataFrame (AbstractFeatureGenerator.transform)."""
    kind = type(generator)
    if not kind.__module__.startswith("autogluon.features.generators."):
        raise NotNative(f"{kind.__name__} is no generator of AutoGluon's")
    missing = [name for name in generator.features_in if name not in columns]
    if missing:
        raise NotNative(f"{kind.__name__} asks for columns that are not there: {missing[:3]}")
    columns = {name: columns[name] for name in generator.features_in}
    if generator._pre_astype_generator is not None:
        columns = _walk(generator._pre_astype_generator, columns)
    made = _transform(generator, columns)
    if generator.passthrough and generator.passthrough_features:
        if generator.passthrough_stage != "first":
            raise NotNative(f"{kind.__name__} with passthrough_stage={generator.passthrough_stage!r}")
        made = _join([{name: columns[name] for name in generator.passthrough_features}, made])
    for later in generator._post_generators:
        made = _walk(later, made)
    return made


def _transform(generator: Any, columns: Columns) -> Columns:
    name = type(generator).__name__
    if name in _PIPELINES:
        for group in generator.generators:
            columns = _join([_walk(one, columns) for one in group])
        return columns
    if name not in READERS:
        raise NotNative(f"{name} has no native form")
    return READERS[name](generator, columns)


def _join(parts: list[Columns]) -> Columns:
    joined: Columns = {}
    for part in parts:
        for name, column in part.items():
            if name in joined:
                raise NotNative(f"two features of the name {name!r}")
            joined[name] = column
    return joined
