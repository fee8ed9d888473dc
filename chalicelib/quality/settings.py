"""How the quality of an endpoint's model is measured: the table `[endpoints.X.quality]` of the fleet."""

from __future__ import annotations

import hashlib
from enum import StrEnum

import msgspec

MAX_CLASSES = 100  # beyond it a label is no class: an amount, or a free text


class ProblemType(StrEnum):
    """SageMaker's `MonitoringProblemType`.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelQualityAppSpecification.html
    """

    BINARY = "BinaryClassification"
    MULTICLASS = "MulticlassClassification"
    REGRESSION = "Regression"


class QualitySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where label, prediction and score are, and when labels are complete.

    A place is the name of a column, or the position of an output: `"score"`, `"0"`. Nested names are joined by dots.

    Examples
    --------
    >>> QualitySettings(problem_type=ProblemType.BINARY, score="0").positive
    '1'
    >>> QualitySettings(problem_type=ProblemType.MULTICLASS, score="probabilities")
    Traceback (most recent call last):
    ValueError: score of a MulticlassClassification needs classes: the class of each probability, in order
    """

    problem_type: ProblemType
    prediction: str = ""  # the predicted class or number; "" derives the class from `score`
    score: str = ""  # binary: the probability of the positive class; multiclass: the list of probabilities
    threshold: float = 0.5  # binary: a score of at least this is the positive class
    label: str = ""  # in labels of several columns
    classes: tuple[str, ...] = ()  # binary: the negative, then the positive; () is 0 and 1. Multiclass: () is any
    ground_truth: tuple[str, ...] = ()  # S3 places of labels
    label_delay_hours: int = 24  # after which the labels of a day are expected, and the day is evaluated
    label_limit_hours: int = 720  # after which no more are expected, and the day is evaluated for the last time

    def __post_init__(self) -> None:
        binary, multiclass = (self.problem_type == one for one in (ProblemType.BINARY, ProblemType.MULTICLASS))
        if (binary or multiclass) and not (self.prediction or self.score):
            raise ValueError(f"{self.problem_type} needs prediction, score or both")
        if multiclass and self.score and not self.classes:
            raise ValueError(f"score of a {self.problem_type} needs classes: the class of each probability, in order")
        if binary and self.classes and len(set(self.classes)) != 2:
            raise ValueError("classes of a BinaryClassification are two: the negative and the positive one")
        if len(set(self.classes)) < len(self.classes) or len(self.classes) > MAX_CLASSES:
            raise ValueError(f"classes must differ, and be at most {MAX_CLASSES}")
        if self.problem_type == ProblemType.REGRESSION and (self.score or self.classes):
            raise ValueError("a Regression has a prediction, and neither score nor classes")
        if not 0 < self.label_delay_hours <= self.label_limit_hours:
            raise ValueError("label_delay_hours must be above 0, and at most label_limit_hours")
        if not 0 <= self.threshold <= 1:
            raise ValueError("threshold must be between 0 and 1")

    @property
    def form(self) -> str:
        """Stands for the settings with which predictions and labels are read: those of two forms do not join.

        Examples
        --------
        >>> one, other = (QualitySettings(problem_type=ProblemType.REGRESSION, label_delay_hours=n) for n in (1, 2))
        >>> one.form == other.form, one.form == QualitySettings(problem_type=ProblemType.BINARY, score="0").form
        (True, False)
        """
        reads = [str(self.problem_type), self.prediction, self.score, self.threshold, self.label, self.classes]
        return hashlib.sha256(msgspec.json.encode(reads)).hexdigest()[:8]

    @property
    def is_classification(self) -> bool:
        """Whether labels are classes."""
        return self.problem_type != ProblemType.REGRESSION

    @property
    def known_classes(self) -> tuple[str, ...]:
        """The classes that labels and predictions may have; () when any is one."""
        return self.classes or (("0", "1") if self.problem_type == ProblemType.BINARY else ())

    @property
    def positive(self) -> str:
        """The positive class of a binary classification; "" for others."""
        return self.known_classes[-1] if self.problem_type == ProblemType.BINARY else ""
