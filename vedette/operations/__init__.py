"""The operations behind the commands: vedette/cli/ parses options, asks and prints; these functions do the work.

    stages       settings and session of a stage            fleet      validate, compare and store the fleet
    packages     register a model version                   control    pin, roll back, retry, adopt, pause, reconcile
    capture      turn data capture on and off               traffic    send one request, or many
    deletion     delete an endpoint and its resources       orphans    unused resources
    baselines    stored baseline versions                   constraints  edit, compare and accept constraints
    watching     watch what somebody else deployed          own_records  records that a person writes
    capture_sources  how a stage can read a place
    results      read monitoring results                    replay       back-test constraints on past data
    aws          AWS calls of the commands

These functions do not duplicate decisions of the deployed functions: they store the user's choice and invoke the sweep.
"""
