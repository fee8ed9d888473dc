"""A Spark context, and a map over it whose tasks work in the stage of the command.

| where                       | master                    | Python and credentials of the tasks                   |
|-----------------------------|---------------------------|-------------------------------------------------------|
| this machine                | `local[*]`, or `--master` | those of the command                                  |
| `spark-submit`, any cluster | that of `spark-submit`    | those of the cluster: an instance profile, a pod role |
| EMR Serverless              | that of EMR               | the packed environment; the role of the job           |

| a task                                           | outcome                                                         |
|--------------------------------------------------|-----------------------------------------------------------------|
| returns                                          | its result, in the order of the items                           |
| raises a VedetteError that no retry can mend     | the other tasks go on; then a VedetteError with its sentence    |
| raises anything else, or its machine is lost     | Spark runs it again (spark.task.maxFailures; not on `local[N]`) |
| fails each time                                  | a VedetteError with the last line of the task's traceback       |

The settings of the stage travel with each task; credentials never do.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import boto3

from chalicelib.errors import NotReady, OutOfTime, VedetteError
from vedette.operations import stages

RETRIED = (NotReady, OutOfTime)
LOCAL = "local[*]"
# The JVM only hands out tasks: what makes it start with less CPU time counts more than what makes it fast later.
LOCAL_SETTINGS = {
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.log.level": "ERROR",
}
_ERROR_LINE = re.compile(r"^(?:[a-z]\w*\.)*([A-Z]\w*: .+)$", re.MULTILINE)  # the last line of a traceback
T = TypeVar("T")
R = TypeVar("R")


class _Refused(NamedTuple):
    """In place of a result: the sentence of an error that no retry can mend. Not every error can be pickled."""

    sentence: str


class Spark:
    """A running Spark context, for the stage of this process."""

    def __init__(self, context: Any, profile: str | None = None) -> None:
        self._context = context
        self._profile = profile
        self._variables = {name: value for name, value in os.environ.items() if name.startswith("VEDETTE_")}

    @property
    def cores(self) -> int:
        """How many tasks run at the same time now; a cluster may grow."""
        return int(self._context.defaultParallelism)

    def map(self, function: Callable[[T], R], items: Sequence[T], at_once: int | None = None) -> Iterator[R]:
        """The results of a function for each item, one task an item, in order.

        Parameters
        ----------
        function
            Of an importable module, or a `partial` of one.
        at_once
            How many results this process holds at most, where they are large.

        Raises
        ------
        VedetteError
            When a task fails. After an error that no retry can mend the other tasks have been done.
        """
        remaining = iter(items)
        task = partial(in_stage, self._variables, self._profile, function)
        while some := list(islice(remaining, at_once or len(items))):
            results = _collected(self._context.parallelize(some, len(some)).map(task))
            for result in results:
                if isinstance(result, _Refused):
                    raise VedetteError(result.sentence)
            yield from results


def mapped(
    spark: Spark | None, function: Callable[[T], R], items: Sequence[T], at_once: int | None = None
) -> Iterator[R]:
    """`Spark.map`, or the same in this process, one item after the other."""
    return map(function, items) if spark is None else spark.map(function, items, at_once)


@contextmanager
def started(master: str = "", profile: str | None = None) -> Iterator[Spark]:
    """Start a Spark context; it is stopped at the end.

    Parameters
    ----------
    master
        A Spark master such as `local[4]`; "" is that of `spark-submit`, and else all cores of this machine.
    profile
        A profile of the AWS configuration, which every machine of the cluster must have.

    Raises
    ------
    VedetteError
        When PySpark is not installed, or Spark does not start.
    """
    try:
        from pyspark import SparkConf, SparkContext
    except ModuleNotFoundError as error:
        raise VedetteError("The engine spark needs PySpark: pip install 'vedette[spark]'.") from error
    under_submit = "PYSPARK_GATEWAY_PORT" in os.environ
    if not under_submit:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        configuration = SparkConf()
        if master or not under_submit:
            configuration.setMaster(master or LOCAL)
        if configuration.get("spark.master", "").startswith("local"):
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
            configuration.setIfMissing("spark.ui.showConsoleProgress", str(sys.stderr.isatty()).lower())
            for name, value in LOCAL_SETTINGS.items():
                configuration.setIfMissing(name, value)
        context = SparkContext(conf=configuration.setIfMissing("spark.app.name", "vedette"))
    except Exception as error:  # the errors of the JVM have no class of their own
        raise VedetteError(_start_failure(error)) from error
    try:
        yield Spark(context, profile)
    finally:
        context.stop()


def in_stage(variables: Mapping[str, str], profile: str | None, function: Callable[[T], R], item: T) -> R | _Refused:
    """What a task runs: a function, in the stage of the command. One boto3 session serves all tasks of a process."""
    if boto3.DEFAULT_SESSION is None:
        boto3.setup_default_session(profile_name=profile, region_name=stages.region_of(variables))
    with stages.entered(variables, None, None):
        try:
            return function(item)
        except RETRIED:
            raise
        except VedetteError as error:
            return _Refused(str(error))


def _collected(results: Any) -> list[Any]:
    from py4j.protocol import Py4JError

    try:
        return list(results.collect())
    except Py4JError as error:
        raise VedetteError(f"A task failed on Spark: {_last_error(str(error))}.") from error


def _last_error(text: str) -> str:
    r"""The last line of the Python traceback in an error of the JVM; without a traceback, its first line.

    Examples
    --------
    >>> _last_error("An error occurred.\n: Traceback:\nchalicelib.errors.NotReady: busy\n\n\tat x")
    'NotReady: busy'
    >>> _last_error("Job aborted\n\tat y")
    'Job aborted'
    """
    traceback = text.partition("\n\tat ")[0]
    found = _ERROR_LINE.findall(traceback)
    return str(found[-1] if found else text.splitlines()[0]).rstrip(".")


def _start_failure(error: Exception) -> str:
    if "JAVA_GATEWAY_EXITED" in str(error) or isinstance(error, FileNotFoundError):
        return "Spark did not start: it needs Java 17 or later, found by JAVA_HOME or on the PATH."
    return f"Spark did not start: {_last_error(str(error))}."
