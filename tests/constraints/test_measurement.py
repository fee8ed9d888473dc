"""Fingerprints, severities, and shares as people read them."""

import copy
import pickle

import pytest

from chalicelib.constraints.measurement import (
    Fingerprint,
    Measurement,
    percent,
    rounded,
    severity_of,
    share_lower_bound,
)


def test_a_fingerprint_is_read_from_its_text_and_copied():
    found = Fingerprint("data_type_check", "a|b")
    assert str(found) == "data_type_check|a|b"
    for same in (Fingerprint.from_text(str(found)), copy.copy(found), pickle.loads(pickle.dumps(found))):  # noqa: S301
        assert (type(same), same.check, same.subject) == (Fingerprint, "data_type_check", "a|b")


@pytest.mark.parametrize(
    ("share", "critical", "severity"),
    [
        (0.0, False, "information"),
        (0.0099, False, "information"),
        (0.01, False, "warning"),
        (0.0999, False, "warning"),
        (0.1, False, "critical"),
        (1.0, False, "critical"),
        (0.0, True, "critical"),
    ],
)
def test_the_severity_follows_the_share(share, critical, severity):
    assert severity_of(share, critical=critical) == severity


def test_a_feature_is_not_critical_unless_it_is_said_to_be():
    assert severity_of(0.0) == "information"


@pytest.mark.parametrize(
    ("count", "rows", "bound"),
    [
        (0, 0, 0.0),
        (0, 20, 0.0),
        (1, 20, 0.000544),
        (20, 40, 0.083975),
        (20, 20, 0.181818),
        (500, 1000, 0.356326),
        (10_000, 10_000, 0.991080),
    ],
)
def test_the_lower_bound_is_wilsons(count, rows, bound):
    assert share_lower_bound(count, rows) == pytest.approx(bound, abs=5e-7)


@pytest.mark.parametrize(
    ("share", "others", "text"),
    [
        (0.0, (), "0.0%"),
        (1.0, (), "100.0%"),
        (0.5, (), "50.0%"),
        (0.9996, (), "99.96%"),
        (0.00052, (), "0.05%"),
        (0.00048, (), "0.05%"),
        (0.9512, (0.95,), "95.1%"),
        (0.9498, (0.95,), "94.98%"),
        (0.95, (0.95,), "95.0%"),
        (0.9498, (0.9, 0.95), "94.98%"),
        (0.9498, (0.95, 0.9), "94.98%"),
        (0.00452, (), "0.45%"),  # 0.5 % would be more than a tenth off
        (0.5, (0.5 + 1e-13,), "50.00000000000%"),
        (0.5, (0.5 + 1e-14,), "50.0%"),  # no twelfth digit
    ],
)
def test_a_share_for_people_has_one_digit_and_more_where_one_misleads(share, others, text):
    assert rounded(share, *others) == text


def test_a_share_in_model_monitors_sentence_has_all_its_digits():
    assert percent(0.9964592817400101) == "99.64592817400101%"


@pytest.mark.parametrize(
    ("check", "violated", "severity", "alertable"),
    [
        ("data_type_check", True, "warning", True),
        ("data_type_check", True, "information", False),
        ("data_type_check", False, "critical", False),
        ("no_data", True, "information", True),
        ("no_data", False, "information", False),
    ],
)
def test_information_raises_no_alert_unless_data_are_missing(check, violated, severity, alertable):
    found = Measurement(
        feature="x", check=check, kind="hard", expected="", observed="", violated=violated, severity=severity
    )
    assert found.alertable is alertable
