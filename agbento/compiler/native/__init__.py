"""Plan → functions: what answers, without AutoGluon, pandas or torch."""
