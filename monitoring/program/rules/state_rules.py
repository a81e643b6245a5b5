"""Rules of what is not a request's: quality of the rows, saturation of an instance, age of its model."""

from __future__ import annotations

from monitoring.program.rules import names
from monitoring.program.rules.group import Group, group, record
from monitoring.program.rules.promql import series
from monitoring.program.rules.request_rules import PREDICT
from monitoring.program.thresholds import Thresholds

INSTANCE = "job, instance"


def quality(thresholds: Thresholds) -> Group:
    """Give the shares of rejected rows and of warnings."""

    def grown(by: str, metric: str, *matchers: str) -> str:
        return f"sum by ({by}) (increase({series(thresholds, metric, *matchers)}[{thresholds.quality_window}]))"

    rows = grown("job", "agbento_rows_total")
    rejected = grown("job", "agbento_rows_total", 'outcome="rejected"')
    warned = grown("job, feature", "agbento_values_off_total", 'action="warn"')
    return group(
        "quality",
        thresholds.evaluation,
        [
            record(names.ROWS_REJECTED, f"{rejected}\n/\n({rows} > 0)"),
            record(names.VALUES_WARNED, f"{warned}\n/ on (job) group_left ()\n({rows} > 0)"),
        ],
    )


def saturation(thresholds: Thresholds) -> Group:
    """Give the shares that an instance uses of what it may."""

    def of(metric: str, *matchers: str) -> str:
        return f"sum by ({INSTANCE}) ({series(thresholds, metric, *matchers)})"

    used = f"sum by ({INSTANCE}) (rate({series(thresholds, 'agbento_worker_cpu_seconds_total')}[{thresholds.rate}]))"
    # Memory, its limit, cores and workers wanted are those of the instance, told alike by whoever tells them.
    memory, limit, cores, wanted = (
        f"max by ({INSTANCE}) ({series(thresholds, metric)})"
        for metric in (
            *("agbento_memory_used_bytes", "agbento_memory_limit_bytes"),
            *("agbento_cpu_cores", "agbento_workers_wanted"),
        )
    )
    in_flight = of("bentoml_service_request_in_progress", PREDICT)
    return group(
        "saturation",
        thresholds.evaluation,
        [
            # Starts beyond those of a start of the service: a counter, which begins at 0 with each of them.
            record(names.WORKERS_REPLACED, f"clamp_min({of('agbento_worker_starts_total')} - {wanted}, 0)"),
            record(names.IN_FLIGHT, f"{in_flight}\n/\n({of('agbento_requests_limit')} > 0)"),
            record(names.MEMORY, f"{memory}\n/\n({limit} > 0)"),
            record(names.CPU, f"{used}\n/\n({cores} > 0)"),
        ],
    )


def model(thresholds: Thresholds) -> Group:
    """Give the age of the model that an instance serves."""
    known = f"last_over_time({series(thresholds, 'agbento_model_created_timestamp_seconds')}[{thresholds.restart}])"
    created = f"max by ({INSTANCE}) ({known} > 0)"
    return group("model", thresholds.evaluation, [record(names.MODEL_AGE, f"(time() - {created}) / 86400")])
