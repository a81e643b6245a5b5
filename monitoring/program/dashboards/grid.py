"""Places panels on Grafana's grid of 24 columns, left to right and then down, and numbers them."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import GridPos, Panel, RowPanel

COLUMNS = 24


class Grid:
    """The panels of a dashboard, each at its place."""

    def __init__(self) -> None:
        self.panels: list[Panel | RowPanel] = []
        self._x = self._y = self._height = 0

    def row(self, title: str) -> None:
        """Begin a part of the dashboard that can be folded away."""
        self._break()
        place = GridPos(h=1, w=COLUMNS, x=0, y=self._y)
        self.panels.append(RowPanel(title=title, id_val=self._next(), grid_pos=place))
        self._y += 1

    def add(self, width: int, height: int, *panels: Panel) -> None:
        """Place panels of one size, on the next line where they do not fit."""
        for panel in panels:
            if self._x + width > COLUMNS:
                self._break()
            panel.id_val = self._next()
            panel.grid_pos = GridPos(h=height, w=width, x=self._x, y=self._y)
            self.panels.append(panel)
            self._x += width
            self._height = max(self._height, height)

    def _break(self) -> None:
        self._y += self._height
        self._x = self._height = 0

    def _next(self) -> int:
        return len(self.panels) + 1
