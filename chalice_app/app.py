"""The events: a pattern and one call each. Function names are fixed for ever; Chalice never updates a handler's name.

A handler is imported when its function runs, so that no function pays for what another needs.
"""

from chalice import Chalice, Rate

from chalicelib import locations
from chalicelib.observability import observe
from chalicelib.settings import settings

app = Chalice(app_name="vedette", configure_logs=False)
observe(app)

MODEL_PACKAGE_STATE_CHANGE = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Model Package State Change"]}
ENDPOINT_STATE_CHANGE = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Endpoint State Change"]}
DATA_CAPTURED = locations.data_captured_pattern(bucket for bucket, _ in settings().capture_places)
GROUND_TRUTH = locations.ground_truth_pattern(settings().ground_truth_places)
MONITORING_EXECUTION = {
    "$or": [
        {"source": [settings().event_source], "detail-type": [locations.EXECUTION_DETAIL_TYPE]},
        {
            "source": ["aws.sagemaker"],
            "detail-type": ["SageMaker Processing Job State Change"],
            "detail": {"ProcessingJobStatus": ["Completed", "Failed", "Stopped"]},
        },
    ]
}


@app.on_cw_event(MODEL_PACKAGE_STATE_CHANGE)
def on_model_package_state_change(event):
    from chalicelib.handlers import model_package_state_change

    return model_package_state_change.handle(event.to_dict(), event.context)


@app.on_cw_event(ENDPOINT_STATE_CHANGE)
def on_endpoint_state_change(event):
    from chalicelib.handlers import endpoint_state_change

    return endpoint_state_change.handle(event.to_dict(), event.context)


@app.on_cw_event(DATA_CAPTURED)
def on_data_captured(event):
    from chalicelib.handlers import data_captured

    return data_captured.handle(event.to_dict(), event.context)


@app.on_cw_event(GROUND_TRUTH)
def on_ground_truth(event):
    from chalicelib.handlers import ground_truth

    return ground_truth.handle(event.to_dict(), event.context)


@app.schedule(Rate(5, unit=Rate.MINUTES))
def run_monitoring(event):
    from chalicelib.handlers import run_monitoring

    return run_monitoring.handle(event.to_dict(), event.context)


@app.on_cw_event(MONITORING_EXECUTION)
def on_monitoring_execution(event):
    from chalicelib.handlers import monitoring_execution

    return monitoring_execution.handle(event.to_dict(), event.context)


@app.schedule(Rate(15, unit=Rate.MINUTES))
def sweep(event):
    from chalicelib.handlers import sweep

    return sweep.handle(event.to_dict(), event.context)
