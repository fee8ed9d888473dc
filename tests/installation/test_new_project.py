"""`vedette init`: a project that installs, and updates that never overwrite what a person edited."""

import json
import os
import re
from contextlib import chdir

import pytest
import yaml
from click.testing import CliRunner

from chalicelib.settings import settings
from tests.installation.conftest import Clone, operator_policy
from tests.test_documented_commands import commands_exist
from vedette import project_files
from vedette.cli import main
from vedette.installation import new_project
from vedette.installation.project import Project
from vedette.local import Cloud
from vedette.operations import fleet


def init(folder, *arguments, code=0):
    done = CliRunner().invoke(main, ["init", str(folder), *arguments])
    assert done.exit_code == code, done.output
    return done.output


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def made(tmp_path):
    init(tmp_path / "own")
    return tmp_path / "own"


def full_disk(*arguments):
    raise OSError("the disk is full")


@pytest.fixture
def newer(monkeypatch):
    """What a newer Vedette carries: each test changes this."""
    carried = new_project.carried_files()
    monkeypatch.setattr(new_project, "carried_files", lambda: carried)
    monkeypatch.setattr(new_project, "version", lambda name: "9.0.0")
    return carried


def test_a_project_has_no_links_no_stage_and_its_version(made):
    assert not [path for path in made.rglob("*") if path.is_symlink()]
    config = json.loads((made / ".chalice" / "config.json").read_bytes())
    assert config["stages"] == {}
    assert config["lambda_functions"] == Project(project_files.root()).config()["lambda_functions"]
    assert new_project.recorded_version(made) == new_project.version("vedette")
    assert not [path for path in made.rglob("*") if path.name == "__pycache__"]


def test_a_stage_that_is_not_set_up_is_named_with_the_command_that_makes_it(made):
    with chdir(made):
        done = CliRunner().invoke(main, ["status", "--stage", "dev"])
    assert done.exit_code == 2
    assert "only no stage" not in done.stderr
    assert "`vedette setup --stage dev`" in done.stderr


def test_the_same_version_changes_nothing(made):
    before = files(made)
    assert "do not change" in init(made)
    assert files(made) == before


def test_an_update_adds_replaces_and_removes_what_nobody_edited(made, newer):
    newer["app.py"] += b"# newer\n"
    newer["chalicelib/added.py"] = b"NEW = 1\n"
    del newer["chalicelib/errors.py"]
    output = init(made, "--yes")
    assert {"~ app.py", "+ chalicelib/added.py", "- chalicelib/errors.py"} <= set(output.splitlines())
    assert "+# newer" in output
    now = files(made)
    assert now["app.py"] == newer["app.py"]
    assert "chalicelib/added.py" in now
    assert "chalicelib/errors.py" not in now
    assert new_project.recorded_version(made) == "9.0.0"


def test_an_update_asks_and_a_dry_run_and_a_no_change_nothing(made, newer):
    newer["app.py"] += b"# newer\n"
    before = files(made)
    init(made, "--dry-run")
    assert "Not confirmed" in init(made, code=2)
    assert files(made) == before


def test_an_edited_file_is_kept_and_the_new_one_lies_beside_it(made, newer):
    edited = (made / "app.py").read_bytes() + b"# ours\n"
    (made / "app.py").write_bytes(edited)
    newer["app.py"] += b"# newer\n"
    output = init(made, "--yes")
    assert "! app.py: you edited it" in output
    assert (made / "app.py").read_bytes() == edited
    assert (made / "app.py.new").read_bytes() == newer["app.py"]
    (made / "app.py.new").unlink()
    assert "do not change" in init(made)


def test_an_edited_file_that_vedette_did_not_change_stays_without_a_word(made, newer):
    edited = (made / "app.py").read_bytes() + b"# ours\n"
    (made / "app.py").write_bytes(edited)
    newer["chalicelib/added.py"] = b"NEW = 1\n"
    assert "app.py" not in init(made, "--yes")
    assert (made / "app.py").read_bytes() == edited


def test_an_edited_file_of_which_vedette_has_none_any_more_is_kept(made, newer):
    (made / "chalicelib" / "errors.py").write_text("# ours\n")
    del newer["chalicelib/errors.py"]
    init(made, "--yes")
    assert (made / "chalicelib" / "errors.py").read_text() == "# ours\n"


def test_an_update_of_the_configuration_keeps_the_stages(made, newer):
    project = Project(made)
    project.write_stage("dev", {"environment_variables": {"VEDETTE_STAGE": "dev"}})
    stages = project.config()["stages"]
    config = json.loads(newer[new_project.CONFIG])
    config["lambda_functions"]["sweep"]["lambda_timeout"] = 240
    newer[new_project.CONFIG] = json.dumps(config).encode()
    init(made, "--yes")
    assert project.config() == {**config, "stages": stages}


