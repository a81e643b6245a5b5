"""The OpenAPI document of one model, and the page that shows it."""

from __future__ import annotations

from typing import Any

from agbento import __version__
from agbento.examples import example_rows
from agbento.schema import Feature, Schema

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Prediction API</title>
<link rel="stylesheet" href="./static_content/swagger-ui.css">
<link rel="icon" type="image/png" href="./static_content/favicon-light-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="./static_content/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({url: "./docs.json", dom_id: "#swagger-ui", validatorUrl: null, tryItOutEnabled: true})</script>
</body>
</html>
"""

_JSON_TYPES: dict[str, dict[str, Any]] = {
    "int": {"type": "integer"},
    "float": {"type": ["number", "null"]},
    "bool": {"type": "boolean"},
    "datetime": {"type": "string", "format": "date-time"},
    "category": {"type": ["string", "number", "boolean", "null"]},
    "text": {"type": ["string", "null"]},
}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "error"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "error": {"type": "string"},
        "faults": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["row", "column", "reason", "expected", "received"],
                "properties": {
                    "row": {"type": "integer", "minimum": 0},
                    "column": {"type": ["string", "null"]},
                    "reason": {"type": "string"},
                    "expected": {"type": "string"},
                    "received": {"type": "string"},
                },
            },
        },
    },
}
_FAULTS = {
    "400": "The body is not JSON, not UTF-8, or empty",
    "408": "The body did not come in time",
    "413": "The body is too large, or has too many rows",
    "415": "The body is not JSON",
    "422": "Rows that do not fit the model; `faults` lists every one",
    "500": "A fault of the service",
    "503": "Too many requests at once; `Retry-After` says when to try again",
    "504": "The model did not answer in time",
}


def document(schema: Schema) -> dict[str, Any]:
    """Give the OpenAPI 3.1 document of the service that serves a model of this schema."""
    example = next(example_rows(schema.to_json()["features"]))
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Predictions of {schema.label}", "version": __version__},
        "paths": {
            "/predict": {"post": _predict(example)},
            "/model": {"get": _get("What is being served", "application/json", {"type": "object"})},
            "/livez": {"get": _get("The process lives", "text/plain", {"type": "string"})},
            "/readyz": {"get": _get("The model is loaded, warmed and has answered", "text/plain", {"type": "string"})},
            "/metrics": {"get": _get("Prometheus metrics", "text/plain", {"type": "string"})},
        },
        "components": {"schemas": {"Row": _row(schema), "Answer": _answer(schema), "Problem": _PROBLEM}},
    }


def _predict(example: dict[str, Any]) -> dict[str, Any]:
    row, answer = {"$ref": "#/components/schemas/Row"}, {"$ref": "#/components/schemas/Answer"}
    responses: dict[str, Any] = {
        code: {
            "description": text,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for code, text in _FAULTS.items()
    }
    responses["200"] = {
        "description": "One answer for an object; an array of answers, in order, for an array",
        "content": {"application/json": {"schema": {"oneOf": [answer, {"type": "array", "items": answer}]}}},
    }
    return {
        "summary": "Predict one row, or an array of rows",
        "operationId": "predict",
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"oneOf": [row, {"type": "array", "minItems": 1, "items": row}]},
                    "examples": {"one row": {"value": example}, "two rows": {"value": [example, example]}},
                }
            },
        },
        "responses": dict(sorted(responses.items())),
    }


def _get(summary: str, media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "summary": summary,
        "responses": {"200": {"description": summary, "content": {media_type: {"schema": schema}}}},
    }


def _row(schema: Schema) -> dict[str, Any]:
    return {
        "type": "object",
        "required": [feature.name for feature in schema.features if feature.required],
        "properties": {feature.name: _property(feature) for feature in schema.features},
        "additionalProperties": True,
    }


def _property(feature: Feature) -> dict[str, Any]:
    described = dict(_JSON_TYPES[feature.type])
    if feature.categories is not None:
        described["x-categories"] = list(feature.categories)
    if feature.range is not None:
        described["description"] = f"{feature.range[0]:g} to {feature.range[1]:g} in training"
    return described


def _answer(schema: Schema) -> dict[str, Any]:
    number = {"type": ["number", "null"]}
    value: dict[str, Any] = number
    if schema.quantile_levels:
        value = {"type": "object", "properties": {str(level): number for level in schema.quantile_levels}}
    properties: dict[str, Any] = {schema.label: value}
    if schema.classes:
        properties = {
            schema.label: {"enum": list(schema.classes)},
            "probabilities": {"type": "object", "properties": {str(c): number for c in schema.classes}},
        }
    return {"type": "object", "required": list(properties), "properties": properties}
