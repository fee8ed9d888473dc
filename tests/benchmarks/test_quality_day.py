"""The looks at days of predictions are right however their labels come, and ask S3 only for what concerns a day."""

from benchmarks.quality_day import CASES, measure

PREDICTIONS, OBJECTS, LABEL_FILES = 6_000, 12, 60


def _measured(case):
    return measure(case, PREDICTIONS, OBJECTS, LABEL_FILES)


def test_every_day_is_right_and_labels_in_another_order_give_the_same_bytes():
    one, other = (_measured(case) for case in CASES[:2])
    assert one.is_right
    assert other.is_right
    assert one.found["digests"] == other.found["digests"]
    assert len(one.found["digests"]) == 1


def test_a_look_reads_the_parts_of_its_own_day_and_one_index_for_each_day_of_arrival():
    within_29_days, within_2_days = (_measured(case) for case in CASES[2:])
    assert within_29_days.is_right
    assert within_2_days.is_right
    for measured, files in ((within_29_days, 29), (within_2_days, 2 * 60 // 32 + 2)):
        finals = measured.found["taken"]["final"]
        assert len(finals) == 30
        indexes = 31
        # Its predictions twice, for their ids and for the join; each index and what it is made of; its label files.
        assert all(look["GET"] <= 2 * OBJECTS + indexes + 2 * files + 10 for look in finals[1:])
