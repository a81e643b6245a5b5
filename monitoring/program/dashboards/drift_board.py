"""The dashboard Drift: which features are no longer as they were, and how the chosen one has changed."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from agbento.bins import MISSING
from agbento.drift import PREDICTION
from monitoring.program.dashboards import variables
from monitoring.program.dashboards.distributions import side_by_side
from monitoring.program.dashboards.frame import BOARDS, framed
from monitoring.program.dashboards.grid import Grid
from monitoring.program.dashboards.panels import About, Query, Steps, graph, label_panel, note, stat_panel
from monitoring.program.dashboards.queries import DRIFT, FEATURE, JOB, MODEL, rate
from monitoring.program.dashboards.tables import Column, table_panel
from monitoring.program.rules import names
from monitoring.program.thresholds import DEFAULT

ALERTS = ("FeatureDrift", "PredictionDrift")
JUDGED: Steps = (("green", None), ("yellow", DEFAULT.psi_look), ("red", DEFAULT.psi))
LINES: Steps = (("transparent", None), *JUDGED[1:])
NO_VERDICT = "no verdict"
NOTE = f"""The last **{DEFAULT.drift_window}** beside the reference that the model's import kept:

- PSI below **{DEFAULT.psi_look:g}**: as it was. From there on: look. Above **{DEFAULT.psi:g}**: changed.
- Below **{DEFAULT.drift_rows} rows** in the window: no verdict.
- `{PREDICTION}` is the answer itself.
- A model that was imported again may have two references: the one at the top is shown.
- No rows at all: the import kept no reference; give it one with `--reference FILE`.
"""


def board() -> Dashboard:
    """Give the dashboard."""
    grid = Grid()
    grid.add(4, 5, *numbers())
    grid.add(8, 5, note("How to read it", NOTE))
    grid.add(14, 11, table())
    grid.add(10, 11, over_time())
    grid.row("Feature: $feature")
    grid.add(12, 9, *feature())
    chosen = (
        variables.datasource(),
        variables.job(),
        *variables.chosen_model(),
        variables.feature(),
    )
    return framed(
        "drift", "Which features are no longer as they were when the model was made.", grid, chosen, "now-24h"
    )


def numbers() -> list[Panel]:
    """Give whether there is a verdict, and how bad it is."""
    rows = About(
        "Rows in the window",
        f"Rows of the last {DEFAULT.drift_window} that were compared. Below {DEFAULT.drift_rows} there is no verdict: "
        "wait, or lengthen the window in thresholds.py.",
        "short",
        steps=(("yellow", None), ("green", DEFAULT.drift_rows)),
        no_value="no reference",
        decimals=0,
    )
    worst = About(
        "Worst PSI",
        f"The highest population stability index of any feature. Above {DEFAULT.psi:g}: see the table for which one.",
        "short",
        ALERTS,
        JUDGED,
        NO_VERDICT,
        decimals=2,
    )
    changed = About(
        "Features changed",
        f"Features with a PSI above {DEFAULT.psi:g}. One: look for a fault in its source. Many: the world has "
        "changed, or another population is asked about.",
        "short",
        ALERTS,
        (("green", None), ("red", 1)),
        NO_VERDICT,
        decimals=0,
    )
    model = About(
        "Model",
        "The chosen model's tag and version. Choose another at the top, where the one that serves now is first.",
        "short",
        ("ModelTooOld",),
    )
    psi = f"{names.DRIFT_PSI}{{{DRIFT}}}"
    return [
        label_panel(model, f"max by (tag) (agbento_model_info{{{MODEL}}})", "tag"),
        stat_panel(rows, f"max({names.DRIFT_ROWS}{{{DRIFT}}})"),
        stat_panel(worst, f"max({psi})"),
        stat_panel(changed, f"count({psi} > {DEFAULT.psi:g}) or 0 * count({psi})"),
    ]


def table() -> Panel:
    """Give every feature, the one that has changed most first."""
    about = About(
        "Features, the most changed first",
        f"PSI of each feature over {DEFAULT.drift_window}, beside its importance for the model where known: an "
        "important one that is red harms answers. Choose one by its name, and see below how it changed.",
        "percentunit",
        ALERTS,
        no_value=NO_VERDICT,
    )
    was = f'{names.DRIFT_REFERENCE}{{{DRIFT}, bin="{MISSING}"}}'
    kept = "&".join(f"${{{name}:queryparam}}" for name in ("datasource", "job", "digest", "reference"))
    chosen = f"/d/{BOARDS['drift']}?${{__url_time_range}}&{kept}&var-feature=${{__value.raw:percentencode}}"
    return table_panel(
        about,
        {"feature": "Feature"},
        Column("PSI", f"max by (feature) ({names.DRIFT_PSI}{{{DRIFT}}})", "short", JUDGED, decimals=3),
        Column("Missing", f"max by (feature) ({names.DRIFT_MISSING}{{{DRIFT}}})", decimals=1),
        Column("Missing in reference", f"max by (feature) ({was})", decimals=1),
        Column("Unseen", f"max by (feature) ({names.DRIFT_UNSEEN}{{{DRIFT}}})", decimals=1),
        Column("Importance", f"max by (feature) (agbento_drift_importance_ratio{{{DRIFT}}})", decimals=1),
        Column("Rows", f"max by (feature) ({names.DRIFT_ROWS}{{{DRIFT}}})", "short", decimals=0),
        worst="PSI",
        links={"Feature": chosen},
    )


def over_time() -> Panel:
    """Give since when."""
    about = About(
        "PSI over time",
        f"PSI of each feature over the {DEFAULT.drift_window} before each point. A step is a change at a source or a "
        "caller, a slope is the world's. The dashed lines: look, changed.",
        "short",
        ALERTS,
        LINES,
        NO_VERDICT,
        decimals=2,
    )
    return graph(about, Query(f"max by (feature) ({names.DRIFT_PSI}{{{DRIFT}}})", "{{feature}}"), legend_right=True)


def feature() -> list[Panel]:
    """Give how the chosen feature has changed."""
    bins = About(
        "Bins: the reference, and now",
        f"Share of each bin in the reference and in the last {DEFAULT.drift_window}. All moved one way: a unit or a "
        "scale has changed. One bin grown: a default or a new caller.",
        "percentunit",
        ALERTS,
        no_value="no reference",
    )
    lost = About(
        "Missing and unseen",
        "Share of the values that are missing, and of levels that training did not have, beside the missing share "
        "of the reference. A jump is most often a fault at the source.",
        "percentunit",
        ("FeatureDrift", "WarningsRising"),
        no_value=NO_VERDICT,
    )
    moved = About(
        "Bins over time",
        "Share of each bin over time: since when the feature has been as it is now. Compare with deployments of its "
        "source.",
        "percentunit",
        ("FeatureDrift",),
        no_value=NO_VERDICT,
        most=1,
    )
    off = About(
        "Values off a second, by reason",
        "Values of the feature that are not as in training, by reason and by what was done with the row; of all "
        "replicas, whichever model they serve. Tell the caller; docs/values.md says what each reason is.",
        "cps",
        ("RejectedRowsRising", "WarningsRising"),
        no_value="none",
    )
    one = f"{DRIFT}, {FEATURE}"
    shares = f"max by (bin) ({names.DRIFT_SHARE}{{{one}}})"
    values_off = rate("agbento_values_off_total", f"{JOB}, {FEATURE}", "reason, action")
    return [
        side_by_side(bins, FEATURE),
        graph(moved, Query(shares, "{{bin}}"), stacked=True),
        graph(
            lost,
            Query(f"max({names.DRIFT_MISSING}{{{one}}})", "missing"),
            Query(f"max({names.DRIFT_UNSEEN}{{{one}}})", "unseen"),
            Query(f'max({names.DRIFT_REFERENCE}{{{one}, bin="{MISSING}"}})', "missing in the reference"),
        ),
        graph(off, Query(values_off, "{{reason}}: {{action}}")),
    ]
