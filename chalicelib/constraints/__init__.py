"""ALLOWED: suggest constraints from statistics, evaluate a summary against a baseline, and the two files.

    statistics -> suggestion -> constraints.json;  summary + baseline -> evaluation -> constraint_violations.json

`evaluation` holds the table of what is checked and in which words. Pure: thresholds are arguments or in the file.
"""
