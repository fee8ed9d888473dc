"""What ships to Lambda: three flows, each one read -> decide -> write -> tell.

    registry: Approved / Rejected -> handlers.model_package_state_change -+
    endpoint: state changed -------> handlers.endpoint_state_change ------+-> registry.plan -> aws.deployment
    every 15 minutes --------------> handlers.sweep ----------------------+
    S3: capture object created ----> handlers.data_captured -> capture.summarize -> one part; hard checks at once
    every 5 minutes ---------------> handlers.run_monitoring -> sum of parts -> constraints.evaluate -> an execution
    execution or job finished -----> handlers.monitoring_execution -> alerts.transition -> SNS

The import rule, held by tests/test_import_rule.py:

    app -> handlers -> {registry, capture, statistics, constraints, alerts, aws}
    capture -> statistics;  constraints -> statistics;  alerts -> constraints (its measurements)
    vedette -> chalicelib, never the other way

`capture`, `statistics`, `constraints`, `registry` and `alerts` are pure: no boto3, chalice, Powertools, `os`, clock or
randomness; time, identifiers and thresholds are arguments. boto3 is used in `aws/` alone, and `aws/` decides nothing.
"""
