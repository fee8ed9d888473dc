"""One evaluation as one page that opens anywhere, offline: data in, bytes out.

| module         | holds                                                                                      |
|----------------|--------------------------------------------------------------------------------------------|
| history        | earlier windows: since when something is violated, with which version, and the deployments |
| features       | the card of each feature, the worst first                                                  |
| numbers        | the numbers of a feature, baseline beside current                                          |
| figures        | the charts of a card, each with its axes and its table                                     |
| charts         | numbers as SVG                                                                             |
| axes           | axes with round numbers                                                                    |
| not_evaluated  | what was not evaluated, and why                                                            |
| captured_hours | the captured hours of files, as a strip                                                    |
| labels         | sentences and labels                                                                       |
| report         | the page of one execution                                                                  |
| html           | Jinja2, and the content security policy of every page                                      |

Only `html` imports Jinja2, and `html` is only imported to write a page, so no other function loads it.
"""
