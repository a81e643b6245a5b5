"""Bodies that are no JSON, for schemathesis, which loads this by SCHEMATHESIS_HOOKS: no JSON Schema describes them.

CONTRACT_DOCUMENT and CONTRACT_FEATURES name files with the service's ``/docs.json`` and the features of its ``/model``.
"""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import jsonschema_rs
import pyarrow as pa
import pyarrow.parquet as pq
import schemathesis
from hypothesis import strategies as st

from agbento.bodies import CSV, PARQUET
from agbento.schema import Feature
from tests.row_strategies import texts

Row = dict[str, str]


def _read(variable: str) -> Any:
    return json.loads(Path(os.environ[variable]).read_text("utf-8"))


def _rows(document: dict[str, Any], features: list[Feature]) -> st.SearchStrategy[list[Row]]:
    """Rows of texts that the document accepts."""
    shared = {"components": document["components"]}
    known = document["components"]["schemas"]["Row"]["properties"]
    bodies = document["paths"]["/predict"]["post"]["requestBody"]["content"]
    example = bodies["application/json"]["examples"]["one row"]["value"]

    usual = {name: value if isinstance(value, str) else json.dumps(value) for name, value in example.items()}

    def cell(feature: Feature) -> st.SearchStrategy[tuple[str, str]]:
        is_valid = jsonschema_rs.Draft202012Validator(known[feature.name] | shared).is_valid
        # A policy may reject some of what the default one lets pass.
        valid = (st.just("") | texts(feature)).map(lambda text: text if is_valid(text) else usual[feature.name])
        return st.tuples(st.just(feature.name), valid)

    cells = st.sampled_from(features).flatmap(cell)
    return st.lists(st.lists(cells, max_size=5).map(lambda changed: usual | dict(changed)), min_size=1, max_size=3)


def _csv(rows: list[Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _parquet(rows: list[Row]) -> bytes:
    held = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), held)
    return held.getvalue()


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """Give the example of CSV as bytes: schemathesis sends nothing else where a media type has a strategy."""
    content = raw_schema["paths"]["/predict"]["post"]["requestBody"]["content"][CSV]
    content["example"] = content["example"].encode()


TABLES = _rows(_read("CONTRACT_DOCUMENT"), [Feature.from_json(data) for data in _read("CONTRACT_FEATURES")])
schemathesis.openapi.media_type(CSV, TABLES.map(_csv))
schemathesis.openapi.media_type(PARQUET, TABLES.map(_parquet))
