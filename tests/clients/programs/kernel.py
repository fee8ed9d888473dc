"""Runs in a client's environment: a notebook's kernel, which says when it sleeps instead of sleeping.

    python kernel.py SOCKET

It receives cells and expressions, and answers with what became of them. Beside the sleeps, two things differ from a
notebook in SageMaker Studio: version 2 of the SDK writes the address of STS into itself, which would not be the
simulator's, and pandas since its version 2 takes the n of `str.split` by name alone.
"""

import sys
import time
from multiprocessing.connection import Client

import botocore.session
import pandas as pd
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

SHORTEST = 0.1  # shorter sleeps are those of someone who polls a process, in real time
connection = Client(sys.argv[1], family="AF_UNIX")
slept = 0.0
real_sleep, real_time = time.sleep, time.time
create_client = botocore.session.Session.create_client
split = pd.Series.str.split


def sleep(seconds):
    """Return at once, after the clock of the simulator was turned."""
    global slept
    if seconds < SHORTEST:
        real_sleep(seconds)
        return
    connection.send(("asleep", float(seconds)))
    connection.recv()
    slept += seconds


def client_of_simulator(self, service_name, *arguments, **named):
    """Without an address of AWS, which AWS_ENDPOINT_URL replaces."""
    if "amazonaws.com" in (named.get("endpoint_url") or ""):
        named["endpoint_url"] = None
    return create_client(self, service_name, *arguments, **named)


def split_by_position(self, pat=None, n=-1, **named):
    """Series.str.split as it was before pandas 2."""
    return split(self, pat, n=n, **named)


time.sleep, time.time = sleep, lambda: real_time() + slept
botocore.session.Session.create_client = client_of_simulator
pd.core.strings.accessor.StringMethods.split = split_by_position

shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "storemagic")
while True:
    try:
        kind, source = connection.recv()
    except EOFError:
        break
    if kind == "value":
        connection.send(("done", eval(source, shell.user_ns), None))  # noqa: S307 - of a test
        continue
    shell.user_ns["_exit_code"] = 0
    with capture_output() as printed:
        result = shell.run_cell(source)
    failure = result.error_before_exec or result.error_in_exec
    if failure is None and shell.user_ns["_exit_code"]:
        failure = f"a command ended with exit code {shell.user_ns['_exit_code']}"
    connection.send(("done", printed.stdout, None if failure is None else f"{failure!r}\n{printed.stdout}"))
