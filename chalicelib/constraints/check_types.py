"""The names of the checks: Model Monitor's values of `constraint_check_type`, and Vedette's own."""

DATA_TYPE = "data_type_check"
COMPLETENESS = "completeness_check"
MISSING_COLUMN = "missing_column_check"
EXTRA_COLUMN = "extra_column_check"
CATEGORICAL_VALUES = "categorical_values_check"
DRIFT = "baseline_drift_check"
MODEL_MONITOR = frozenset({DATA_TYPE, COMPLETENESS, MISSING_COLUMN, EXTRA_COLUMN, CATEGORICAL_VALUES, DRIFT})

LESS_THAN = "LessThanThreshold"  # of model quality, where Model Monitor names the check after the operator
GREATER_THAN = "GreaterThanThreshold"
MODEL_QUALITY = frozenset({LESS_THAN, GREATER_THAN})

NON_NEGATIVE = "vedette_non_negative_check"
RANGE = "vedette_range_check"
VOLUME = "vedette_volume_check"
SUDDEN_DRIFT = "vedette_sudden_drift_check"
SLOW_DRIFT = "vedette_slow_drift_check"
VEDETTE = frozenset({NON_NEGATIVE, RANGE, VOLUME, SUDDEN_DRIFT, SLOW_DRIFT})  # Model Monitor has none like them

DRIFTS = frozenset({DRIFT, SUDDEN_DRIFT, SLOW_DRIFT})  # the checks of a drift window
# What a person can accept as the new normal of a feature, see `vedette constraints accept`.
ACCEPTABLE = frozenset({DATA_TYPE, COMPLETENESS, CATEGORICAL_VALUES, NON_NEGATIVE, RANGE, *DRIFTS})
MIN_ACCEPTED_ROWS = 100  # of a window that is accepted: as many as drift needs

# Of alerts about missing data; never in a file.
NO_DATA = "no_data"
CAPTURE_STOPPED = "capture_stopped"
MONITOR_FAILED = "monitor_failed"
LABELS_STOPPED = "labels_stopped"
JOB_FAILED = "job_failed"
