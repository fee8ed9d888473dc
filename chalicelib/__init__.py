"""What ships to Lambda: three flows, each one read -> decide -> write -> notify. docs/architecture.md draws them.

    registry: Approved / Rejected -> handlers.model_package_state_change -+
    endpoint: state changed -------> handlers.endpoint_state_change ------+-> services.reconciliation -> registry.plan
    every 15 minutes --------------> handlers.sweep -> services.sweep ----+
    S3: capture object created ----> handlers.data_captured -> services.capture_processing -> one part
    every 5 minutes ---------------> handlers.run_monitoring -> services.monitoring -> an execution
    execution or job ended --------> handlers.monitoring_execution -> services.alerting -> SNS

The import rule, checked by tests/test_import_rule.py:

    app -> handlers -> services -> {registry, capture, statistics, constraints, alerts, pages, stores, aws}
    stores -> aws
    vedette -> chalicelib, never the other way

`registry`, `capture`, `statistics`, `constraints`, `alerts` and `pages` are pure: no boto3, chalice, Powertools, `os`,
clock or randomness; times, identifiers and thresholds are arguments. boto3 is used in `aws/` alone.
"""
