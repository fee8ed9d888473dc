"""The baselines that a fleet.toml names: in force after one apply, and never in the place of a person's decision."""

import boto3
import pytest

from chalicelib.endpoint_run import stage_stores
from tests.cli import fleet_of_schedules as made


@pytest.fixture
def fleet(stage, tmp_path):
    """A fleet.toml of three endpoints with baselines, applied with `fleet()`."""
    names = ["a", "b", "c"]
    made.endpoints(stage, names)
    for name in names:
        made.baseline(stage, name)

    def apply(*more: str, **places: str) -> str:
        lines = [f'[endpoints.{name}]\nbaseline = "{places.get(name, place(stage, name))}"\n' for name in names]
        (tmp_path / "fleet.toml").write_text("".join(lines))
        return stage.done("apply", "-f", tmp_path / "fleet.toml", *(more or ("--yes",)))

    return apply


def place(stage, name: str) -> str:
    return f"s3://{stage.bucket}/baselines-of-model-monitor/{name}/"


def in_force(name: str):
    return stage_stores().baselines.in_force(name)


def types(name: str) -> list[str]:
    return [
        feature.inferred_type for feature in stage_stores().baselines.get_in_force(name).content.constraints.features
    ]


def test_all_of_them_come_into_force_with_one_apply_and_again_nothing_changes(stage, fleet):
    said = fleet()
    assert "Baselines of the fleet: 3 to put in force." in said
    assert "3 baselines put in force." in said
    assert [(in_force(name).version, in_force(name).fleet_baseline) for name in "abc"] == [
        ("v1", place(stage, name)) for name in "abc"
    ]
    writes = stage.changes()
    said = fleet()
    assert "The fleet does not change." in said
    assert "Baselines of the fleet: 3 in force already." in said
    assert stage.changes() == writes


def test_a_dry_run_puts_nothing_in_force(stage, fleet):
    assert "Baselines of the fleet: 3 to put in force." in fleet("--dry-run")
    assert in_force("a") is None


def test_a_changed_file_comes_into_force_with_the_next_apply(stage, fleet):
    fleet()
    made.baseline(stage, "b", b="Fractional")
    assert "Baselines of the fleet: 1 to put in force, 2 in force already." in fleet()
    assert types("b") == ["Fractional", "Integral", "Fractional"]
    assert in_force("b").version == "v2"


def test_what_a_person_accepted_or_chose_later_stays_and_apply_says_so(stage, fleet):
    fleet()
    stage.done("constraints", "set", "a", "b", "--type", "Fractional", "--reason", "cents", "--yes")
    decided = in_force("a")
    made.baseline(stage, "a", a="String")
    said = fleet()
    assert "a: v2, put in force by user/moto (cents), stays; `vedette constraints use a --from" in said
    assert "Baselines of the fleet: 2 in force already, 1 not used, because another one was chosen." in said
    assert in_force("a") == decided


def test_a_fleet_that_names_another_baseline_than_before_is_the_later_decision(stage, fleet):
    fleet()
    stage.done("constraints", "set", "a", "b", "--type", "Fractional", "--reason", "cents", "--yes")
    new = made.baseline(stage, "a", "rules.json", a="String")
    said = fleet(a=new)
    assert f"a: the baseline at {new} replaces v2, put in force by user/moto (cents)" in said
    assert (types("a"), in_force("a").fleet_baseline) == (["Fractional", "String", "Integral"], new)


def test_an_apply_that_was_cut_short_goes_on(stage, fleet, monkeypatch):
    from vedette.operations import baselines

    real = baselines.keep

    def fails_at_b(endpoint, *arguments, **more):
        if endpoint == "b":
            raise RuntimeError("the power went out")
        return real(endpoint, *arguments, **more)

    with monkeypatch.context() as patched:
        patched.setattr(baselines, "keep", fails_at_b)
        with pytest.raises(RuntimeError):
            fleet()
    assert (in_force("a").version, in_force("b")) == ("v1", None)
    assert "Baselines of the fleet: 2 to put in force, 1 in force already." in fleet()


def test_a_baseline_that_cannot_be_read_is_refused_by_name_and_nothing_is_applied(stage, fleet, tmp_path):
    s3 = boto3.client("s3")
    s3.put_object(
        Bucket=stage.bucket, Key="baselines-of-model-monitor/b/constraints.json", Body=b'{"features": [\n{,}]}'
    )
    s3.put_object(Bucket=stage.bucket, Key="baselines-of-model-monitor/c/statistics.json", Body=b"[]")
    with pytest.raises(AssertionError):
        fleet()
    result = stage.run("apply", "-f", tmp_path / "fleet.toml", "--yes", "--force")
    assert result.exit_code == 2
    head, b, c = result.stderr.strip().splitlines()
    assert head == "Error: The fleet names baselines that cannot be read:"
    assert b.startswith(f"b: {place(stage, 'b')}constraints.json: not JSON: ")
    assert "line 2" in b
    assert c.startswith(f"c: {place(stage, 'c')}statistics.json: ")
    assert (in_force("a"), sorted(made.fleet())) == (None, ["preferred-site"])


def test_a_baseline_that_does_not_exist_is_forced_without_it(stage, fleet):
    place_of_none = f"s3://{stage.bucket}/no/such/"
    assert f"c: there is no baseline at {place_of_none}; none is in force" in fleet("--force", "--yes", c=place_of_none)
    assert ([in_force(name).version for name in "ab"], in_force("c")) == (["v1", "v1"], None)


def test_where_vedette_deploys_the_baseline_waits_for_a_version(stage, tmp_path):
    made.baseline(stage, "preferred-site")
    named = f"baseline={place(stage, 'preferred-site')}"
    stage.done("manage", "preferred-site", "--endpoint", "preferred-site", "--set", named, "--yes")
    assert in_force("preferred-site") is None
    stage.deployed()
    assert in_force("preferred-site").fleet_baseline == place(stage, "preferred-site")


def test_statistics_without_a_baseline_are_refused(stage):
    words = ("manage", "g", "--endpoint", "a", "--set", "baseline_statistics=s3://bucket/x.json", "--yes")
    assert stage.refused(*words) == "a.baseline_statistics: there is no baseline that they belong to"
