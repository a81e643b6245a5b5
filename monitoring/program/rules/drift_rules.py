"""Rules of drift: the share of each bin in a window against the reference, and PSI of both.

Values are summed over replicas that serve the same model (digest) with the same reference, which is never summed.
"""

from __future__ import annotations

from agbento.bins import MISSING, UNSEEN
from monitoring.program.rules import names
from monitoring.program.rules.group import Group, group, record
from monitoring.program.rules.promql import number, series
from monitoring.program.thresholds import Thresholds

FEATURE = "job, digest, reference, feature"
BIN = f"{FEATURE}, bin"


def drift(thresholds: Thresholds) -> Group:
    """Give the rules; each reads those before it."""
    counted = f"increase({series(thresholds, 'agbento_drift_values_total')}[{thresholds.drift_window}])"
    # A service that restarts counts on where it was, and is compared with what it had: the reference never changes.
    reference = f"last_over_time({series(thresholds, 'agbento_drift_reference_ratio')}[{thresholds.restart}])"
    # Without this many rows there is no share, and so nothing of what follows: no verdict rather than a false one.
    enough = f"({names.DRIFT_ROWS} >= {thresholds.drift_rows})"
    rules = [
        record(names.DRIFT_ROWS, f"sum by ({FEATURE}) ({counted})"),
        record(names.DRIFT_SHARE, f"sum by ({BIN}) ({counted})\n/ on ({FEATURE}) group_left ()\n{enough}"),
        record(names.DRIFT_REFERENCE, f"max by ({BIN}) ({reference})"),
        record(names.DRIFT_PSI, _psi(number(thresholds.psi_least_share))),
        record(names.DRIFT_MISSING, _share_of(MISSING)),
        record(names.DRIFT_UNSEEN, _share_of(UNSEEN)),
    ]
    return group("drift", thresholds.drift_evaluation, rules)


def _psi(least: str) -> str:
    now = _filled(names.DRIFT_SHARE, names.DRIFT_REFERENCE, least)
    then = _filled(names.DRIFT_REFERENCE, names.DRIFT_SHARE, least)
    return f"sum by ({FEATURE}) (\n  (\n{now}\n  -\n{then}\n  )\n  *\n  ln(\n{now}\n  /\n{then}\n  )\n)"


def _filled(shares: str, other: str, least: str) -> str:
    """Give shares, at least ``least`` each, and ``least`` for a bin that only the other side has.

    Without it, arithmetic would drop such a bin; a feature that one side does not have at all has no PSI.
    """
    return f"    clamp_min({shares} or (0 * {other} and on ({FEATURE}) {shares}), {least})"


def _share_of(bin_name: str) -> str:
    return f'sum by ({FEATURE}) ({names.DRIFT_SHARE}{{bin="{bin_name}"}})'
