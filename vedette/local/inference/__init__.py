"""Endpoints that answer requests and capture data."""

from vedette.local.inference.training import train

__all__ = ["train"]
