"""What every test may use: the real files of others, and Hypothesis without a clock or a database."""

import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import configuration, settings

configuration.set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "vedette-hypothesis")
settings.register_profile("vedette", deadline=None, database=None, derandomize=True)
settings.load_profile("vedette")


@pytest.fixture(scope="session", autouse=True)
def no_width_of_a_terminal():
    """A worker of xdist sets COLUMNS; a pipe, which tests read commands through, has none."""
    os.environ.pop("COLUMNS", None)


@pytest.fixture(scope="session")
def conformance() -> Path:
    """Real capture, statistics, constraints and violations files; they lie beside the repository, never in it.

    Where `.ci/run` has found the folder it says so in VEDETTE_CONFORMANCE, and not finding it here is a failure.
    """
    promised = os.environ.get("VEDETTE_CONFORMANCE")
    folder = Path(promised) if promised else Path(__file__).parents[2] / "shared" / "conformance"
    if not folder.is_dir():
        if promised:
            pytest.fail(f"VEDETTE_CONFORMANCE names {promised}, which is not a folder")
        pytest.skip("the conformance files lie beside this repository in shared/conformance, which is absent here")
    return folder


@pytest.fixture(scope="session")
def package(tmp_path_factory) -> Path:
    """The folder that `chalice package` writes; one process builds at a time, the others find it in Chalice's cache."""
    root = Path(__file__).parent.parent
    folder = tmp_path_factory.mktemp("package")
    (root / ".chalice" / "deployments").mkdir(exist_ok=True)
    with (root / ".chalice" / "deployments" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        built = subprocess.run(
            [
                Path(sys.executable).parent / "chalice",
                "--project-dir",
                root / "chalice_app",
                "package",
                "--stage",
                "dev",
                folder,
            ],
            env={**os.environ, "AWS_DEFAULT_REGION": "eu-west-1", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
    assert "Could not install" not in built.stdout + built.stderr
    return folder


# --- the permissions of the functions, over all tests (tests/permissions.py) -----------------------------------------

_observed: list[list] = []


def _needed_here() -> list[list]:
    """What the functions needed in this process; nothing where no test imported the simulator, which takes seconds."""
    if "vedette.local.permissions" not in sys.modules:
        return []
    from tests import permissions

    return permissions.observed()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """What a worker of xdist saw."""
    _observed.extend(getattr(node, "workeroutput", {}).get("permissions", ()))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    """Fail a run of the whole suite when a policy holds more than the tests need; any run, when it holds less."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["permissions"] = _needed_here()
        return
    _observed.extend(_needed_here())
    if not _observed:
        return
    from tests import permissions

    if permissions.missing(_observed) or (_whole(session.config) and permissions.unused(_observed)):
        session.exitstatus = max(int(session.exitstatus), 1)


def pytest_terminal_summary(terminalreporter, config):
    """Say what is missing and what is too much."""
    if not _observed:
        return
    from tests import permissions

    reported = {"missing": permissions.missing(_observed)}
    if _whole(config):
        reported["unused"] = permissions.unused(_observed)
    for word, found in reported.items():
        if found:
            terminalreporter.section(f"permissions {word}")
            for line in found:
                terminalreporter.write_line(line)


def _whole(config) -> bool:
    """Whether the whole suite ran: no folder named, nothing deselected."""
    chosen = config.getoption("keyword") or config.getoption("markexpr") or config.getoption("lf", False)
    return config.args_source == pytest.Config.ArgsSource.TESTPATHS and not chosen
