"""Panels over the SDK's typed builders: each says what it shows, in which unit, and what to do when it looks bad."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_uppercase

from grafana_foundation_sdk.builders import barchart, common, heatmap, prometheus, stat, text, timeseries
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.text import TextMode

from monitoring.program import runbook
from monitoring.program.thresholds import GRAFANA_URL

SOURCE = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")
# A threshold's colour and the value from which it holds; the first has none.
Steps = tuple[tuple[str, float | None], ...]
NEUTRAL: Steps = (("text", None),)


@dataclass(frozen=True)
class About:
    """What every panel of numbers says of itself."""

    title: str
    description: str
    unit: str
    alerts: tuple[str, ...] = ()  # the runbook's entries to go to
    steps: Steps = NEUTRAL
    no_value: str = "no data"
    decimals: int | None = None
    least: float | None = 0
    most: float | None = None


@dataclass(frozen=True)
class Query:
    """PromQL, and the name of the series that it gives."""

    expr: str
    legend: str = "__auto"


def target(query: Query, place: int) -> prometheus.Dataquery:
    """Give a query as a panel's target; ``range`` or ``instant`` is left to the panel."""
    return (
        prometheus.Dataquery()
        .expr(query.expr)
        .legend_format(query.legend)
        .ref_id(ascii_uppercase[place])
        .datasource(SOURCE)
    )


def described(panel: dashboard.Panel, about: About) -> dashboard.Panel:
    """Set what all panels of numbers have in common."""
    panel.title = about.title
    runbook_names = ", ".join(about.alerts)
    panel.description = about.description + (f" Runbook: {runbook_names}." if about.alerts else "")
    panel.datasource = SOURCE
    # Without its host, so that the link works wherever Grafana is opened.
    links = [builders.DashboardLink(f"Runbook: {name}").url(runbook_path(name)) for name in about.alerts]
    panel.links = [link.type(dashboard.DashboardLinkType.LINK).build() for link in links] or None
    config = panel.field_config = panel.field_config or dashboard.FieldConfigSource()
    defaults = config.defaults
    defaults.unit, defaults.no_value, defaults.decimals = about.unit, about.no_value, about.decimals
    defaults.min_val, defaults.max_val = about.least, about.most
    defaults.thresholds = thresholds(about.steps)
    return panel


def runbook_path(name: str) -> str:
    """Give the address of a runbook's entry within Grafana."""
    return runbook.url(name).removeprefix(GRAFANA_URL)


def thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    """Give colours from values on."""
    return dashboard.ThresholdsConfig(steps=[dashboard.Threshold(value=value, color=color) for color, value in steps])


def stat_panel(
    about: About, query: str, *, spark: bool = False, words: dict[str, str] | None = None
) -> dashboard.Panel:
    """Show one number as it is now: without a spark line it is never an old one. ``words`` names values."""
    asked = target(Query(query, about.title), 0)
    panel = (
        stat.Panel()
        .with_target(asked.range() if spark else asked.instant())
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False).fields(""))
        .color_mode(looks.BigValueColorMode.NONE if about.steps == NEUTRAL else looks.BigValueColorMode.VALUE)
        .graph_mode(looks.BigValueGraphMode.AREA if spark else looks.BigValueGraphMode.NONE)
        .text_mode(looks.BigValueTextMode.VALUE)
    )
    if words:
        results = {value: dashboard.ValueMappingResult(text=word) for value, word in words.items()}
        panel.mappings([dashboard.ValueMap(options=results)])
    return described(panel.build(), about)


def label_panel(about: About, query: str, label: str) -> dashboard.Panel:
    """Show a label's values of the series that are there now."""
    panel = (
        stat.Panel()
        .with_target(target(Query(query, f"{{{{{label}}}}}"), 0).instant())
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False).fields(""))
        .color_mode(looks.BigValueColorMode.NONE)
        .graph_mode(looks.BigValueGraphMode.NONE)
        .text_mode(looks.BigValueTextMode.NAME)
    )
    return described(panel.build(), about)


