"""The use cases, one module each: read, ask a pure function, write, notify.

A service may call the services below it in this list, and no other:

| service              | does                                                                      |
|----------------------|---------------------------------------------------------------------------|
| sweep                | finds work whose events were lost, and redoes it within a time budget     |
| fan_out              | gives the endpoints of the fleet to the workers of a scheduled function   |
| team_notifications   | sends each team what is due: fleet incidents and the daily digest         |
| repetition           | sends an open alert again that nobody ended or muted                      |
| departed_endpoint    | sends what is pending of an endpoint that left the fleet                  |
| job_backlog          | transform jobs that ended and are not reported                            |
| transform_monitoring | evaluates a batch transform job that has ended                            |
| monitoring           | evaluates the windows of one endpoint that have closed, and the open one  |
| quality_monitoring   | evaluates the days of predictions of one endpoint whose labels are ripe   |
| transform_processing | makes the parts of the output objects of a batch transform job            |
| transform_objects    | which objects a batch transform job read and wrote                        |
| capture_processing   | makes the part of one capture object, and evaluates what violates at once |
| label_backlog        | label objects that have no part yet                                       |
| label_processing     | makes the label part of one label object                                  |
| prediction_recording | stores the predictions of one capture object, for its labels              |
| window_evaluation    | evaluates one window                                                      |
| day_comparison       | compares a day with the reference days of its variant                     |
| reconciliation       | brings one endpoint a step nearer to the wanted version                   |
| fleet_conditions     | says what the fleet names and does not exist; closes a deleted endpoint   |
| execution_recording  | stores a verdict with its files, and publishes it                         |
| alerting             | moves the alert state by a verdict, and sends what is pending             |
| incident_delivery    | sends the events of incidents to the bus and to their topic               |
| fleet_grouping       | whether an endpoint sends its message, or its team one in its place       |
| installation         | the stage as the texts of alerts name it                                  |
| model_monitor        | reads the executions of Model Monitor's own schedules                     |
| reporting            | the page of an execution                                                  |
| emf_metrics          | the CloudWatch metrics of a verdict                                       |
| serving              | the variants and the version that an endpoint serves                      |
| aggregation          | adds up the parts of a window                                             |
| day_joining          | predictions of a day and their labels, joined                             |
| label_selection      | which label parts may hold labels of a day of predictions                 |
| capture_backlog      | capture objects that have no part yet                                     |
| unreadable_objects   | remembers captured objects that cannot be read                            |
| activity             | which endpoints are quiet, and what came late                             |
| endpoint_snapshot    | everything that a deployment plan follows from                            |
| deployment_execution | does what a deployment plan says                                          |
| baseline_assignment  | the baseline follows the served version                                   |
"""
