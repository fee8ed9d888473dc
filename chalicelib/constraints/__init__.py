"""ALLOWED: suggest constraints from statistics, evaluate a summary against a baseline, and the two files.

    statistics -> suggestion -> constraints.json;  summary + baseline -> evaluation -> constraint_violations.json

`evaluation` holds the table of what is checked; `columns`, `cells`, `own` and `drift` make the checks, `measurement`
says how loudly each is said, `silence` what an empty window is, `windows` which windows there are. Pure: thresholds are
arguments or in the file.
"""
