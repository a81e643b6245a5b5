"""Tables: one row for each value of a label, its columns from several queries."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_uppercase

from grafana_foundation_sdk.builders import common, table
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from monitoring.program.dashboards.panels import About, Query, Steps, described, joined, target, thresholds


@dataclass(frozen=True)
class Column:
    """A column that shows a query's numbers; where the unit is empty, the panel's."""

    title: str
    query: str
    unit: str = ""
    steps: Steps = ()
    hidden: bool = False
    decimals: int | None = None


def table_panel(
    about: About, labels: dict[str, str], *columns: Column, worst: str = "", links: dict[str, str] | None = None
) -> dashboard.Panel:
    """Show labels, under their titles, and numbers; ``worst`` is the column whose highest values come first.

    ``links`` gives the address to which a column's cells lead.
    """
    queries = [target(Query(column.query), place) for place, column in enumerate(columns)]
    panel = table.Panel().targets([query.instant().format(PromQueryFormat.TABLE) for query in queries])
    # A panel's only query names its values "Value".
    values = ["Value"] if len(columns) == 1 else [f"Value #{ascii_uppercase[place]}" for place in range(len(columns))]
    shown = {value: column.title for value, column in zip(values, columns, strict=True) if not column.hidden}
    hidden = tuple(value for value, column in zip(values, columns, strict=True) if column.hidden)
    panel.transformations(joined(labels | shown, hidden))
    if worst:
        panel.sort_by([common.TableSortByFieldState().display_name(worst).desc(True)])
    for column in columns:
        if properties := look(column):
            panel.override_by_name(column.title, properties)
    for title, url in (links or {}).items():
        link = {"title": "Show", "url": url, "targetBlank": False}
        panel.override_by_name(title, [dashboard.DynamicConfigValue(id_val="links", value=[link])])
    panel.cell_height(looks.TableCellHeight.SM).show_header(True).filterable(False)
    return described(panel.build(), about)


def look(column: Column) -> list[dashboard.DynamicConfigValue]:
    """Give what a column has of its own: unit, decimals, colours."""
    properties: dict[str, object] = {}
    if column.unit:
        properties["unit"] = column.unit
    if column.decimals is not None:
        properties["decimals"] = column.decimals
    if column.steps:
        properties["thresholds"] = thresholds(column.steps)
        properties["custom.cellOptions"] = looks.TableColoredBackgroundCellOptions(
            mode=looks.TableCellBackgroundDisplayMode.BASIC
        )
    return [dashboard.DynamicConfigValue(id_val=name, value=value) for name, value in properties.items()]
