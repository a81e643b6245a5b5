"""The OpenAPI document of one model, and the page that shows it."""

from __future__ import annotations

import csv
import io
from typing import Any

from agbento import __version__
from agbento.accepted import SHARED, row_schema
from agbento.examples import example_rows, typical_row
from agbento.schema import Schema
from agbento.values.policy import Policy

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Prediction API</title>
<link rel="stylesheet" href="./static_content/swagger-ui.css">
<style>
.swagger-ui .operation-servers { display: none }
.swagger-ui textarea.body-param__text { min-height: 340px }
</style>
<link rel="icon" type="image/png" href="./static_content/favicon-light-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="./static_content/swagger-ui-bundle.js"></script>
<script>
SwaggerUIBundle({
  url: "./docs.json", dom_id: "#swagger-ui", validatorUrl: null, tryItOutEnabled: true, defaultModelsExpandDepth: 0
})
</script>
</body>
</html>
"""

_FAULT = {
    "row": {"type": "integer", "minimum": 0},
    "column": {"type": ["string", "null"]},
    "reason": {"type": "string"},
    "expected": {"type": "string"},
    "received": {"type": "string"},
}
_WARNING = {**_FAULT, "taken_as": {"type": "string"}}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "error"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "error": {"type": "string"},
        "faults": {"type": "array", "items": {"type": "object", "required": [*_FAULT], "properties": _FAULT}},
    },
}
_FAULTS = {
    "400": "The body is malformed: not JSON, CSV or Parquet, not UTF-8, empty, or without rows",
    "406": "Neither JSON nor CSV would be accepted as an answer",
    "408": "The body did not come in time",
    "413": "The body is too large, or has too many rows",
    "415": "The body is of another media type, character set or encoding",
    "422": "Rows that do not fit the model; `faults` lists every one",
    "500": "A fault of the service",
    "503": "Too many requests at once; `Retry-After` says when to try again",
    "504": "The model did not answer in time",
}
_UNAUTHORIZED = {"401": "No API key, or one that is not known"}
_GETS = (
    ("/model", "What is being served", "application/json", {"type": "object"}),
    ("/metrics", "Prometheus metrics", "text/plain", {"type": "string"}),
    ("/livez", "The process lives", "text/plain", {"type": "string"}),
    ("/readyz", "The model is loaded, warmed and has answered", "text/plain", {"type": "string"}),
)


def document(schema: Schema, policy: Policy, *, keys: bool = False) -> dict[str, Any]:
    """Give the OpenAPI 3.1 document of the service that serves a model of this schema under this policy.

    ``keys`` tells whether the service asks for API keys.
    """
    made: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": f"Predictions of {schema.label}", "version": __version__},
        "paths": {"/predict": {"post": _predict(schema, _UNAUTHORIZED if keys else {})}},
        "components": {
            "schemas": {
                "Row": row_schema(schema, policy),
                "Answer": _answer(schema),
                "Warning": {"type": "object", "required": [*_WARNING], "properties": _WARNING},
                "Problem": _PROBLEM,
                **SHARED,
            }
        },
    }
    for path, summary, media_type, shape in _GETS:
        responses: dict[str, Any] = {"200": {"description": summary, "content": {media_type: {"schema": shape}}}}
        if path == "/readyz":
            responses |= _problems({"503": "Not ready yet"})
        made["paths"][path] = {"get": {"summary": summary, "responses": responses}}
    if keys:
        made["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        for path in ("/predict", "/model"):
            for operation in made["paths"][path].values():
                operation["security"] = [{"key": []}]
                operation["responses"] |= _problems(_UNAUTHORIZED)
    return made


def _predict(schema: Schema, more_faults: dict[str, str]) -> dict[str, Any]:
    features = schema.to_json()["features"]
    one, another = typical_row(features), next(example_rows(features, seed=1))
    row, answer = {"$ref": "#/components/schemas/Row"}, {"$ref": "#/components/schemas/Answer"}
    answers = {
        "description": "One answer for an object; an array of answers, in order, for anything else",
        "content": {
            "application/json": {"schema": {"oneOf": [answer, {"type": "array", "items": answer}]}},
            "text/csv": {"schema": {"type": "string"}},
        },
    }
    return {
        "summary": "Predict one row, or many",
        "operationId": "predict",
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"oneOf": [row, {"type": "array", "minItems": 1, "items": row}]},
                    "examples": {"one row": {"value": one}, "two rows": {"value": [one, another]}},
                },
                "text/csv": {"schema": {"type": "string"}, "example": _csv([one, another])},
                "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
            },
        },
        "responses": {"200": answers, **_problems(_FAULTS | more_faults)},
    }


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _problems(faults: dict[str, str]) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {code: {"description": text, "content": content} for code, text in faults.items()}


def _answer(schema: Schema) -> dict[str, Any]:
    number = {"type": ["number", "null"]}
    value: dict[str, Any] = number
    if schema.quantile_levels:
        value = _numbers([str(level) for level in schema.quantile_levels])
    properties: dict[str, Any] = {schema.label: value}
    if schema.classes:
        probabilities = _numbers([str(name) for name in schema.classes])
        properties = {schema.label: {"enum": list(schema.classes)}, "probabilities": probabilities}
    warnings = {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Warning"}}
    return {
        "type": "object",
        "required": list(properties),
        "properties": {**properties, "warnings": warnings},
        "additionalProperties": False,
    }


def _numbers(names: list[str]) -> dict[str, Any]:
    number = {"type": ["number", "null"]}
    return {"type": "object", "required": names, "properties": dict.fromkeys(names, number)}
