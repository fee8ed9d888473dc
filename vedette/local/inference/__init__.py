"""Endpoints that really answer and really capture."""

from vedette.local.inference.training import train

__all__ = ["train"]
