"""The names of what rules record, ``level:metric:operation``: rules, alerts and dashboards have them from here.

A window in a name is the default one; the name stays when the window changes.
"""

from __future__ import annotations

from monitoring.program.thresholds import Burn, Thresholds

REQUESTS = "job:agbento_predict_requests:rate5m"
FAILURES = "job:agbento_predict_failures:rate5m"
SLOW = "job:agbento_predict_slow:rate5m"
AVAILABILITY_BUDGET = "job:agbento_availability_budget:left"
LATENCY_BUDGET = "job:agbento_latency_budget:left"

ROWS_REJECTED = "job:agbento_rows_rejected:ratio15m"
VALUES_WARNED = "job_feature:agbento_values_warned:ratio15m"

WORKERS_REPLACED = "job_instance:agbento_workers_replaced:total"
IN_FLIGHT = "job_instance:agbento_requests_in_flight:ratio"
MEMORY = "job_instance:agbento_memory:ratio"
CPU = "job_instance:agbento_cpu:ratio_rate5m"
MODEL_AGE = "job_instance:agbento_model_age:days"

DRIFT_ROWS = "job_digest_reference_feature:agbento_drift_values:increase1h"
DRIFT_SHARE = "job_digest_reference_feature_bin:agbento_drift_values:ratio1h"
DRIFT_REFERENCE = "job_digest_reference_feature_bin:agbento_drift_reference:max"
DRIFT_PSI = "job_digest_reference_feature:agbento_drift:psi1h"
DRIFT_MISSING = "job_digest_reference_feature:agbento_drift_missing:ratio1h"
DRIFT_UNSEEN = "job_digest_reference_feature:agbento_drift_unseen:ratio1h"

# What the default windows of a burn are called: long, short.
_WINDOWS = {"Fast": ("1h", "5m"), "Slow": ("6h", "30m"), "Trickle": ("3d", "6h")}


def ratio_of(rate: str, window: str) -> str:
    """Name the share of all requests that ``rate`` (FAILURES or SLOW) has over a window."""
    return f"{rate.removesuffix('rate5m')}ratio_rate{window}"


def burn_windows(burn: Burn) -> tuple[str, str]:
    """Give what a burn's long and short window are called in names."""
    return _WINDOWS.get(burn.name, (burn.long, burn.short))


def windows(thresholds: Thresholds) -> dict[str, str]:
    """Give every window of the burns: what names call it → how long it is. Raises ValueError where two differ."""
    found: dict[str, str] = {}
    for burn in thresholds.burns:
        for called, window in zip(burn_windows(burn), (burn.long, burn.short), strict=True):
            if found.setdefault(called, window) != window:
                raise ValueError(f"burns: the window that is called {called} is both {found[called]} and {window}")
    return found
