"""One evaluation as one page that opens anywhere, offline: data in, bytes out.

| module   | holds                                                                                         |
|----------|-----------------------------------------------------------------------------------------------|
| history  | earlier windows: since when something is violated, with which version, and the deployments    |
| features | the card of each feature, the worst first                                                     |
| charts   | numbers as SVG, and as the rows of the table behind it                                        |
| labels   | sentences and labels                                                                          |
| report   | the page of one execution                                                                     |
| html     | Jinja2, and the content security policy of every page                                         |

Only `html` imports Jinja2, and `html` is only imported to write a page, so no other function loads it.
"""
