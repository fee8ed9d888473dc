"""The layers of chalicelib, held by reading the syntax trees; docs/architecture.md draws them.

app -> handlers -> services -> {registry, capture, statistics, constraints, quality, alerts, pages, stores, aws}
stores -> aws
vedette -> chalicelib, never the other way
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib import services

ROOT = Path(__file__).parent.parent
PURE = ("capture", "statistics", "constraints", "quality", "registry", "alerts", "pages")
PLATFORM = {"boto3", "botocore"}
FORBIDDEN_IN_PURE = {
    *("boto3", "botocore", "chalice", "aws_lambda_powertools", "os", "time", "random", "secrets", "uuid"),
    *("pandas", "pyarrow", "polars", "scipy", "sagemaker", "requests", "socket", "subprocess", "pathlib"),
    *("chalicelib.handlers", "chalicelib.services", "chalicelib.stores", "chalicelib.aws", "chalicelib.endpoint_run"),
    *("chalicelib.settings", "chalicelib.observability", "chalicelib.deadline", "vedette"),
}
FORBIDDEN = {  # folder -> what nothing in it may import
    "handlers": {*PLATFORM, *(f"chalicelib.{folder}" for folder in (*PURE, "stores", "aws"))},
    "services": {*PLATFORM, "chalicelib.handlers"},
    "stores": {*PLATFORM, "chalicelib.handlers", "chalicelib.services", "chalicelib.endpoint_run"},
    "aws": {
        *("chalicelib.handlers", "chalicelib.services", "chalicelib.stores", "chalicelib.endpoint_run"),
        *(f"chalicelib.{folder}" for folder in PURE),
    },
}
CLOCKS = {"now", "utcnow", "today"}
STORED_KEYS = re.compile(
    r"^(endpoint|alerts|history|mark|mute)#|^(parts|rollups|baselines|monitoring|config|predictions|labels)/"
)


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Every module that a file names in an import, wherever it stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def reaches(names: set[str], forbidden: set[str]) -> set[str]:
    return {name for name in names for ban in forbidden if name == ban or name.startswith(ban + ".")}


@pytest.mark.parametrize("folder", PURE)
def test_a_pure_package_imports_no_platform_no_clock_and_no_layer_above(folder):
    files = modules(f"chalicelib/{folder}")
    assert files
    for path in files:
        assert not reaches(imported(path), FORBIDDEN_IN_PURE), path


@pytest.mark.parametrize("folder", PURE)
def test_a_pure_package_reads_no_clock(folder):
    for path in modules(f"chalicelib/{folder}"):
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        clocks = [call.attr for call in calls if isinstance(call, ast.Attribute) and call.attr in CLOCKS]
        assert not clocks, f"{path}: {clocks}"


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_a_layer_imports_only_what_lies_below_it(folder):
    files = modules(f"chalicelib/{folder}")
    assert files
    for path in files:
        assert not reaches(imported(path), FORBIDDEN[folder]), path


def test_boto3_is_used_in_aws_alone():
    for path in modules("chalicelib"):
        if "aws" not in path.relative_to(ROOT).parts[:-1]:
            assert not reaches(imported(path), PLATFORM), path


def test_a_service_calls_only_services_below_it():
    """The table of chalicelib.services lists them from the top down."""
    order = re.findall(r"^\| (\w+) +\|", services.__doc__, re.MULTILINE)[1:]
    files = {path.stem: path for path in modules("chalicelib/services") if path.stem != "__init__"}
    assert sorted(order) == sorted(files)
    for position, name in enumerate(order):
        above = {f"chalicelib.services.{other}" for other in order[: position + 1]}
        assert not reaches(imported(files[name]), above), name


def test_a_handler_is_called_by_its_function_alone():
    for path in [*modules("chalicelib"), *modules("vedette")]:
        assert not reaches(imported(path), {"chalicelib.handlers"}), path


def test_a_handler_module_is_short():
    for path in modules("chalicelib/handlers"):
        assert len(path.read_text().splitlines()) <= 40, path


def test_the_keys_of_what_is_stored_are_spelled_in_stores_and_locations_alone():
    for path in modules("chalicelib"):
        place = path.relative_to(ROOT / "chalicelib")
        if place.parts[0] == "stores" or place.name == "locations.py":
            continue
        tree = ast.parse(path.read_text())
        documented = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        texts = [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented
        ]
        assert not [text for text in texts if STORED_KEYS.match(text)], path


def test_what_ships_never_imports_the_operators_side():
    for path in modules("chalicelib"):
        assert not reaches(imported(path), {"vedette"}), path
    for path in modules("chalicelib/statistics"):
        assert not reaches(imported(path), {"chalicelib.constraints", "chalicelib.capture"}), path


def test_an_event_handler_of_the_app_is_one_import_and_one_call():
    tree = ast.parse((ROOT / "chalice_app/app.py").read_text())
    handlers = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert len(handlers) == 7
    for handler in handlers:
        kinds = [type(node) for node in handler.body]
        assert kinds == [ast.ImportFrom, ast.Return], handler.name


def test_a_command_starts_without_the_libraries_that_only_one_command_needs():
    heavy = {"pandas", "pyarrow", "moto", "sklearn", "chalice", "jinja2", "boto3"}
    for path in [ROOT / "vedette/cli/__init__.py", ROOT / "vedette/__init__.py"]:
        at_top = {
            alias.name if isinstance(node, ast.Import) else node.module
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        assert not reaches(at_top, heavy), path


def test_functions_that_read_no_captures_start_without_numpy():
    """It doubles a cold start; the shipped package is tested in tests/proof/test_artifact.py."""
    handlers = [path.stem for path in (ROOT / "chalicelib" / "handlers").glob("*.py") if path.stem != "data_captured"]
    code = (
        "import sys, " + ", ".join(f"chalicelib.handlers.{one}" for one in handlers) + "; print('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_functions_of_endpoints_without_model_quality_start_without_it():
    """Only the settings, which the fleet holds, may be imported."""
    handlers = [path.stem for path in (ROOT / "chalicelib" / "handlers").glob("*.py") if path.stem != "__init__"]
    code = (
        "import sys, " + ", ".join(f"chalicelib.handlers.{one}" for one in handlers) + "; "
        "print(sorted(name for name in sys.modules if name.startswith('chalicelib.quality.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout in ("[]\n", "['chalicelib.quality.settings']\n")
