"""The images of SageMaker's built-in algorithms, from the SageMaker SDK that is installed: version 3 or version 2.

Version 3 has them in `sagemaker.core` (the distribution sagemaker-core, which the extra `sagemaker` installs), version
2 in `sagemaker.image_uris`.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from typing import Any

from chalicelib.errors import VedetteError

MODULES = ("sagemaker.core.image_uris", "sagemaker.image_uris")


def image_of(algorithm: str, region: str, version: str | None = None) -> str:
    """The image of a SageMaker built-in algorithm.

    Raises
    ------
    VedetteError
        Without a SageMaker SDK, or for an unknown algorithm, version or region.
    """
    said = io.StringIO()  # version 2 says where it looked for its settings, and that it is version 2
    with redirect_stdout(said), redirect_stderr(said):
        retrieve = _retrieve()
        try:
            return str(retrieve(algorithm, region, version=version))
        except FileNotFoundError as error:  # both versions keep one file for each algorithm
            raise VedetteError(f"The SageMaker SDK does not know the algorithm {algorithm}.") from error
        except ValueError as error:  # the errors for unknown versions and regions
            because = " ".join(str(error).split())
            raise VedetteError(f"The SageMaker SDK does not know an image of {algorithm}: {because}") from error


def _retrieve() -> Callable[..., Any]:
    for name in MODULES:
        try:
            retrieve: Callable[..., Any] = import_module(name).retrieve
        except ModuleNotFoundError:
            continue
        return retrieve
    raise VedetteError(
        "--algorithm needs the SageMaker SDK (pip install 'vedette[sagemaker]'); or name the image with --image."
    )
