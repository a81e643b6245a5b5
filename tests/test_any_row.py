"""Any row of any odd predictor: the answer is AutoGluon's, or a problem that names the place."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import Any, get_args

import jsonschema_rs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agbento.accepted import value_schema
from agbento.bodies import CSV, PARQUET
from agbento.rows import RowReader
from agbento.schema import Schema
from agbento.values.policy import Policy
from agbento.values.reasons import ACTIONS, REASONS, Action
from sample.toys import Kind
from tests.row_strategies import ANY_JSON, rows, tables, written
from tests.served_models import Asked, InProcess

pytestmark = pytest.mark.slow


def examples(number: int) -> settings:
    """So many examples, the same in each run; none is shrunk: with rows of 34 columns that takes minutes."""
    return settings(
        max_examples=number,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


FEW, SOME, MANY = examples(20), examples(60), examples(200)
Place = tuple[int, str | None]


class Judged:
    """A predictor under a policy, and what its OpenAPI document has to say of values."""

    def __init__(self, model: InProcess) -> None:
        self.model, policy = model, model.policy
        bodies = model.document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
        self.usual: dict[str, Any] = bodies["examples"]["one row"]["value"]
        self.names = list(self.usual)
        self._components = {"components": model.document["components"]}
        self.body = jsonschema_rs.Draft202012Validator(bodies["schema"] | self._components)
        strict = {
            name: {reason: _strictly(action) for reason, action in actions.items()}
            for name, actions in policy.actions.items()
        }
        self.rejecting = Rejecting(model.schema, policy, self._components)
        self.warning = Rejecting(model.schema, Policy(strict, _strictly(policy.unused_column)), self._components)


class Rejecting:
    """What the document of a policy does not accept."""

    def __init__(self, schema: Schema, policy: Policy, components: dict[str, Any]) -> None:
        self._unused = policy.unused_column
        self._validators = {
            feature.name: (
                policy.actions[feature.name]["missing_column"],
                jsonschema_rs.Draft202012Validator(value_schema(feature, policy.actions[feature.name]) | components),
            )
            for feature in schema.features
        }
        # Columns of which the document is not exact: agbento/accepted.py says how.
        self.coarse = {
            feature.name
            for feature in schema.features
            if feature.two_valued is not None
            and "reject" in (policy.actions[feature.name][reason] for reason in ("unseen_value", "unverified_value"))
            and (feature.type != "category" or feature.two_valued.false is None)
        }

    def places(self, sent: list[Any]) -> set[Place]:
        """The rows and columns at fault."""
        if wrong := {(i, None) for i, row in enumerate(sent) if not isinstance(row, dict)}:
            return set(wrong)
        found: set[Place] = set()
        for i, row in enumerate(sent):
            for name, (missing, validator) in self._validators.items():
                if missing == "reject" if name not in row else not validator.is_valid(without_surrogates(row[name])):
                    found.add((i, name))
            if self._unused == "reject":
                found |= {(i, name) for name in row if name not in self._validators}
        return found

    def agrees(self, told: set[Place], sent: list[Any]) -> bool:
        """Tell whether those are the places, but for columns of which the document is not exact."""
        return {column for _, column in told ^ self.places(sent)} <= self.coarse


def _strictly(action: Action) -> Action:
    return "reject" if action == "warn" else action


@pytest.fixture(scope="module", params=get_args(Kind))
def judged(request: pytest.FixtureRequest, odd_in_process: Mapping[str, InProcess]) -> Judged:
    """The predictor of each problem type."""
    return Judged(odd_in_process[request.param])


@pytest.fixture(scope="module", params=ACTIONS)
def under_one_action(request: pytest.FixtureRequest, odd_in_process: Mapping[str, InProcess]) -> Judged:
    """A predictor under the policy that does the same about everything."""
    model = odd_in_process["multiclass"]
    return Judged(InProcess(model.stock, model.oracle, {"defaults": dict.fromkeys(REASONS, request.param)}))


def without_surrogates(value: Any) -> Any:
    """The value with another odd character where it has a lone surrogate: the validator reads UTF-8 alone."""
    text = json.dumps(value, ensure_ascii=False)
    return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def problem_of(asked: Asked) -> dict[str, Any]:
    """The problem of an answer that is one."""
    problem: dict[str, Any] = asked.json()
    assert asked.media_type == "application/problem+json"
    assert (400 <= asked.status < 500, problem["status"]) == (True, asked.status), problem
    assert {"type", "title", "detail", "error"} < set(problem)
    return problem


def answers_of(asked: Asked) -> list[dict[str, Any]]:
    """The answers to an array."""
    assert (asked.status, asked.media_type) == (200, "application/json"), asked.body
    answers: list[dict[str, Any]] = asked.json()
    return answers


def judge(judged: Judged, sent: list[Any], asked: Asked) -> list[dict[str, Any]]:
    """See that the answer is what the document says, at every place; gives the warnings."""
    assert judged.body.is_valid(without_surrogates(sent)) == (not judged.rejecting.places(sent))
    if asked.status != 200:
        faults = problem_of(asked)["faults"]
        assert asked.status == 422
        assert judged.rejecting.agrees({(fault["row"], fault["column"]) for fault in faults}, sent)
        return []
    assert judged.rejecting.agrees(set(), sent)
    warnings = [warning for answer in answers_of(asked) for warning in answer.get("warnings", ())]
    assert judged.warning.agrees({(warning["row"], warning["column"]) for warning in warnings}, sent)
    assert all(warning[key] for warning in warnings for key in ("reason", "expected", "received", "taken_as"))
    return warnings


def changed_rows(judged: Judged, data: st.DataObject) -> list[Any]:
    """The usual row, with anything in place of some values, some columns left out, and some more."""
    names = st.one_of(st.sampled_from(judged.names), st.text(st.characters(), max_size=4))
    changes = st.lists(st.tuples(names, ANY_JSON | st.just(judged)), max_size=3)
    sent: list[Any] = []
    for change in data.draw(st.lists(changes, min_size=1, max_size=3)):
        # The object in place of a value says that there is no such column.
        row = judged.usual | dict(change)
        sent.append({name: value for name, value in row.items() if value is not judged})
    if data.draw(st.integers(0, 9)) == 0:
        sent.append(data.draw(ANY_JSON))
    return sent


@FEW
@given(data=st.data())
def test_answers_are_those_of_autogluon(judged: Judged, data: st.DataObject) -> None:
    model = judged.model
    sent = data.draw(st.lists(rows(model.schema), min_size=1, max_size=10))
    asked = model.ask(written(sent))
    judge(judged, sent, asked)
    answers = answers_of(asked)
    alone = model.ask(written(sent[0])).json()
    assert alone == answers[0]
    for answer in answers:
        answer.pop("warnings", None)
    assert answers == model.expected(model.stock.restored(RowReader(model.schema).batch(sent).frame()))


@MANY
@given(data=st.data())
def test_any_value_in_any_place_is_answered_or_named(judged: Judged, data: st.DataObject) -> None:
    sent = changed_rows(judged, data)
    for warning in judge(judged, sent, judged.model.ask(written(sent))):
        assert written(sent[warning["row"]][warning["column"]]) != written(judged.usual[warning["column"]])


@SOME
@given(data=st.data())
def test_a_policy_of_one_action(under_one_action: Judged, data: st.DataObject) -> None:
    sent = changed_rows(under_one_action, data)
    judge(under_one_action, sent, under_one_action.model.ask(written(sent)))


@MANY
@given(body=ANY_JSON)
def test_any_json_is_answered_or_refused(judged: Judged, body: Any) -> None:
    asked = judged.model.ask(written(body))
    problem = problem_of(asked)
    if isinstance(body, dict) or (isinstance(body, list) and body):
        judge(judged, [body] if isinstance(body, dict) else body, asked)
    else:
        assert (asked.status, "faults" in problem) == (400, False)
        assert "body" in problem["detail"]


@FEW
@given(data=st.data())
def test_texts_mean_the_same_in_every_format(judged: Judged, data: st.DataObject) -> None:
    sent = data.draw(tables(judged.model.schema.features))
    by_json = judged.model.ask(written(sent))
    assert by_json.status == 200, by_json.body
    assert judged.model.ask(as_csv(sent), CSV).body == by_json.body
    assert judged.model.ask(as_parquet(sent), PARQUET).body == by_json.body


@MANY
@given(data=st.data(), media_type=st.sampled_from([CSV, PARQUET]))
def test_damaged_tables_are_answered_or_refused(judged: Judged, data: st.DataObject, media_type: str) -> None:
    body = bytearray((as_csv if media_type == CSV else as_parquet)([judged.usual] * 2))
    for _ in range(data.draw(st.integers(0, 5))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(body)) | st.just(len(body)))
    asked = judged.model.ask(bytes(body[:cut]) + data.draw(st.binary(max_size=3)), media_type)
    if asked.status == 200:
        assert asked.json()
    else:
        problem_of(asked)


def as_csv(sent: list[dict[str, Any]]) -> bytes:
    """The rows as CSV."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(sent[0]), quoting=csv.QUOTE_MINIMAL)
    writer.writeheader()
    writer.writerows(sent)
    return text.getvalue().encode()


def as_parquet(sent: list[dict[str, Any]]) -> bytes:
    """The rows as Parquet."""
    held = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(sent), held)
    return held.getvalue()
