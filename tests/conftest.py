"""What every test may use: the real files of others, and Hypothesis without a clock or a database."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import configuration, settings

configuration.set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "vedette-hypothesis")
settings.register_profile("vedette", deadline=None, database=None, derandomize=True)
settings.load_profile("vedette")


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
