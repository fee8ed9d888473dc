"""The import rule of chalicelib, held by reading the syntax trees."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PURE = ("capture", "statistics", "constraints", "registry", "alerts", "pages")
FORBIDDEN_IN_PURE = {
    *("boto3", "botocore", "chalice", "aws_lambda_powertools", "os", "time", "random", "secrets", "uuid"),
    *("pandas", "pyarrow", "polars", "scipy", "sagemaker", "requests", "socket", "subprocess", "pathlib"),
    *("chalicelib.aws", "chalicelib.handlers", "chalicelib.settings", "chalicelib.observability", "vedette"),
}
CLOCKS = {"now", "utcnow", "today"}


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
def test_a_pure_package_imports_no_platform_no_clock_and_no_handler(folder):
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


def test_boto3_is_used_in_aws_alone():
    for path in modules("chalicelib"):
        if "aws" not in path.relative_to(ROOT).parts[:-1]:
            names = reaches(imported(path), {"boto3", "botocore"})
            # Handlers may name the error that aws/ lets through; they never make a call.
            assert names <= {"botocore.exceptions", "botocore.exceptions.ClientError"}, path


def test_what_ships_never_imports_the_operators_side_and_aws_decides_nothing():
    for path in modules("chalicelib"):
        assert not reaches(imported(path), {"vedette"}), path
    for path in modules("chalicelib/aws"):
        assert not reaches(imported(path), {"chalicelib.handlers", "chalicelib.alerts"}), path
    for path in modules("chalicelib/statistics"):
        assert not reaches(imported(path), {"chalicelib.constraints", "chalicelib.capture"}), path


def test_an_event_handler_of_the_app_is_one_import_and_one_call():
    tree = ast.parse((ROOT / "chalice_app/app.py").read_text())
    handlers = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert len(handlers) == 6
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
