"""The dashboards are those that the program makes, of one piece, and ask for metrics that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("grafana_foundation_sdk", reason="it is for Python 3.11 and later")
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.program import runbook
from monitoring.program.dashboards.boards import boards
from monitoring.program.dashboards.grid import COLUMNS, Grid
from monitoring.program.dashboards.panels import note
from monitoring.program.thresholds import DEFAULT, GRAFANA_URL
from tests.dashboards import (
    ALL,
    BUILT_IN,
    FILES,
    FOLDER,
    asked_for,
    filled,
    load,
    marks,
    metrics_of,
    offered,
    panels,
    targets,
    used,
    variables,
)
from tests.monitoring_names import known_metrics

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
NUMBERS = [file for file in FILES if file.stem != "runbook"]
QUERIES = [(t.where, t.expr) for t in targets()] + marks()
# What Grafana fills into the links of cells, and its word for all values: no part of queries.
LINKS = {"__url_time_range", "__value", "__all"}
# Windows that are meant: a minute of traffic, the time shown, the hour before a new model; those of the rules are in
# the rules' names.
WINDOWS = {"$__rate_interval", "1m", "$__range", "1h"}

every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
every_query = pytest.mark.parametrize(("where", "query"), QUERIES, ids=[where for where, _ in QUERIES])


def test_the_files_are_what_the_program_makes() -> None:
    made = boards()
    assert {file.name for file in FILES} == made.keys()
    for name, text in made.items():
        assert (FOLDER / name).read_text("utf-8") == text, f"{name} is not up to date: make monitoring"
    assert boards() == made


@every_file
def test_a_dashboard_is_of_the_sdks_schema(file: Path) -> None:
    register_default_plugins()
    document = load(file)
    read = Dashboard.from_json(load(file))
    # The one field that Grafana's Prometheus source reads and the SDK's model of a mark lacks.
    for mark in document["annotations"]["list"]:
        assert mark.pop("titleFormat")
    assert json.loads(json.dumps(read, cls=JSONEncoder)) == document


@every_file
def test_a_dashboard_needs_nothing_filled_in(file: Path) -> None:
    dashboard = load(file)
    assert re.fullmatch(r"autogluon-bento-[a-z]{1,24}", dashboard["uid"])
    assert not {"id", "__inputs", "__requires"} & dashboard.keys()
    assert (dashboard["editable"], dashboard["timezone"], dashboard["tags"]) == (False, "browser", ["autogluon-bento"])
    # The runbook's commands may name the shell's.
    if file in NUMBERS:
        assert used(file.read_text("utf-8")) <= BUILT_IN.keys() | variables(file).keys() | LINKS
        assert dashboard["refresh"] == "10s"


@every_file
def test_panels_lie_side_by_side(file: Path) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in panels(file, rows=True):
        at = panel["gridPos"]
        assert at["x"] >= 0
        assert at["x"] + at["w"] <= COLUMNS
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert (x, y) not in taken, f"{panel['title']} lies over {taken[x, y]}"
                taken[x, y] = panel["title"]
    heights = {y for _, y in taken}
    assert heights == set(range(max(heights) + 1))


@every_file
def test_panels_have_numbers_of_their_own(file: Path) -> None:
    ids = [panel["id"] for panel in panels(file, rows=True)]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("file", NUMBERS, ids=lambda file: file.stem)
def test_panels_say_what_they_show(file: Path) -> None:
    titles = [panel["title"] for panel in panels(file)]
    assert len(set(titles)) == len(titles)
    for panel in panels(file):
        assert panel["title"]
        if panel["type"] == "text":
            continue
        assert len(panel["description"]) >= 40
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["fieldConfig"]["defaults"]["noValue"]
        assert all(where == SOURCE for where in (panel["datasource"], *(t["datasource"] for t in panel["targets"])))
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs) > 0
        legends = [target["legendFormat"] for target in panel["targets"]]
        assert panel["type"] == "table" or len(set(legends)) == len(legends)


@pytest.mark.parametrize("file", NUMBERS, ids=lambda file: file.stem)
def test_the_viewer_chooses_source_job_and_replica(file: Path) -> None:
    chosen = variables(file)
    # Drift is of a model, wherever it serves.
    several = ["job", "instance"] if file.stem != "drift" else ["job"]
    assert list(chosen)[: 1 + len(several)] == ["datasource", *several]
    assert ("instance" in chosen) == ("instance" in several) == ("$instance" in file.read_text("utf-8"))
    assert (chosen["datasource"]["query"], chosen["datasource"]["current"]["value"]) == ("prometheus", "prometheus")
    for name in several:
        assert chosen[name]["multi"]
        assert chosen[name]["includeAll"]
    for name in list(chosen)[1:]:
        series = asked_for(chosen[name]["query"])
        assert metrics_of(series) <= known_metrics()
        before = list(chosen)[: list(chosen).index(name)]
        assert used(series) <= {*before, "__range"}


@pytest.mark.parametrize("file", NUMBERS, ids=lambda file: file.stem)
def test_a_service_that_is_down_can_be_chosen(file: Path) -> None:
    chosen = variables(file)
    assert chosen["job"]["query"] == 'label_values(up{job=~"autogluon-bento"}, job)'
    assert chosen["job"]["allValue"] == "|".join(DEFAULT.jobs)
    if "instance" in chosen:
        assert chosen["instance"]["query"] == 'label_values(up{job=~"$job"}, instance)'


@pytest.mark.parametrize("stem", ["model", "drift"])
def test_what_serves_now_is_offered_first(stem: str) -> None:
    chosen = variables(FOLDER / f"{stem}.json")
    for name in ("digest", "reference"):
        assert not chosen[name]["multi"]
        assert chosen[name]["sort"] == 0
        assert asked_for(chosen[name]["query"]).startswith("sort_desc(1 + count by ")
    tagged = [{"tag": "m:00ff", "digest": "00ff"}, {"tag": "n:11ee", "digest": "11ee"}]
    assert offered(chosen["digest"]["regex"], tagged) == [("m:00ff", "00ff"), ("n:11ee", "11ee")]
    assert offered(chosen["reference"]["regex"], [{"reference": "0a1b2c3d"}]) == [("0a1b2c3d", "0a1b2c3d")]


@every_query
def test_what_is_a_models_own_is_asked_of_one_model(where: str, query: str) -> None:
    asked = " ".join(metrics_of(query))
    if re.search(r"agbento_predict(ions|ed_value)", asked):
        assert 'digest="$digest"' in query
    for selector in re.findall(r"\w*drift\w*(?::\w+)?\{([^}]*)", query):
        assert 'digest="$digest", reference="$reference"' in selector


@every_query
def test_a_query_asks_for_what_there_is(where: str, query: str) -> None:
    asked = metrics_of(query)
    assert asked <= known_metrics()
    assert asked or query.startswith("vector(")
    # What a rule or an alert names knows no replica, unless its name says so.
    if all(name == "ALERTS" or re.match(r"(job|job_digest_\w+):", name) for name in asked):
        assert "$instance" not in query


@every_query
def test_a_query_has_the_graphs_interval_or_a_window_that_is_meant(where: str, query: str) -> None:
    assert set(re.findall(r"\[([^\]]+)\]", query)) <= WINDOWS
    for _ in re.finditer(r"\b(?:rate|increase)\(", query):
        assert "[" in query
    assert ("histogram_quantile" in query) <= bool(re.search(r"sum by \(le\b", query))


@pytest.mark.prometheus
def test_promtool_reads_every_query() -> None:
    assert shutil.which("promtool")
    values = {"digest": "0123456789abcdef", "reference": "01234567", "feature": 'it\'s ("odd")'}
    for where, query in QUERIES:
        text = filled(query, values)
        command = ["promtool", "--experimental", "promql", "format", text]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{where}: {text}: {done.stderr}"


@every_file
def test_links_lead_to_what_exists(file: Path) -> None:
    uids = {load(other)["uid"] for other in FILES}
    entries = {entry.panel_id: entry.name for entry in runbook.entries()}
    links: list[dict[str, Any]] = list(load(file)["links"])
    assert {link["url"].removeprefix("/d/") for link in links} == uids - {load(file)["uid"]}
    for panel in panels(file):
        for link in panel.get("links", ()):
            found = re.fullmatch(r"/d/autogluon-bento-runbook\?viewPanel=panel-(\d+)", link["url"])
            assert found, link["url"]
            assert link["title"] == f"Runbook: {entries[int(found[1])]}"
            assert entries[int(found[1])] in panel["description"]
    addresses = re.findall(r'"url": "/d/([a-z-]+)', file.read_text("utf-8"))
    assert set(addresses) <= uids


def test_the_runbooks_panels_are_those_that_alerts_link_to() -> None:
    shown = {panel["id"]: panel for panel in panels(FOLDER / "runbook.json")}
    for entry in runbook.entries():
        panel = shown[entry.panel_id]
        assert (panel["title"], panel["options"]["mode"]) == (entry.name, "markdown")
        assert panel["options"]["content"] == entry.markdown
        assert runbook.url(entry.name) == f"{GRAFANA_URL}/d/autogluon-bento-runbook?viewPanel=panel-{panel['id']}"
    assert len(shown) == len(runbook.entries())


def test_every_alert_has_a_panel_that_leads_to_its_entry() -> None:
    linked = {link["title"] for file in FILES for panel in panels(file) for link in panel.get("links", ())}
    assert linked == {f"Runbook: {entry.name}" for entry in runbook.entries()}


def test_the_first_dashboard_answers_the_two_first_questions() -> None:
    first = panels(FOLDER / "service.json")
    shown = {panel["title"]: panel for panel in first}
    assert [panel["title"] for panel in first[:2]] == ["Requests in the last minute", "Inference time, mean"]
    assert [t["legendFormat"] for t in shown["Inference time"]["targets"]] == ["p99", "p90", "p50", "p10", "mean"]
    assert shown["Inference time"]["fieldConfig"]["defaults"]["unit"] == "s"
    asked = shown["Requests in the last minute"]["targets"][0]["expr"]
    assert "[1m]" in asked
    assert asked.endswith(" or vector(0)")


def test_a_count_is_no_rate() -> None:
    (table,) = (
        panel for panel in panels(FOLDER / "service.json") if panel["title"].startswith("Features that are off")
    )
    assert "$__range" in table["targets"][0]["expr"]
    assert table["fieldConfig"]["defaults"]["unit"] == "short"


def test_memory_is_what_counts_against_the_limit() -> None:
    shown = {panel["title"]: [t["expr"] for t in panel["targets"]] for panel in panels(FOLDER / "service.json")}
    asked = [name for expr in shown["Memory"] for name in metrics_of(expr)]
    assert asked == ["agbento_memory_used_bytes", "agbento_worker_memory_bytes", "agbento_memory_limit_bytes"]
    (starts,) = shown["Worker starts"]
    assert metrics_of(starts) == {"agbento_worker_starts_total"}


def test_the_most_changed_feature_comes_first() -> None:
    (table,) = (panel for panel in panels(FOLDER / "drift.json") if panel["type"] == "table")
    assert table["options"]["sortBy"] == [{"displayName": "PSI", "desc": True}]
    (own,) = (o for o in table["fieldConfig"]["overrides"] if o["matcher"]["options"] == "PSI")
    (colors,) = (p["value"]["steps"] for p in own["properties"] if p["id"] == "thresholds")
    assert [step["value"] for step in colors] == [None, DEFAULT.psi_look, DEFAULT.psi]


def test_variables_are_filled_in_as_grafana_does() -> None:
    query = 'a{job=~"$job", i=~"${instance}", f=~`${feature:regex}`, d="$digest"}[$__rate_interval]'
    values = {"job": ["a.b", "c"], "feature": "(prediction)", "digest": "00ff"}
    assert filled(query, values) == r'a{job=~"(a\\.b|c)", i=~".*", f=~`\(prediction\)`, d="00ff"}[4s]'
    assert filled('x{job=~"$job"}') == f'x{{job=~"{ALL["job"][0]}"}}'
    with pytest.raises(KeyError):
        filled("$unknown")


def test_the_metrics_of_a_query() -> None:
    query = (
        'sum by (le, job) (rate(a_bucket{x="b{c}", y=~`d`}[5m])) / on () group_left () (max(j:e:f{}) > 0) or vector(1)'
    )
    assert metrics_of(query) == {"a_bucket", "j:e:f"}


def test_the_grid_breaks_lines() -> None:
    grid = Grid()
    grid.add(10, 4, *(note(str(number), "") for number in range(3)))
    grid.row("next")
    grid.add(24, 2, note("last", ""))
    at = [panel.grid_pos for panel in grid.panels]
    assert [(p.x, p.y, p.w, p.h) for p in at if p] == [
        (0, 0, 10, 4),
        (10, 0, 10, 4),
        (0, 4, 10, 4),
        (0, 8, 24, 1),
        (0, 9, 24, 2),
    ]
