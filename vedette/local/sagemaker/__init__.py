"""A strict SageMaker: registry, hosting, endpoints, monitoring, processing and transform jobs, and their events."""

from vedette.local.sagemaker.api import SageMaker

__all__ = ["SageMaker"]