def test_an_edited_memory_size_is_an_edit(made, newer):
    config = json.loads((made / new_project.CONFIG).read_bytes())
    config["lambda_functions"]["sweep"]["lambda_memory_size"] = 3008
    (made / new_project.CONFIG).write_text(json.dumps(config))
    theirs = json.loads(newer[new_project.CONFIG])
    theirs["lambda_functions"]["sweep"]["lambda_timeout"] = 240
    newer[new_project.CONFIG] = json.dumps(theirs).encode()
    assert f"! {new_project.CONFIG}" in init(made, "--yes")
    assert json.loads((made / new_project.CONFIG).read_bytes()) == config


def test_a_missing_file_is_written_again_but_not_one_that_is_yours(made):
    (made / "chalicelib" / "errors.py").unlink()
    (made / "README.md").unlink()
    init(made, "--yes")
    assert (made / "chalicelib" / "errors.py").is_file()
    assert not (made / "README.md").exists()


def test_an_interrupted_update_is_finished_by_the_next(made, newer, monkeypatch):
    newer["app.py"] += b"# newer\n"
    newer["chalicelib/zz.py"] = b""
    update = new_project.prepare(made)
    with monkeypatch.context() as disk:
        disk.setattr(new_project.Path, "write_text", full_disk)
        with pytest.raises(OSError, match="full"):
            update.make()
    assert new_project.recorded_version(made) != "9.0.0"
    init(made, "--yes")
    assert new_project.recorded_version(made) == "9.0.0"
    assert {path: files(made)[path] for path in ("app.py", "chalicelib/zz.py")} == {
        path: newer[path] for path in ("app.py", "chalicelib/zz.py")
    }


def test_another_project_and_a_clone_are_refused(tmp_path):
    (tmp_path / "other" / "chalicelib").mkdir(parents=True)
    assert "another project: chalicelib is there" in init(tmp_path / "other", code=2)
    assert "a clone of Vedette" in init(project_files.root(), code=2)


def test_a_folder_with_files_of_other_kinds_is_fine(tmp_path):
    (tmp_path / "README.md").write_text("ours\n")
    init(tmp_path)
    assert (tmp_path / "README.md").read_text() == "ours\n"


def test_a_record_that_is_not_json_is_one_sentence(made):
    (made / new_project.RECORD).write_text("{")
    assert re.search(r"vedette\.json: not JSON", init(made, code=2))


def test_the_fleet_and_its_commented_example_are_valid(made):
    text = (made / "fleet.toml").read_text()
    assert fleet.parse(text.encode(), "fleet.toml") == ()
    first = text.index("# [endpoints.churn]")
    example = re.sub(r"^# ?", "", text[first:], flags=re.MULTILINE)
    example = "\n".join(line for line in example.splitlines() if not line.lstrip().startswith("#"))
    example = re.sub(r"^ +\".*$", "", example, flags=re.MULTILINE)
    assert [entry.endpoint for entry in fleet.parse(example.encode(), "fleet.toml")] == ["churn", "preferred-site"]


def test_the_workflow_is_yaml_and_its_commands_exist(made):
    workflow = yaml.safe_load((made / ".github" / "workflows" / "vedette.yml").read_text())
    steps = workflow["jobs"]["vedette"]["steps"]
    assert all(("uses" in step) != ("run" in step) for step in steps)
    runs = [step["run"] for step in steps if "run" in step]
    assert commands_exist([line for run in runs for line in run.splitlines() if line.startswith("vedette")])
    readme = (made / "README.md").read_text()
    assert commands_exist(re.findall(r"^    (vedette .*?)(?: +#.*)?$", readme, re.MULTILINE))


@pytest.fixture
def owner(made):
    """A person in a project of `vedette init`, with an empty account."""
    saved = dict(os.environ)
    with chdir(made), Cloud() as cloud:
        cloud.cloudformation.operator_policy = operator_policy()
        yield Clone(cloud, Project(made))
    os.environ.clear()
    os.environ.update(saved)
    settings.cache_clear()


def test_a_stage_is_set_up_from_a_project_and_an_update_keeps_it(owner, made, newer):
    output = owner.done("setup", "--stage", "dev", "--email", "you@example.com", "--yes")
    assert "vedette install --stage dev" in output
    assert "make " not in output
    assert (made / ".chalice" / "stages" / "dev" / "policy-sweep.json").is_file()
    owner.run("doctor", "--stage", "dev")
    newer["app.py"] += b"# newer\n"
    owner.done("init", ".", "--yes")
    assert "VEDETTE_BUCKET" in owner.project.stage("dev")["environment_variables"]


def test_a_project_of_another_version_is_noted(owner, made):
    record = json.loads((made / new_project.RECORD).read_bytes())
    (made / new_project.RECORD).write_text(json.dumps({**record, "version": "0.0.1"}))
    done = owner.run("setup", "--stage", "dev", "--email", "you@example.com", "--dry-run")
    assert "this project is of Vedette 0.0.1" in done.stderr
