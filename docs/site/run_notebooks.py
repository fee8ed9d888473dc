"""Run the notebooks of examples/ in a kernel of their own; a cell that raises fails. `make site` runs it."""

import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
CELL_SECONDS = 600


def main() -> None:
    """Run each, and print how long it took. Outputs are not stored."""
    for path in sorted((ROOT / "examples").rglob("*.ipynb")):
        began = time.monotonic()
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        with tempfile.TemporaryDirectory() as folder:
            NotebookClient(notebook, timeout=CELL_SECONDS, resources={"metadata": {"path": folder}}).execute()
        for cell in notebook.cells if "--show" in sys.argv else ():
            for output in cell.get("outputs", ()):
                print(output.get("text") or output.get("data", {}).get("text/plain"))
        print(f"{path.relative_to(ROOT)}: {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
