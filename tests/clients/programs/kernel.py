"""Runs in a client's environment: the kernel of a notebook.

    python kernel.py SOCKET

It receives cells and expressions, and answers with what became of them. pandas' `str.split` takes its n by position
again, as before version 2 of pandas.
"""

import pandas as pd
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from simulated_time import connection

split = pd.Series.str.split


def split_by_position(self, pat=None, n=-1, **named):
    """Series.str.split as it was."""
    return split(self, pat, n=n, **named)


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
