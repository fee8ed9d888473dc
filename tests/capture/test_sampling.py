"""Which objects are read below a ceiling: always the same ones, as many as the share says, never too few."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.capture.sampling import TOLERABLE, Step, is_sampled, mean_share, share, share_at

NINE = datetime(2026, 11, 22, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
keys = [f"data-capture/site/AllTraffic/2026/11/22/09/{n // 60:02}-{n % 60:02}-000-{n}.jsonl" for n in range(3600)]


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_what_a_smaller_share_reads_a_larger_one_reads_too(key, one, other):
    assert is_sampled(key, min(one, other)) <= is_sampled(key, max(one, other))


def test_a_share_of_the_keys_is_read():
    assert abs(sum(is_sampled(key, 0.1) for key in keys) - 360) < 60  # 3.3 standard deviations
    assert all(is_sampled(key, 1.0) for key in keys)
    assert not any(is_sampled(key, 0.0) for key in keys)


@given(st.floats(0, 1e6), st.floats(0.01, 1e4))
def test_the_share_is_one_without_need_and_leaves_no_window_empty(objects, ceiling):
    found = share(objects, ceiling)
    assert 0 < found <= 1
    assert found * objects >= min(objects, TOLERABLE) * 0.999
    assert found <= share(objects, ceiling * 2)


def test_each_time_has_its_share():
    steps = (Step(since=NINE, share=0.5), Step(since=NINE + HOUR, share=0.1))
    assert [share_at(steps, NINE + hours * HOUR) for hours in (-1, 0, 0.5, 1, 9)] == [1.0, 0.5, 0.5, 0.1, 0.1]
    assert mean_share(steps, NINE - HOUR, NINE + HOUR) == 0.75
    assert mean_share((), NINE, NINE + HOUR) == 1.0
