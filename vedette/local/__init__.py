"""The AWS simulator: strict, deterministic, and without a network."""

from vedette.local.cloud import Cloud
from vedette.local.errors import Crash

__all__ = ["Cloud", "Crash"]
