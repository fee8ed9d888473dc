"""One module for each Lambda function: parse the event, build the run of the endpoint, call one service."""
