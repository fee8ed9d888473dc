"""Constraints: suggest them from statistics, evaluate a summary against a baseline, read and write the two files.

    statistics -> suggestion -> constraints.json;  summary + baseline -> evaluation -> constraint_violations.json

| module            | holds                                                                                       |
|-------------------|---------------------------------------------------------------------------------------------|
| suggestion        | constraints from the statistics of a baseline                                               |
| constraints       | constraints.json as a value; `validation` says what is wrong with one                       |
| evaluation        | the table of all checks, and the verdict                                                    |
| column_alignment  | which captured column is which feature                                                      |
| column_fit        | how well columns fit features: which of two alignments by position is meant                 |
| labels            | labels in the baseline against captured scores, which have no drift                         |
| *_checks, drift   | the checks                                                                                  |
| reference_days    | what the days of an endpoint look like, and how much they differ by themselves              |
| day_drift         | whether a day lies outside of them, suddenly or slowly                                      |
| measurement       | one measured value and its severity; `severity_order` sorts several                         |
| unevaluated       | features whose values no check can evaluate                                                 |
| missing_capture   | the verdict of a window without data                                                        |
| windows           | which windows there are, and which checks run in each                                       |
| files             | both files of Model Monitor, read and written                                               |
"""
