from __future__ import annotations

import json
from dataclasses import replace

import pytest
from openapi_spec_validator import validate

from agbento.openapi import document
from agbento.schema import Feature, Schema
from agbento.values.policy import Policy

FEATURES = (
    Feature("a b", "int", "int8", range=(0.0, 3.0)),
    Feature("c", "category", "object", categories=("x", 1)),
    Feature("d", "datetime", "object"),
    Feature("e", "float", "float64"),
    Feature("f", "bool", "bool"),
    Feature("g", "text", "object"),
)
SCHEMA = Schema("y", "regression", FEATURES)


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
    made = document(schema, Policy.default(schema))
    validate(made)
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    row = made["components"]["schemas"]["Row"]
    assert made["components"]["schemas"]["Answer"]["additionalProperties"] is False
    assert row["required"] == list(row["properties"]) == [feature.name for feature in FEATURES]
    assert schema.label in made["components"]["schemas"]["Answer"]["required"]


def test_examples_have_every_column() -> None:
    post = document(SCHEMA, Policy.default(SCHEMA))["paths"]["/predict"]["post"]
    examples = post["requestBody"]["content"]["application/json"]["examples"]
    assert set(examples["one row"]["value"]) == {feature.name for feature in FEATURES}
    assert {"200", "400", "406", "408", "413", "415", "422", "500", "503", "504"} == set(post["responses"])


def test_the_example_is_typical() -> None:
    schema = Schema("y", "regression", (replace(FEATURES[0], typical=2), replace(FEATURES[2], typical="2024-06-30")))
    content = document(schema, Policy.default(schema))["paths"]["/predict"]["post"]["requestBody"]["content"]
    assert content["application/json"]["examples"]["one row"]["value"] == {"a b": 2, "d": "2024-06-30"}
    assert content["text/csv"]["example"].splitlines()[:2] == ["a b,d", "2,2024-06-30"]


def test_keys_are_asked_for_where_there_are_some() -> None:
    made = document(SCHEMA, Policy.default(SCHEMA), keys=True)
    validate(made)
    assert made["components"]["securitySchemes"] == {"key": {"type": "http", "scheme": "bearer"}}
    for path, operations in made["paths"].items():
        for operation in operations.values():
            assert ("security" in operation) == ("401" in operation["responses"]) == (path in ("/predict", "/model"))
