"""A strict SageMaker: its registry, hosting, endpoints, monitoring and processing jobs, and the events it sends."""

from vedette.local.sagemaker.api import SageMaker

__all__ = ["SageMaker"]
