"""Alerts of what is asked and what answers: quality of the rows, drift, the model."""

from __future__ import annotations

import re

from agbento.drift import PREDICTION
from monitoring.program.rules import names
from monitoring.program.rules.group import Group, Rule, alert, group
from monitoring.program.rules.promql import number, percent, seconds, series, text
from monitoring.program.thresholds import Thresholds


def quality(thresholds: Thresholds) -> Group:
    """Give the alerts of shares that rise."""
    window, job, feature = thresholds.quality_window, "{{ $labels.job }}", 'feature "{{ $labels.feature }}"'
    now = f"over {window}, more than is usual"
    rejected = f"{job}: {{{{ $value | humanizePercentage }}}} of the rows were rejected {now}"
    warned = f'{job}: {{{{ printf "%.2f" $value }}}} warnings a row of {feature} {now}'
    by_feature = "Somebody sends other rows than before. agbento_values_off_total tells features and reasons."
    return group(
        "quality_alerts",
        thresholds.evaluation,
        [
            _rising(
                thresholds,
                "RejectedRowsRising",
                names.ROWS_REJECTED,
                thresholds.rejected,
                f"{rejected} (alert above {percent(thresholds.rejected)})",
                by_feature,
                thresholds.never_usual,
            ),
            _rising(
                thresholds,
                "WarningsRising",
                names.VALUES_WARNED,
                thresholds.warned,
                f"{warned} (alert above {number(thresholds.warned)})",
                by_feature,
            ),
        ],
    )


def _rising(
    thresholds: Thresholds,
    name: str,
    share: str,
    floor: float,
    summary: str,
    description: str,
    never_usual: float | None = None,
) -> Rule:
    window = thresholds.quality_window
    rows = f"sum by (job) (increase({series(thresholds, 'agbento_rows_total')}[{window}]))"
    before = f"{share}[{thresholds.quality_before}] offset {window}"
    known = seconds(thresholds.quality_history) / seconds(thresholds.evaluation)
    usual = [
        f"{share} <= {number(thresholds.rising)} * avg_over_time({before})",
        f"count_over_time({before}) >= {number(known)}",
        *(() if never_usual is None else (f"{share} < {number(never_usual)}",)),
    ]
    # `unless`, not `and`: where there is too little time before, nothing is taken away.
    return alert(
        name,
        f"(\n  {share} > {number(floor)}\n  and on (job)\n  {rows} >= {thresholds.quality_rows}\n)\n"
        "unless\n(\n  " + "\n  and\n  ".join(usual) + "\n)",
        thresholds.quality_for,
        "warning",
        summary,
        description,
    )


def drift(thresholds: Thresholds) -> Group:
    """Give the alerts of PSI: one a feature, and one of the answers themselves."""

    left_out = text("|".join(map(re.escape, (PREDICTION, *thresholds.undrifting))))

    def drifted(name: str, matcher: str, what: str, then: str) -> Rule:
        return alert(
            name,
            f"{names.DRIFT_PSI}{{feature{matcher}}} > {number(thresholds.psi)}",
            thresholds.drift_for,
            "warning",
            f'{{{{ $labels.job }}}}: {what} drifted, PSI {{{{ printf "%.2f" $value }}}} over {thresholds.drift_window} '
            f"(alert above {number(thresholds.psi)}), model {{{{ $labels.digest }}}}",
            then,
            thresholds.restart,
        )

    return group(
        "drift_alerts",
        thresholds.evaluation,
        [
            drifted(
                "FeatureDrift",
                f"!~{left_out}",
                'feature "{{ $labels.feature }}"',
                "The model is asked about a world that it was not trained in; its answers may be wrong.",
            ),
            drifted(
                "PredictionDrift",
                f"={text(PREDICTION)}",
                "the answers",
                "Whatever is decided by the answers is decided otherwise than in the reference.",
            ),
        ],
    )


def model(thresholds: Thresholds) -> Group:
    """Give the alerts of the model that serves."""
    # A predictor that USE_COMPILED=false asked for is no surprise; the label says so.
    stock, compiled = (
        f"last_over_time({selected}[{thresholds.restart}])"
        for selected in (
            series(thresholds, "agbento_model_info", 'served="stock"', 'why!~".*USE_COMPILED.*"'),
            series(thresholds, "agbento_compiled"),
        )
    )
    who = "{{ $labels.instance }} of {{ $labels.job }}"
    return group(
        "model_alerts",
        thresholds.evaluation,
        [
            alert(
                "ModelTooOld",
                f"{names.MODEL_AGE} > {number(thresholds.model_days)}",
                thresholds.age_for,
                "warning",
                f'The model of {who} is {{{{ printf "%.1f" $value }}}} days old (alert above '
                f"{number(thresholds.model_days)})",
                "Nobody has looked for that long whether it still fits the world.",
                thresholds.restart,
            ),
            alert(
                "StockPredictorServes",
                f"max by (job, instance, tag, why) ({stock}) == 1\nand on (job, instance)\n{compiled} == 0",
                thresholds.stock_for,
                "warning",
                f"AutoGluon's own predictor has served {{{{ $labels.tag }}}} on {who} for {thresholds.stock_for} "
                "(agbento_compiled is 0): {{ $labels.why }}",
                "Answers are right, and ten to a thousand times slower than compiled ones.",
                thresholds.restart,
            ),
        ],
    )
