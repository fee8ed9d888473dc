"""Alert state: one alert per episode, whatever repeats, and whatever comes late."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.alerts.state import (
    MAX_FINGERPRINTS,
    MAX_SUBJECT_BYTES,
    Transition,
    bounded,
    captures_stopped,
    fingerprint_id,
    never_muted,
    transition,
)
from chalicelib.constraints.measurement import Fingerprint, Measurement
from chalicelib.records import AlertState, Execution, FingerprintState, Thresholds
from tests.alerts.factories import HOUR, NOON, book, clean, drift, execution, violation

DEFAULTS = Thresholds()


def everything(name: str) -> bool:
    return True


def reported(
    executions: list[Execution], thresholds: Thresholds = DEFAULTS, muted_at=frozenset()
) -> list[tuple[str, ...]]:
    """What each execution gives a reason to say; a mute holds at the positions of `muted_at`."""
    known, said = book(), []
    for position, made in enumerate(executions):
        moved = transition(known, made, thresholds, everything if position in muted_at else never_muted)
        known = moved.after
        said.append(tuple(f"{state} {m.feature}" for state in ("new", "recovered") for m in getattr(moved, state)))
    return said


def bad(hour: int, *more, **changes) -> Execution:
    return execution(violation(), *more, hour=hour, **changes)


def good(hour: int, **changes) -> Execution:
    return execution(clean(), hour=hour, **changes)


def test_24_hourly_executions_with_the_same_violation_are_one_alert_and_one_recovery():
    said = reported([bad(hour) for hour in range(24)] + [good(24 + hour) for hour in range(3)])
    assert said[0] == ("new b",)
    assert said[1:25] == [()] * 24
    assert said[25:] == [("recovered b",), ()]


def test_an_alert_of_one_object_recovers_after_two_clean_windows_as_any_other():
    said = reported([bad(0, window_closed=False), good(0), good(1), good(2), good(3)])
    assert said == [("new b",), (), (), ("recovered b",), ()], "the first one holds the violation itself"


def test_drift_fires_in_two_of_three_windows():
    drifts = [True, False, True, True, False, False]
    said = reported([execution(drift(violated=v), hour=hour) for hour, v in enumerate(drifts)])
    assert [n for n, words in enumerate(said) if words == ("new b",)] == [2]
    assert said[-1] == ("recovered b",)


@pytest.mark.parametrize(
    ("thresholds", "history", "expected"),
    [
        (Thresholds(hard_violated=2, hard_of=3), "x.x", [2]),
        (Thresholds(hard_violated=3, hard_of=3), "xx.xxx", [5]),
        (Thresholds(recovery_clean=1), "x.x", [0, 1, 2]),
        (Thresholds(recovery_clean=3), "x...", [0, 3]),
    ],
)
def test_how_many_windows_it_takes_is_an_argument(thresholds, history, expected):
    windows = [bad(hour) if mark == "x" else good(hour) for hour, mark in enumerate(history)]
    assert [n for n, words in enumerate(reported(windows, thresholds)) if words] == expected


def test_a_hard_violation_of_an_object_fires_at_once_and_the_closed_window_adds_nothing():
    assert reported([bad(0, window_closed=False), bad(0), bad(1)]) == [("new b",), (), ()]


def test_where_hard_checks_must_fail_in_several_windows_an_object_fires_nothing():
    assert reported([bad(0, window_closed=False)] * 3, Thresholds(hard_violated=2, hard_of=3)) == [()] * 3


def test_a_single_object_never_recovers_anything_and_its_drift_counts_for_nothing():
    assert reported([execution(drift(), window_closed=False)]) == [()]
    assert reported([bad(0), *[good(1, window_closed=False)] * 5])[1:] == [()] * 5


def test_an_object_of_a_window_that_was_closed_before_changes_nothing():
    moved = transition(book(), good(0), DEFAULTS)
    assert transition(moved.after, bad(0, window_closed=False), DEFAULTS) == Transition(moved.after)


def test_a_repeated_window_changes_nothing():
    moved = transition(transition(book(), bad(2), DEFAULTS).after, bad(3), DEFAULTS)
    for again in (bad(3), bad(2)):
        assert transition(moved.after, again, DEFAULTS) == Transition(moved.after)


def test_a_window_with_too_few_rows_is_neither_clean_nor_violated():
    few = [execution(clean(evaluated=False), hour=1 + n, verdict="InsufficientData") for n in range(5)]
    assert reported([bad(0), *few, bad(6)])[1:] == [()] * 6


def test_a_violation_by_a_trace_tells_nobody():
    assert reported([execution(violation(severity="information"), hour=hour) for hour in range(5)]) == [()] * 5


def test_what_grows_worse_is_reported_once_more_and_what_grows_better_is_not():
    severities = ["warning", "critical", "warning", "critical"]
    said = reported([execution(violation(severity=s), hour=hour) for hour, s in enumerate(severities)])
    assert said == [("new b",), ("new b",), (), ()]


def test_silence_is_said_once_and_only_where_there_was_data_before():
    quiet = [execution(hour=n, verdict="NoData") for n in range(3)]
    assert reported([replace(q, rows=0, rejected={}) for q in quiet]) == [()] * 3
    back = [good(4 + n) for n in range(2)]
    assert reported([good(-1), *quiet, *back]) == [(), ("new capture",), (), (), (), ("recovered capture",)]


def test_a_silent_window_does_not_recover_a_violation():
    silent = [execution(hour=n, verdict="NoData") for n in (1, 2)]
    said = reported([bad(0), *silent, bad(3)])
    assert ("recovered b",) not in said
    assert said[3] == ()


def test_each_silence_is_a_fingerprint_of_its_own():
    for verdict, feature in (("NoData", "capture"), ("CaptureStopped", "capture"), ("MonitorFailed", "monitor")):
        assert reported([good(0), execution(hour=1, verdict=verdict)])[1] == (f"new {feature}",)


def test_what_is_no_longer_measured_recovers():
    assert reported([bad(0), execution(hour=1), execution(hour=2)])[2] == ("recovered b",)


# --- what a state remembers -------------------------------------------------------------------------------------------

B = violation().fingerprint
D = drift().fingerprint


def remembered(state: str = "firing", recent: tuple[bool, ...] = (True,), **changes) -> FingerprintState:
    """A fingerprint that began in the first window, and was last violated there."""
    folder = execution().folder if state == "firing" else ""
    first = FingerprintState(
        state=state, severity="critical", since=NOON, last_seen=NOON + HOUR, recent=recent, folder=folder
    )
    return replace(first, **changes)


def test_a_closed_window_is_remembered_with_its_violations():
    moved = transition(book(), execution(violation(), drift("d"), clean("c")), DEFAULTS)
    d = drift("d").fingerprint
    after = book(
        fingerprints={B: remembered(), d: remembered("pending", severity="warning")},
        last_closed_window_end=NOON + HOUR,
        last_drift_window_end=NOON + HOUR,
        counted_windows={"2026-03-02T12-00Z_60m": 1},
        recent_alerts={B: (NOON + HOUR,)},
        had_rows=True,
    )
    assert moved == Transition(after, new=(violation(),), since={B: NOON, d: NOON})


def test_an_episode_remembers_its_worst_severity_its_begin_and_the_last_windows():
    mild = violation(severity="warning")
    state, seen = book(), []
    for hour, found in enumerate([mild, violation(), clean(), mild]):
        state = transition(state, execution(found, hour=hour), DEFAULTS).after
        seen.append(state.fingerprints[B])
    assert seen == [
        remembered(severity="warning"),
        remembered(recent=(True, True), last_seen=NOON + 2 * HOUR),
        remembered(recent=(True, False), last_seen=NOON + 2 * HOUR),
        remembered(recent=(False, True), last_seen=NOON + 4 * HOUR),
    ]


def test_as_many_windows_are_remembered_as_firing_or_recovery_takes():
    def recent(of: int, clean: int) -> int:
        thresholds, state = Thresholds(drift_violated=1, drift_of=of, recovery_clean=clean), book()
        for hour in range(9):
            state = transition(state, execution(drift(), hour=hour), thresholds).after
        return len(state.fingerprints[D].recent)

    assert [recent(3, 2), recent(2, 5), recent(4, 4)] == [3, 5, 4]


def test_drift_that_no_longer_counts_is_forgotten_before_it_fired():
    state = book()
    for hour, violated in enumerate([True, False, False, False]):
        state = transition(state, execution(drift(violated=violated), hour=hour), DEFAULTS).after
    assert state.fingerprints == {}


@pytest.mark.parametrize(
    ("changes", "had_rows"),
    [
        ({"rows": 0, "rejected": {}}, False),
        ({"rows": 1, "rejected": {}}, True),
        ({"rows": 0, "rejected": {"line is not JSON": 1}}, True),
        ({"rows": 0, "rejected": {}, "source": "model monitor"}, True),
    ],
)
def test_an_endpoint_had_data_once_anything_was_captured(changes, had_rows):
    after = transition(book(), execution(**changes), DEFAULTS).after
    assert after.had_rows is had_rows
    assert transition(after, execution(hour=1, rows=0, rejected={}), DEFAULTS).after.had_rows is had_rows


@pytest.mark.parametrize(
    ("checks", "ends", "clean_now"),
    [
        ("all", (NOON + 2 * HOUR, NOON + 2 * HOUR), {B, D}),
        ("hard", (NOON + 2 * HOUR, NOON + HOUR), {B}),
        ("drift", (NOON + HOUR, NOON + 2 * HOUR), {D}),
    ],
)
def test_a_window_of_some_checks_moves_their_fingerprints_only(checks, ends, clean_now):
    known = transition(book(), execution(violation(), drift()), Thresholds(drift_violated=1)).after
    after = transition(known, execution(hour=1, checks_run=checks), DEFAULTS).after
    assert (after.last_closed_window_end, after.last_drift_window_end) == ends
    assert {one for one, of in after.fingerprints.items() if of.recent == (True, False)} == clean_now


@pytest.mark.parametrize(
    ("verdict", "check", "subject", "expected", "severity"),
    [
        ("NoData", "no_data", "capture", "captured data", "information"),
        ("CaptureStopped", "capture_stopped", "capture", "captured data", "warning"),
        ("MonitorFailed", "monitor_failed", "monitor", "a verdict", "warning"),
    ],
)
def test_missing_data_is_a_measurement_with_the_notes_of_the_execution(verdict, check, subject, expected, severity):
    missing = Measurement(
        feature=subject,
        check=check,
        kind="hard",
        expected=expected,
        observed="no memory; no disk",
        violated=True,
        severity=severity,
    )
    first = transition(book(had_rows=True), execution(verdict=verdict, notes=("no memory", "no disk")), DEFAULTS)
    assert first.new == (missing,)
    (bare,) = transition(book(had_rows=True), execution(verdict=verdict), DEFAULTS).new
    assert bare.observed == "none"
    again = transition(first.after, execution(hour=1), DEFAULTS)
    (recovered,) = transition(again.after, execution(hour=2), DEFAULTS).recovered
    assert recovered == replace(missing, observed="", violated=False)


def test_what_is_no_longer_measured_is_a_clean_measurement():
    known = transition(book(), bad(0), DEFAULTS).after
    known = transition(known, execution(hour=1), DEFAULTS).after
    assert transition(known, execution(hour=2), DEFAULTS).recovered == (
        Measurement(
            feature="b",
            check="data_type_check",
            kind="hard",
            expected="no violation",
            observed="",
            violated=False,
        ),
    )


def test_captures_have_stopped_while_an_alert_that_was_not_muted_says_so():
    stopped = execution(verdict="CaptureStopped")
    assert not captures_stopped(book())
    assert captures_stopped(transition(book(), stopped, DEFAULTS).after)
    assert not captures_stopped(transition(book(), stopped, DEFAULTS, everything).after)


def test_the_id_of_a_fingerprint_is_a_digest_whatever_its_subject_holds():
    assert fingerprint_id("preferred-site", "AllTraffic", B) == "614728c245da"
    lone = Fingerprint("c", "\ud800")
    assert fingerprint_id("e", "v", lone) == sha256(b"e\nv\nc|\\ud800").hexdigest()[:12]


# --- one object of an open window -------------------------------------------------------------------------------------


def object_with(*measurements: Measurement, hour: int = 1) -> Execution:
    return execution(*measurements, hour=hour, window_closed=False)


def test_an_object_fires_hard_violations_alone():
    moved = transition(
        book(), object_with(clean("a"), violation("c", severity="information"), drift(), violation()), DEFAULTS
    )
    begun = remembered(since=NOON + HOUR, last_seen=NOON + 2 * HOUR, recent=())
    after = book(fingerprints={B: begun}, recent_alerts={B: (NOON + 2 * HOUR,)})
    assert moved == Transition(after, new=(violation(),), since={B: NOON + HOUR})


def test_an_object_continues_what_fires_and_begins_what_does_not():
    known = book(fingerprints={B: remembered()})
    again = transition(known, object_with(violation()), DEFAULTS)
    seen = book(fingerprints={B: remembered(last_seen=NOON + 2 * HOUR)})
    assert again == Transition(seen, continuing=(violation(),), since={B: NOON})
    more = transition(known, object_with(violation(), violation("c")), DEFAULTS)
    assert (more.continuing, more.new) == ((violation(),), (violation("c"),))


def test_an_object_says_nothing_of_what_fires_muted():
    known = book(fingerprints={B: remembered("muted")})
    seen = book(fingerprints={B: remembered("muted", last_seen=NOON + 2 * HOUR)})
    assert transition(known, object_with(violation()), DEFAULTS) == Transition(seen, since={B: NOON})


def test_an_object_fires_what_was_pending_and_keeps_its_windows():
    known = book(fingerprints={B: remembered("pending", recent=(False, True))})
    moved = transition(known, object_with(violation()), DEFAULTS)
    fired = remembered(since=NOON + HOUR, last_seen=NOON + 2 * HOUR, recent=(False, True))
    assert (moved.after.fingerprints, moved.new) == ({B: fired}, (violation(),))


def test_a_mute_of_one_fingerprint_silences_it_alone_in_an_object():
    moved = transition(book(), object_with(violation(), violation("c")), DEFAULTS, lambda of: of == B)
    assert (moved.muted, moved.new) == ((violation(),), (violation("c"),))
    assert [of.state for of in moved.after.fingerprints.values()] == ["muted", "firing"]
    alone = transition(book(), object_with(violation()), DEFAULTS, everything)
    assert alone.after.fingerprints == {B: remembered("muted", since=NOON + HOUR, last_seen=NOON + 2 * HOUR, recent=())}


# --- muted ------------------------------------------------------------------------------------------------------------


def test_what_fires_while_muted_is_remembered_and_not_reported():
    moved = transition(book(), bad(0), DEFAULTS, everything)
    assert [state.state for state in moved.after.fingerprints.values()] == ["muted"]
    assert ([m.feature for m in moved.muted], moved.new, moved.recovered) == (["b"], (), ())


def test_a_mute_that_ends_while_it_still_fires_tells_once():
    assert reported([bad(hour) for hour in range(6)], muted_at={0, 1, 2}) == [(), (), (), ("new b",), (), ()]


def test_what_was_reported_and_then_muted_is_reported_once_more_when_the_mute_ends():
    assert reported([bad(hour) for hour in range(6)], muted_at={2, 3}) == [("new b",), (), (), (), ("new b",), ()]


def test_what_recovers_unheard_is_forgotten_unheard():
    windows = [bad(0), bad(1), good(2), good(3), good(4)]
    assert reported(windows, muted_at={0, 1, 2, 3}) == [()] * 5
    assert reported(windows, muted_at={0, 1}) == [()] * 5


def test_what_is_clean_when_the_mute_ends_waits_for_its_next_window():
    assert reported([bad(0), good(1), bad(2), good(3)], muted_at={0}) == [(), (), ("new b",), ()]


def test_an_object_fires_into_a_mute_and_the_closed_window_tells_when_it_has_ended():
    assert reported([bad(0, window_closed=False), bad(0)], muted_at={0}) == [(), ("new b",)]
    assert reported([bad(0, window_closed=False), bad(0), bad(1)], muted_at={0, 1}) == [(), (), ("new b",)]


# --- laws -------------------------------------------------------------------------------------------------------------

histories = st.lists(st.booleans(), min_size=1, max_size=20)


@given(histories, st.integers(1, 3), st.integers(1, 3))
def test_news_and_recoveries_alternate_and_the_book_is_empty_exactly_when_all_is_quiet(history, needed, calm):
    thresholds = Thresholds(hard_violated=needed, hard_of=3, recovery_clean=calm)
    windows = [bad(n) if violated else good(n) for n, violated in enumerate(history)]
    said = [words for words in reported(windows, thresholds) if words]
    assert said == [("new b",) if n % 2 == 0 else ("recovered b",) for n in range(len(said))]


@given(histories, st.sets(st.integers(0, 19)))
def test_nobody_hears_of_a_recovery_without_having_kinds_that_it_fires(history, muted_at):
    windows = [bad(n) if violated else good(n) for n, violated in enumerate(history)]
    kinds = [words[0].split()[0] for words in reported(windows, muted_at=muted_at) if words]
    for before, word in zip(["recovered", *kinds], kinds, strict=False):
        assert word == "new" or before == "new"


@given(histories, st.randoms())
def test_repetitions_and_late_copies_do_not_change_the_book(history, random):
    windows = [bad(n) if violated else good(n) for n, violated in enumerate(history)]
    once: AlertState = book()
    disturbed: AlertState = book()
    for n, made in enumerate(windows):
        once = transition(once, made, DEFAULTS).after
        disturbed = transition(disturbed, made, DEFAULTS).after
        for late in random.sample(windows[: n + 1], k=random.randint(0, n + 1)):
            disturbed = transition(disturbed, late, DEFAULTS).after
    assert once == disturbed
    assert once.last_closed_window_end is not None
    assert once.last_closed_window_end > NOON


def test_a_full_state_follows_the_worst_violations_and_makes_room_as_they_recover():
    many = [
        violation(f"f{n:05}", severity="critical" if n % 10 == 0 else "warning") for n in range(2 * MAX_FINGERPRINTS)
    ]
    first = transition(book(), execution(*many), DEFAULTS)
    assert (len(first.new), first.left_out) == (MAX_FINGERPRINTS, MAX_FINGERPRINTS)
    assert {one.fingerprint for one in first.new} == set(first.after.fingerprints)
    assert sum(one.severity == "critical" for one in first.new) == 2 * MAX_FINGERPRINTS // 10
    again = transition(first.after, execution(*many, hour=1), DEFAULTS)
    assert (again.new, len(again.continuing), again.left_out) == ((), MAX_FINGERPRINTS, MAX_FINGERPRINTS)
    rest = [one for one in many if one.fingerprint not in first.after.fingerprints]
    half_clean = transition(again.after, execution(*rest, hour=2), DEFAULTS)
    recovered = transition(half_clean.after, execution(*rest, hour=3), DEFAULTS)
    assert (recovered.new, len(recovered.recovered)) == ((), MAX_FINGERPRINTS)
    assert len(transition(recovered.after, execution(*rest, hour=4), DEFAULTS).new) == MAX_FINGERPRINTS


def test_a_full_state_still_says_that_data_are_missing():
    full = transition(book(), execution(*(violation(f"f{n}") for n in range(MAX_FINGERPRINTS))), DEFAULTS).after
    (stopped,) = transition(full, execution(verdict="CaptureStopped", hour=1), DEFAULTS).new
    assert stopped.check == "capture_stopped"


def test_long_subjects_take_the_room_of_several():
    long = [violation(f"{n}" * 30_000, severity="critical") for n in range(5)]
    moved = transition(book(), execution(*long, violation("b", severity="warning")), DEFAULTS)
    assert (len(moved.new), moved.left_out) == (4, 2)
    assert "b" in {one.feature for one in moved.new}


def test_the_excess_of_an_older_state_is_forgotten_mildest_first():
    known = transition(book(), execution(violation("worst", severity="critical"), violation("b")), DEFAULTS).after
    mild = replace(known.fingerprints[violation("b").fingerprint], severity="warning")
    older = {violation(f"f{n}").fingerprint: mild for n in range(2 * MAX_FINGERPRINTS)}
    kept = bounded(replace(known, fingerprints=older | known.fingerprints)).fingerprints
    assert len(kept) == MAX_FINGERPRINTS
    assert violation("worst", severity="critical").fingerprint in kept
    assert bounded(known) is known
    full = replace(known, fingerprints=dict(list(older.items())[:MAX_FINGERPRINTS]))
    assert bounded(full) is full


def test_a_state_has_room_for_exactly_as_many_fingerprints_and_bytes_as_it_holds():
    many = [violation(f"{n:04}") for n in range(MAX_FINGERPRINTS + 1)]
    assert transition(book(), execution(*many[1:]), DEFAULTS).left_out == 0
    assert transition(book(), execution(*many), DEFAULTS).left_out == 1
    # In bytes: a lone surrogate takes 6, an umlaut 2.
    half = violation("\ud800" * (MAX_SUBJECT_BYTES // 12) + "x" * (MAX_SUBJECT_BYTES // 2 % 6))
    rest = violation("ü" * (MAX_SUBJECT_BYTES // 4))
    assert transition(book(), execution(half, rest), DEFAULTS).left_out == 0
    assert transition(book(), execution(half, rest, violation("b")), DEFAULTS).left_out == 1
    known = transition(book(), execution(half, rest), DEFAULTS).after
    assert transition(known, execution(half, rest, violation("b"), hour=1), DEFAULTS).left_out == 1
    assert transition(known, execution(half, rest, violation(""), hour=1), DEFAULTS).left_out == 0
