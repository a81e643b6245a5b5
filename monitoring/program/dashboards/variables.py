"""What the viewer chooses at a dashboard's top."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import DatasourceVariable, QueryVariable
from grafana_foundation_sdk.models.dashboard import VariableModel, VariableOption, VariableRefresh, VariableSort

from monitoring.program.dashboards.panels import SOURCE
from monitoring.program.dashboards.queries import DRIFT, JOB, MODEL
from monitoring.program.thresholds import DEFAULT

# The uid that is provisioned.
DEFAULT_SOURCE = "prometheus"


def datasource() -> VariableModel:
    """Give the Prometheus to ask."""
    chosen = VariableOption(text="Prometheus", value=DEFAULT_SOURCE, selected=True)
    return DatasourceVariable("datasource").label("Data source").type("prometheus").current(chosen).build()


def job() -> VariableModel:
    """Give the scrape jobs that are this service, those too that have never answered."""
    jobs = "|".join(DEFAULT.jobs)
    return _query("job", "Job", f'label_values(up{{job=~"{jobs}"}}, job)', several=True).all_value(jobs).build()


def instance() -> VariableModel:
    """Give the replicas; all of them means those too that are down since before the time shown."""
    query = 'label_values(up{job=~"$job"}, instance)'
    return _query("instance", "Replica", query, several=True).all_value(".*").build()


def chosen_model() -> tuple[VariableModel, VariableModel]:
    """Give the model, by its digest, and the reference that it is compared with."""
    model = _served("digest, tag", f"agbento_model_info{{{JOB}}}")
    reference = _served("reference", f"agbento_drift_reference_rows{{{MODEL}}}")
    return (
        _first("digest", "Model", model, '/digest="(?<value>[^"]*)",tag="(?<text>[^"]*)"/'),
        _first("reference", "Reference", reference, '/reference="([^"]*)"/'),
    )


def feature() -> VariableModel:
    """Give the features of the chosen model that have a reference, the answer itself among them."""
    query = f"label_values(agbento_drift_reference_ratio{{{DRIFT}}}, feature)"
    return _query("feature", "Feature", query).build()


def _served(labels: str, series: str) -> str:
    """Ask for labels: what most replicas serve comes first, what was served in the time shown and no longer is last."""
    now, before = f"count by ({labels}) ({series})", f"max by ({labels}) (max_over_time({series}[$__range]))"
    return f"query_result(sort_desc(1 + {now} or 0 * {before}))"


def _first(name: str, label: str, query: str, regex: str) -> VariableModel:
    """Let one be chosen, in the order of the query; until then it is the first."""
    return _query(name, label, query).regex(regex).sort(VariableSort.DISABLED).build()


def _query(name: str, label: str, query: str, *, several: bool = False) -> QueryVariable:
    variable = QueryVariable(name).label(label).query(query).datasource(SOURCE)
    variable.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.NATURAL_ASC)
    if several:
        everything = VariableOption(text=["All"], value=["$__all"], selected=True)
        variable.multi(True).include_all(True).current(everything)
    return variable
