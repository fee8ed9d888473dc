"""What an operator does, as functions of data: the commands in vedette/cli/ ask, show, and call these.

    stages       which stage, and how to reach it           fleet      what is watched and deployed, checked and stored
    packages     a version of a group, registered           control    pin, roll back, retry, adopt, pause, act now
    capture      data capture of an endpoint, on and off    traffic    one request, or many
    deletion     an endpoint with all that hangs on it      orphans    what is left over
    baselines    an endpoint's stored constraints           constraints  edited, compared, a window taken as normal
    results      what was judged, read back                 replay       what constraints would have said of the past
    aws          the calls that operators alone make

Nothing is decided here that a function of Vedette decides: a person's wish is written down, and the sweep asked to act.
"""
