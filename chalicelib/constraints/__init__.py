"""Constraints: suggest them from statistics, evaluate a summary against a baseline, read and write the two files.

    statistics -> suggestion -> constraints.json;  summary + baseline -> evaluation -> constraint_violations.json

| module            | holds                                                                                       |
|-------------------|---------------------------------------------------------------------------------------------|
| suggestion        | constraints from the statistics of a baseline                                               |
| constraints       | constraints.json as a value; `validation` says what is wrong with one                       |
| evaluation        | the table of all checks, and the verdict                                                    |
| column_alignment  | which captured column is which feature                                                      |
| *_checks, drift   | the checks                                                                                  |
| measurement       | one measured value and its severity; `severity_order` sorts several                         |
| unevaluated       | features whose values no check can evaluate                                                 |
| missing_capture   | the verdict of a window without data                                                        |
| windows           | which windows there are, and which checks run in each                                       |
| files             | both files of Model Monitor, read and written                                               |
"""
