from __future__ import annotations

import json

import pytest
from openapi_spec_validator import validate

from agbento.openapi import document
from agbento.schema import Feature, Schema

FEATURES = (
    Feature("a b", "int", "int8", range=(0.0, 3.0)),
    Feature("c", "category", "object", categories=("x", 1)),
    Feature("d", "datetime", "object"),
    Feature("e", "float", "float64"),
    Feature("f", "bool", "bool"),
    Feature("g", "text", "object"),
)


@pytest.mark.parametrize(
    "schema",
    [
        Schema("y", "regression", FEATURES),
        Schema("0", "binary", FEATURES, classes=(False, True)),
        Schema("y", "multiclass", FEATURES, classes=(" a", "b", "\ud800")),
        Schema("y", "quantile", FEATURES, quantile_levels=(0.1, 0.9)),
    ],
    ids=lambda schema: schema.problem_type,
)
def test_the_document_is_openapi(schema: Schema) -> None:
    made = document(schema)
    validate(made)
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    row = made["components"]["schemas"]["Row"]
    assert row["required"] == list(row["properties"]) == [feature.name for feature in FEATURES]
    assert schema.label in made["components"]["schemas"]["Answer"]["required"]


def test_examples_have_every_column() -> None:
    post = document(Schema("y", "regression", FEATURES))["paths"]["/predict"]["post"]
    examples = post["requestBody"]["content"]["application/json"]["examples"]
    assert set(examples["one row"]["value"]) == {feature.name for feature in FEATURES}
    assert {"200", "400", "408", "413", "415", "422", "500", "503", "504"} == set(post["responses"])
