"""A stage with an endpoint that was judged: good hours, and then one that is half wrong."""

import contextlib
import io

import pytest

from chalicelib.constraints.suggestion import suggested_constraints
from tests.operations.installed import SITE, installed
from vedette.baselines import baseline_statistics
from vedette.demo import people
from vedette.demo.data import half_spoilt, sites

HOURS = 3


@pytest.fixture(scope="module")
def judged():
    """An endpoint with three closed windows; in the last one half of a column is written otherwise."""
    with pytest.MonkeyPatch.context() as patch, installed(patch) as stage, contextlib.redirect_stdout(io.StringIO()):
        data = sites()
        statistics = baseline_statistics([data.csv], "data set")
        constraints = suggested_constraints(statistics)
        for name, kind in zip(constraints.document["features"], ("Fractional", "Integral", "Integral"), strict=True):
            constraints = constraints.with_type(name["name"], kind)
        people.put_baseline_in_force(SITE, "v1", constraints, statistics)
        stage.deployed("knn")
        stage.cloud.turn(minutes=60 - stage.cloud.clock.now().minute + 1)
        for hour in range(HOURS):
            for number in range(6):
                rows = data.traffic(6 * hour + number, 40)
                people.predict(SITE, half_spoilt(rows) if hour == HOURS - 1 else rows)
            stage.cloud.turn(minutes=60)
        stage.cloud.turn(minutes=15)
        yield stage
