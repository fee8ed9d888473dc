"""SHOWN: one verdict as one page that opens anywhere, offline: data in, bytes out.

| module   | holds                                                                                       |
|----------|---------------------------------------------------------------------------------------------|
| history  | the windows before: since when something is violated, with which version, which deployments |
| features | what is shown of each feature, the worst first                                              |
| ranking  | how bad a measurement is                                                                    |
| charts   | numbers as SVG, and as the rows of the table behind it                                      |
| report   | the page of one execution                                                                   |
| html     | Jinja2, and the policy under which every page runs                                          |

Jinja2 is imported by `html` alone, and `html` only where a page is written: no other function pays for it.
"""
