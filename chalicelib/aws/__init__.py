"""API calls: the only user of boto3. Each function is one call or one paged call; none of them decides anything.

| module     | calls                                                                      |
|------------|----------------------------------------------------------------------------|
| clients    | the one factory of boto3 clients, with timeouts, attempts and the deadline |
| s3         | objects of one bucket                                                      |
| dynamodb   | records of one table, written on condition                                 |
| sagemaker  | the registry, models, configs, endpoints, and Model Monitor's executions   |
| messages   | SNS messages, events on the default bus, asynchronous invocations          |
| cloudwatch | alarms, latency, invocations                                               |
| cloudtrail | who changed an endpoint                                                    |
"""
