"""Typed access to what a stage stores. S3 keys come from `locations`; DynamoDB keys are spelled here and nowhere else.

| store              | where    | holds                                                            |
|--------------------|----------|------------------------------------------------------------------|
| fleet              | S3       | the applied fleet                                                |
| baselines          | S3       | constraints and statistics by version, and which one is in force |
| parts              | S3       | one part for each capture object, and the roll-ups               |
| executions         | S3       | verdicts with their files                                        |
| deployments        | DynamoDB | attempts, history, failed versions, pins, the pause              |
| alert_states       | DynamoDB | alert states with their outboxes, and mutes                      |
| checkpoints        | DynamoDB | where the sweep of each endpoint resumes                         |
| unreadable_objects | DynamoDB | captured objects that cannot be read, and when they are tried     |
| quality_parts      | S3, and  | predictions by capture object, labels by label object; and what  |
|                    | DynamoDB | of them came late                                                |
| id_secret          | DynamoDB | the key with which the ids of predictions and labels are hashed  |

Each class takes the bucket or the table that it reads; `chalicelib.endpoint_run.Stores` puts them together.
"""
