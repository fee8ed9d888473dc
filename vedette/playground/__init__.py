"""`vedette local`: a simulated account with a stage of Vedette, served on this machine for any client of AWS.

| module   | holds                                                                                         |
|----------|-----------------------------------------------------------------------------------------------|
| account  | the account: a stage that is set up and installed, an endpoint, its baseline and its traffic  |
| journal  | the requests that changed the account, in a file: what `--keep` keeps                         |
| world    | requests, time and functions, one at a time                                                   |
| server   | HTTP: who may call, the pages of the inbox, what `vedette local` asks, and AWS for the rest   |
| inbox    | the pages of the inbox                                                                        |
| client   | what commands in another terminal ask: mails, traffic, and the simulated time                 |

Only `client` is imported by commands; it imports neither moto nor the AWS simulator, which take seconds.
"""