def graph(about: About, *queries: Query, stacked: bool = False, legend_right: bool = False) -> dashboard.Panel:
    """Show series over time; the steps of ``about``, if any, as dashed lines."""
    legend = common.VizLegendOptions().show_legend(True).display_mode(looks.LegendDisplayMode.LIST)
    if legend_right:
        legend.display_mode(looks.LegendDisplayMode.TABLE).calcs(["lastNotNull", "max"])
        legend.sort_by("Last *").sort_desc(True)
    legend.placement(looks.LegendPlacement.RIGHT if legend_right else looks.LegendPlacement.BOTTOM)
    panel = (
        timeseries.Panel()
        .targets([target(query, place).range() for place, query in enumerate(queries)])
        .legend(legend)
        .tooltip(common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI).sort(looks.SortOrder.DESCENDING))
        .show_points(looks.VisibilityMode.AUTO)
        .fill_opacity(40 if stacked else 5)
        .span_nulls(False)
    )
    if stacked:
        panel.stacking(common.StackingConfig().mode(looks.StackingMode.NORMAL).group("A"))
    if about.steps != NEUTRAL:
        dashed = looks.GraphThresholdsStyleMode.DASHED
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(dashed))
    return described(panel.build(), about)


def heat(about: About, buckets: str) -> dashboard.Panel:
    """Show how many observations each bucket of a histogram had; the unit is that of the buckets."""
    panel = (
        heatmap.Panel()
        .with_target(target(Query(buckets, "{{le}}"), 0).range().format(PromQueryFormat.HEATMAP))
        .calculate(False)
        .color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").steps(64).exponent(0.5))
        .y_axis(heatmap.YAxisConfig().unit(about.unit))
        .cell_values(heatmap.CellValues().unit("short"))
        .filter_values(heatmap.FilterValueRange().le(1e-9))
        .hide_from(common.HideSeriesConfig().legend(False).tooltip(False).viz(False))
        .show_legend()
        .mode(looks.TooltipDisplayMode.SINGLE)
        .show_y_histogram()
    )
    return described(panel.build(), about)


def bars(about: About, label: str, *queries: Query) -> dashboard.Panel:
    """Show values by a label now, the queries' side by side."""
    names = {f"Value #{ascii_uppercase[place]}": query.legend for place, query in enumerate(queries)}
    panel = (
        barchart.Panel()
        .targets([target(query, place).instant().format(PromQueryFormat.TABLE) for place, query in enumerate(queries)])
        .transformations(joined(names))
        .with_transformation(
            dashboard.DataTransformerConfig(id_val="sortBy", options={"fields": {}, "sort": [{"field": label}]})
        )
        .x_field(label)
        .orientation(looks.VizOrientation.AUTO)
        .x_tick_label_max_length(24)
        .show_value(looks.VisibilityMode.NEVER)
        .legend(common.VizLegendOptions().show_legend(True).placement(looks.LegendPlacement.BOTTOM))
        .tooltip(common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI))
        .fill_opacity(80)
    )
    return described(panel.build(), about)


def joined(names: dict[str, str], hidden: tuple[str, ...] = ()) -> list[dashboard.DataTransformerConfig]:
    """Give what makes one table of several queries' answers, its columns in the order of ``names``."""
    organize = {
        "excludeByName": dict.fromkeys(("Time", *hidden), True),
        "indexByName": {name: place for place, name in enumerate(names)},
        "renameByName": names,
    }
    return [
        dashboard.DataTransformerConfig(id_val="merge", options={}),
        dashboard.DataTransformerConfig(id_val="organize", options=organize),
    ]


def note(title: str, markdown: str) -> dashboard.Panel:
    """Show a text."""
    return text.Panel().title(title).mode(TextMode.MARKDOWN).content(markdown).build()
