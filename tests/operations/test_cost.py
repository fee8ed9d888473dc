"""What Vedette costs: counted calls, an endpoint's own traffic, prices that can be replaced, a ceiling that holds."""

import json
import re
from pathlib import Path

import pytest

from chalicelib.capture import sampling
from chalicelib.errors import VedetteError
from chalicelib.records import FleetEntry
from tests.operations.evaluated_windows import judged
from tests.operations.installed_stage import SITE
from vedette.local.api_call_counter import measured
from vedette.operations import cost
from vedette.operations.api_call_counts import COUNTS

ENTRY = FleetEntry(endpoint="site")
CONFIG = Path(__file__).parents[2] / ".chalice" / "config.json"
PAGE = Path(__file__).parents[2] / "docs" / "cost.md"


def month(objects: float, share: float = 1.0, **more) -> cost.Estimate:
    return cost.estimate(ENTRY, cost.Traffic(objects_per_hour=objects, source="given", share=share, **more))


def test_the_table_of_calls_is_what_the_recorder_counts_now():
    assert measured() == COUNTS, "write it anew: python -m vedette.local.api_call_counter"


def test_the_memory_of_the_functions_is_that_of_their_configuration():
    configured = json.loads(CONFIG.read_text())["lambda_functions"]
    assert {name: configured[name]["lambda_memory_size"] / 1024 for name in cost.MEMORY_GB} == cost.MEMORY_GB


def test_every_call_that_is_counted_has_a_price_or_is_free():
    free = {"sagemaker", "lambda"}  # a run of a function is priced as such
    named = {call for calls in COUNTS.values() for call in calls}
    assert {call for call in named - cost._KINDS.keys() if call.partition(":")[0] not in free} <= {
        "sns:GetTopicAttributes"
    }


@pytest.mark.parametrize("objects", [100, 240, 2000, 10_000])
@pytest.mark.parametrize("times", [0.5, 0.8])
def test_a_ceiling_is_held_by_the_share_that_the_function_computes(objects, times):
    """The three figures in chalicelib/capture/sampling.py stand for the whole estimate."""
    least, whole = month(objects, sampling.TOLERABLE / objects).usd, month(objects).usd
    ceiling = least + times * (whole - least)
    found = month(objects, sampling.share(objects, ceiling)).usd
    assert 0.7 * ceiling < found < 1.05 * ceiling


def test_more_traffic_costs_more_and_leaving_objects_out_less():
    bills = [month(objects).usd for objects in (0, 1, 60, 1000, 10_000)]
    assert bills == sorted(bills)
    assert month(1000, share=0.1).usd < month(1000).usd
    assert month(60).usd == pytest.approx(sum(line.usd for line in month(60).lines))


def test_the_bill_adds_up_by_hand():
    """One endpoint on which nothing is ever captured: looks, sweeps and empty windows alone."""
    lines = {line.what: line for line in month(0).lines}
    looks, sweeps, windows, days = 730 * 12, 730 * 4, 730, 730 / 24
    lists = sum(
        times * COUNTS[name].get("s3:ListObjectsV2", 0) + times * COUNTS[name].get("s3:PutObject", 0)
        for name, times in (("look", looks), ("sweep", sweeps), ("window", windows), ("drift window", days))
    )
    told = windows + days - 10
    lists += told * COUNTS["verdict"].get("s3:PutObject", 0) + 10 * COUNTS["alert"].get("s3:PutObject", 0)
    assert lines["s3_put"].number == pytest.approx(lists)
    assert lines["s3_put"].usd == pytest.approx(lists * 0.005 / 1000)
    assert lines["cloudwatch_metric"].usd == pytest.approx(1.5)


def test_the_page_on_cost_says_what_the_estimate_says():
    told = re.findall(r"^\| ([\d,]+) \| ([\d.]+) \| ([\d.]+) \|$", PAGE.read_text(), re.MULTILINE)
    assert len(told) == 4
    for objects, whole, tenth in told:
        number = float(objects.replace(",", ""))
        assert float(whole) == pytest.approx(month(number).usd, rel=0.1)
        assert float(tenth) == pytest.approx(month(number, share=0.1).usd, rel=0.1)


def test_prices_and_assumptions_can_be_replaced_and_nothing_else():
    assert cost.changed(cost.PRICES, {"s3_get": 1}, "--price")["s3_get"] == 1.0
    for given in ({"s3_got": 1}, {"s3_get": "much"}, {"s3_get": -1}, {"s3_get": True}):
        with pytest.raises(VedetteError, match="--price s3_g"):
            cost.changed(cost.PRICES, given, "--price")


# --- the command ------------------------------------------------------------------------------------------------------


def test_an_endpoint_is_estimated_from_its_own_parts(stage, monkeypatch):
    judged(stage)
    monkeypatch.setenv("COLUMNS", "80")
    shown = stage.done("cost", SITE)
    assert f"{SITE}: about " in shown
    assert "captured objects an hour (the parts of the last day)" in shown
    assert "s3_get = 4e-07" in shown
    assert "seconds_per_call = 0.03" in shown
    assert "compared on 2026-11-22 with public pages" in shown
    (found,) = stage.answer("cost", SITE)["estimates"]
    assert found["traffic"]["objects_per_hour"] == pytest.approx(2 / 24)  # the golden request's, and the sent one
    dear = stage.answer("cost", SITE, "--price", "s3_put=1")["estimates"][0]
    assert dear["usd"] > 1000 > found["usd"]


def test_traffic_that_is_given_stands_for_what_is_not_known_yet(stage):
    assert "say --objects-per-hour" in stage.refused("cost", SITE)
    (found,) = stage.answer("cost", SITE, "--objects-per-hour", 240)["estimates"]
    assert found["traffic"]["source"] == "given"
    (few,) = stage.answer("cost", SITE, "--requests-per-hour", 30)["estimates"]
    (many,) = stage.answer("cost", SITE, "--requests-per-hour", 9000)["estimates"]
    assert (few["traffic"]["objects_per_hour"], many["traffic"]["objects_per_hour"]) == (30, 60)
    assert "say --objects-per-hour" in stage.done("cost")
    assert "there are s3_put" in stage.refused("cost", SITE, "--price", "s3_pot=1")


def test_a_ceiling_is_shown_with_the_share_that_holds_it(stage):
    stage.done("manage", SITE, "--endpoint", SITE, "--set", "monthly_ceiling_usd=20", "--yes")
    shown = stage.done("cost", SITE, "--objects-per-hour", 2000)
    assert "ceiling 20.00 USD a month: about " in shown
    assert "all are read" in stage.done("cost", SITE, "--objects-per-hour", 60)
    assert "it cannot be held" in stage.done("cost", SITE, "--objects-per-hour", 10_000)
    assert "is not 0 to" in stage.refused(
        "manage", SITE, "--endpoint", SITE, "--set", "monthly_ceiling_usd=-1", "--yes"
    )
