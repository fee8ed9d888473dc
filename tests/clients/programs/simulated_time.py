"""Runs in a client's environment: whoever sleeps here says so to the one who turns the clock of the simulator.

Beside that, STS is that of the simulator: both versions of the SageMaker SDK write its address into themselves.
"""

import sys
import threading
import time
import traceback
from multiprocessing.connection import Client

import botocore.session

SHORTEST = 0.1  # shorter sleeps, and those of other threads, are of someone who polls a process: in real time
connection = Client(sys.argv[1], family="AF_UNIX")
slept = 0.0
real_sleep, real_time = time.sleep, time.time
create_client = botocore.session.Session.create_client


def sleep(seconds):
    """Return at once, after the clock of the simulator was turned."""
    global slept
    if seconds < SHORTEST or threading.current_thread() is not threading.main_thread():
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


time.sleep, time.time = sleep, lambda: real_time() + slept
botocore.session.Session.create_client = client_of_simulator


def answer(program):
    """Run a program to its end; what it returns, or its traceback, is sent."""
    try:
        connection.send(("done", program(), None))
    except Exception:  # noqa: BLE001 - whatever it is, the test shows it
        connection.send(("done", None, traceback.format_exc()))
