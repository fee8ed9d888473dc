"""Alerts: which evaluation notifies a person, and in which words. Pure: clock and thresholds are arguments.

| module                 | holds                                                                             |
|------------------------|-----------------------------------------------------------------------------------|
| state                  | what one evaluation changes: new, continuing, recovered, muted                    |
| mutes                  | which fingerprints are muted                                                      |
| message                | the message about an evaluation, as data                                          |
| cause, story           | what a finding began with; an alert in three sentences                            |
| wording, next_steps    | its sentences, and what a person can do                                           |
| slow_drift             | what has drifted slowly, reported together once a week                             |
| endpoint_notifications | messages about deployments and lasting conditions                                 |
| repeats                | open alerts that are sent again                                                   |
| fleet_incidents        | the same finding on several endpoints of a team                                   |
| team_digest            | the daily digest of a team; its mail: team_digest_text                            |
| team_message           | a message about several endpoints                                                 |
| outbox                 | pending messages, leases, the hourly limit                                        |
| email_text             | a message as a mail                                                               |
| sns_payload            | a message as SNS gets it, for every kind of subscriber                            |
| sanitize               | untrusted text made harmless                                                      |
| model_monitor          | executions of Model Monitor's own schedules                                       |
"""
