"""The wheel in an empty environment, as a user has it: from PyPI's packages and the built file alone.

`make wheel` runs this. It needs PyPI; `make test` leaves it out.
"""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.capture.captures import line, side
from tests.installation.conftest import operator_policy
from vedette.cli import COMMANDS
from vedette.installation.functions import NAMES
from vedette.local import Cloud

ROOT = Path(__file__).parents[2]
VERSION = importlib.metadata.version("vedette")
MAX_SECONDS = 120  # from installed to a verdict
MAX_BASE_MEGABYTES = 165  # docs/install.md says 150


class Environment:
    """An environment with the wheel, used from a folder that has nothing to do with the repository."""

    def __init__(self, folder: Path, wheel: Path):
        self.root, self.folder = folder / "env", folder / "elsewhere"
        self.folder.mkdir(parents=True)
        self.variables = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "VEDETTE", "AWS_", "COV_")) or name == "PYTHONPYCACHEPREFIX"
        }
        subprocess.run([sys.executable, "-m", "venv", self.root], check=True)
        self.done("python", "-m", "pip", "install", "-q", "--disable-pip-version-check", wheel)

    def run(self, program: str, *arguments, folder: Path | None = None, **variables: str):
        return subprocess.run(
            [self.root / "bin" / program, *arguments],
            cwd=folder or self.folder,
            env={**self.variables, **variables},
            capture_output=True,
            text=True,
        )

    def done(self, program: str, *arguments, code: int = 0, **more) -> str:
        done = self.run(program, *arguments, **more)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built of a copy of what git tracks: of the working tree, but without what lies around in it."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    git = shutil.which("git") or pytest.fail("git is needed")
    listed = subprocess.run([git, "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, stdout=subprocess.PIPE)
    for name in filter(None, listed.stdout.decode().split("\0")):
        if name.startswith((".venv", "tests/", "benchmarks/")) or not (ROOT / name).is_file():
            continue
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, source / name)
    subprocess.run([Path(sys.executable).parent / "uv", "build", "-q", "--wheel", "-o", target, source], check=True)
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def base(tmp_path_factory, wheel) -> Environment:
    return Environment(tmp_path_factory.mktemp("base"), wheel)


@pytest.fixture(scope="session")
def rows(base) -> Path:
    """Training data, captures of a model that was sent half of a column as text, and the same rows as a table."""
    table = [[str(i % 2), str(20 + i % 40)] for i in range(400)]
    (base.folder / "train.csv").write_text("label,age\n" + "".join(",".join(row) + "\n" for row in table))
    (base.folder / "batch.csv").write_text("label,age\n" + "0,old\n" * 200 + "1,30\n" * 200)
    captured = b"".join(line(side("old" if i % 2 else age), side(label)) for i, (label, age) in enumerate(table))
    (base.folder / "captured.jsonl").write_bytes(captured)
    return base.folder


def test_the_wheel_is_one_package_that_carries_the_project(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        tops = archive.read(f"vedette-{VERSION}.dist-info/top_level.txt").decode().split()
    assert {name.split("/")[0] for name in names} == {"vedette", f"vedette-{VERSION}.dist-info"}
    assert tops == ["vedette"]
    carried = {name.removeprefix("vedette/_project/") for name in names if name.startswith("vedette/_project/")}
    tracked = {
        path.relative_to(ROOT).as_posix()
        for folder in ("chalicelib", ".chalice")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".html", ".css", ".js", ".json"} and not {"deployments", "stages"} & {*path.parts}
    }
    assert carried == tracked | {"chalice_app/app.py", "chalice_app/requirements.txt"}
    assert {"vedette/py.typed", "vedette/templates/result.html", "vedette/installation/stage.json"} <= set(names)


def test_nothing_named_chalicelib_is_importable(base):
    (site,) = (base.root / "lib").glob("python*/site-packages")
    assert not (site / "chalicelib").exists()
    base.done("python", "-c", "import importlib.util, vedette; assert importlib.util.find_spec('chalicelib') is None")


def test_every_command_shows_its_help_in_the_base(base):
    assert base.done("vedette", "--version").strip() == f"vedette, version {VERSION}"
    shown = base.done("python", "-m", "vedette", "--help")
    assert [name for name in COMMANDS if name not in shown] == []
    base.done("vedette", "evaluate", "--help")


def test_a_verdict_takes_two_commands(base, rows):
    began = datetime.now(UTC)
    base.done("vedette", "baseline", "train.csv", "-o", "baseline", folder=rows)
    done = base.run(
        "vedette", "evaluate", "captured.jsonl", "--baseline", "baseline", "--report", "r.html", folder=rows
    )
    assert (datetime.now(UTC) - began).total_seconds() < MAX_SECONDS
    assert done.returncode == 1, done.stderr
    assert "age is not Integral in 50.0% of 400 rows" in done.stdout
    assert "age" in (rows / "r.html").read_text()


def test_a_table_is_evaluated_through_the_python_api(base, rows):
    code = (
        "import vedette\n"
        "result = vedette.evaluate('batch.csv', vedette.baseline('train.csv'))\n"
        "print(result.verdict, result.violations[0].feature, '<table' in result._repr_html_())\n"
    )
    assert base.done("python", "-c", code, folder=rows).split() == ["Violations", "age", "True"]


def test_what_an_extra_installs_is_named_where_it_is_missing(base, rows):
    for arguments, package in (
        (("captured", "captured.jsonl", "-o", "x.csv"), "pandas"),
        (("evaluate", "x.parquet", "--baseline", "baseline"), "pyarrow"),
        (("demo",), "[local]"),
    ):
        (rows / "x.parquet").write_bytes(b"PAR1")
        done = base.run("vedette", *arguments, folder=rows)
        assert done.returncode == 2, arguments
        assert package in done.stderr
        assert "Traceback" not in done.stderr


def test_another_chalice_project_beside_the_notebook_keeps_its_chalicelib(base):
    project = base.folder / "theirs"
    (project / "chalicelib").mkdir(parents=True)
    (project / "chalicelib" / "__init__.py").touch()
    (project / "chalicelib" / "errors.py").write_text("WHOSE = 'theirs'\n")
    code = (
        "import vedette, chalicelib.errors\n"
        "from vedette import VedetteError\n"
        "vedette.evaluate\n"
        "print(chalicelib.errors.WHOSE, VedetteError.__module__)\n"
    )
    assert base.done("python", "-c", code, folder=project).split() == ["theirs", "vedette._chalicelib.errors"]


def test_the_base_is_as_small_as_the_documents_say(base):
    megabytes = sum(path.stat().st_size for path in base.root.rglob("*") if path.is_file()) / 1e6
    assert megabytes < MAX_BASE_MEGABYTES


def test_a_type_checker_knows_the_results(base):
    """In the user's environment; mypy reads the wheel's own annotations, for which py.typed is the sign."""
    program = base.folder / "typed.py"
    program.write_text(
        "import vedette\n"
        "result = vedette.evaluate('x.csv', 'baseline')\n"
        "reveal_type(result)\n"
        "reveal_type(result.violations[0].severity)\n"
    )
    mypy = [
        Path(sys.executable).parent / "mypy",
        "--python-executable",
        base.root / "bin" / "python",
        "--no-incremental",
    ]
    done = subprocess.run([*mypy, program], cwd=base.folder, env=base.variables, capture_output=True, text=True)
    assert 'Revealed type is "vedette.file_results.EvaluationResult"' in done.stdout, done.stdout + done.stderr
    assert 'Revealed type is "vedette._chalicelib.constraints.measurement.Severity"' in done.stdout


@pytest.fixture(scope="module")
def account():
    """An empty account, served over HTTP."""
    with Cloud(start=datetime.now(UTC), real_time=True) as cloud, cloud.serve() as url:
        cloud.schedules_enabled = False
        cloud.cloudformation.operator_policy = operator_policy()
        yield cloud, cloud.child_environment(url)


def test_a_project_of_the_wheel_is_set_up_installed_checked_and_removed(base, account):
    """The last test: from here on the environment has the extra `install`."""
    cloud, variables = account
    owner = base
    missing = owner.run("vedette", "install", "--stage", "dev")
    assert "vedette init DIR" in missing.stderr
    owner.done("python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "vedette[install]")
    project = owner.folder / "monitoring"
    owner.done("vedette", "init", "monitoring")
    there = {"folder": project, **variables}
    owner.done("vedette", "setup", "--stage", "dev", "--email", "you@example.com", "--yes", **there)
    said = owner.done("vedette", "install", "--stage", "dev", "--yes", **there)
    assert "vedette doctor --stage dev" in said
    cloud.run_deployed()
    done = owner.run("vedette", "doctor", "--stage", "dev", "--live", "--json", **there)
    answer = json.loads(done.stdout)
    assert [one for one in answer["findings"] if one["outcome"] == "fault"] == []
    assert sum(one["what"].endswith("matches app.py") for one in answer["findings"]) == len(NAMES)
    owner.done("vedette", "init", ".", **there)
    owner.done("vedette", "uninstall", "--stage", "dev", "--yes", **there)
    assert "dev" not in json.loads((project / ".chalice" / "config.json").read_bytes())["stages"]
