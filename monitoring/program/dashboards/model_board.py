"""The dashboard Model: which model answers where, what it answers, and where its time goes."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from monitoring.program.dashboards import stage_panels, variables
from monitoring.program.dashboards.distributions import PREDICTION, side_by_side
from monitoring.program.dashboards.frame import framed
from monitoring.program.dashboards.grid import Grid
from monitoring.program.dashboards.panels import About, Query, Steps, graph, stat_panel
from monitoring.program.dashboards.queries import ANSWERED, SELECTED, mean, quantile, share
from monitoring.program.dashboards.tables import Column, table_panel
from monitoring.program.rules import names
from monitoring.program.thresholds import DEFAULT

VALUES = "agbento_predicted_value"
AGE: Steps = (("green", None), ("yellow", round(0.75 * DEFAULT.model_days)), ("red", DEFAULT.model_days))


def board() -> Dashboard:
    """Give the dashboard."""
    grid = Grid()
    grid.add(6, 4, *numbers())
    grid.add(24, 6, where())
    grid.row("What does the chosen model answer?")
    grid.add(12, 8, *answers())
    grid.row("Where does the time go?")
    grid.add(12, 8, *stage_panels.stages())
    grid.add(8, 7, *stage_panels.batches())
    chosen = (variables.datasource(), variables.job(), variables.instance(), *variables.chosen_model())
    return framed("model", "Which model answers where, what it answers, and where its time goes.", grid, chosen)


def numbers() -> list[Panel]:
    """Give the model's state."""
    one = About(
        "Models that answer",
        "Different models among the chosen replicas. More than 1 for longer than a roll-out: one replica was left "
        "behind.",
        "short",
        steps=(("green", None), ("yellow", 2)),
        decimals=0,
    )
    compiled = About(
        "Path",
        "Whether every worker serves the compiled predictor. Stock is AutoGluon's own, some hundred times slower "
        "for one row: the table below says why.",
        "short",
        ("StockPredictorServes",),
        (("yellow", None), ("green", 1)),
    )
    age = About(
        "Age of the oldest model",
        "Days since the model was logged in MLflow, or imported where that is not known. Old: train it anew, look "
        "at drift.",
        "d",
        ("ModelTooOld",),
        AGE,
        decimals=0,
    )
    rows = About(
        "Rows of a request, mean",
        "Mean rows of the requests of the last minute. If it grows, each request takes longer; that is no fault of "
        "the model.",
        "short",
        no_value="no requests",
        decimals=1,
    )
    return [
        stat_panel(one, f"count(count by (digest) (agbento_model_info{{{SELECTED}}}))"),
        stat_panel(compiled, f"min(agbento_compiled{{{SELECTED}}})", words={"0": "stock", "1": "compiled"}),
        stat_panel(age, f"max({names.MODEL_AGE}{{{SELECTED}}})"),
        stat_panel(rows, mean("agbento_request_rows", window="1m")),
    ]


def where() -> Panel:
    """Give which model each replica serves."""
    about = About(
        "Which model where",
        "The model of each replica, and its path: compiled, or stock and why. Replicas of one job should agree; one "
        "that does not needs the import and a restart.",
        "short",
        ("StockPredictorServes", "ModelTooOld"),
    )
    labels = {
        "job": "Job",
        "instance": "Replica",
        "tag": "Model",
        "digest": "Digest",
        "label": "Predicts",
        "problem_type": "Problem type",
        "served": "Path",
        "why": "Why stock",
        "autogluon_version": "AutoGluon",
    }
    return table_panel(
        about,
        labels,
        Column("Series", f"max by ({', '.join(labels)}) (agbento_model_info{{{SELECTED}}})", hidden=True),
        Column("Age", f"max by (job, instance) ({names.MODEL_AGE}{{{SELECTED}}})", "d", AGE, decimals=0),
        Column("Load time", f"max by (job, instance) (agbento_model_load_seconds{{{SELECTED}}})", "s", decimals=1),
    )


def answers() -> list[Panel]:
    """Give what is predicted: over time, and beside the reference."""
    drift = "If it moves while no feature does, look for a fault in the callers; else train anew."
    bins = About(
        "Predictions over time, by bin of the reference",
        f"Share of the answers in each bin, of the chosen model, where its import kept a reference. {drift}",
        "percentunit",
        ("PredictionDrift",),
        no_value="no reference, or no requests",
        most=1,
    )
    beside = About(
        "Predictions beside the reference",
        f"Share of each bin: of the reference, and of the last {DEFAULT.drift_window} (from {DEFAULT.drift_rows} "
        "rows on). Bars that differ much are what PSI counts.",
        "percentunit",
        ("PredictionDrift",),
        no_value="no reference",
    )
    classes = About(
        "Predicted classes",
        f"Share of each class among the answers of the chosen model (classification; beyond 100 classes, the others "
        f"together). {drift}",
        "percentunit",
        ("PredictionDrift",),
        no_value="no classes, or no requests",
        most=1,
    )
    values = About(
        "Predicted values",
        "p90, p50 and p10 of the values that the chosen model predicted (regression, or each level of a quantile "
        f"model), interpolated between buckets made from the target's range in training. {drift}",
        "short",
        ("PredictionDrift",),
        no_value="no values, or no requests",
        least=None,
    )
    binned = share("agbento_drift_values_total", f'{ANSWERED}, reference="$reference", {PREDICTION}', "bin")
    spread = (Query(quantile(q, VALUES, ANSWERED, by="level"), f"{{{{level}}}} p{q * 100:g}") for q in (0.9, 0.5, 0.1))
    return [
        graph(bins, Query(binned, "{{bin}}"), stacked=True),
        side_by_side(beside, PREDICTION),
        graph(classes, Query(share("agbento_predictions_total", ANSWERED, "class"), "{{class}}"), stacked=True),
        graph(values, *spread),
    ]
