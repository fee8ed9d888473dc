"""Model quality: predictions and the labels that come later -> metrics, a verdict, and Model Monitor's files. Pure.

    capture object -- predictions --> PredictionPart --+
    label object ---- labels -------> LabelPart -------+-- joined --> JoinedBlock: a QualityState for each hour
                                                              |
                 metrics, curves, uncertainty <-- QualityState (adds up)
                              |
              files: statistics.json, constraints.json, constraint_violations.json
              evaluation: what a person is alerted of

| module      | holds                                                                                     |
|-------------|-------------------------------------------------------------------------------------------|
| settings    | `QualitySettings`: the problem type, and where label, prediction and score are            |
| ids         | the keyed hash of an id                                                                   |
| values      | cells -> classes and numbers, and where they are in a row                                 |
| reasons     | why a prediction or a label is left out                                                   |
| arrays      | columns of predictions and labels, as they are stored                                     |
| predictions | a capture object -> a PredictionPart                                                      |
| labels      | a label object -> labels, or the reason why not                                           |
| label_parts | labels -> a LabelPart                                                                     |
| rows        | a data set with labels and predictions side by side -> a state                            |
| label_days  | which label parts concern a day of predictions                                            |
| joined      | prediction parts and label parts -> states                                                |
| confusion   | counts by label and prediction, and the metrics of classification                         |
| scores      | histograms of scores by class                                                             |
| curves      | AUC, ROC and precision-recall                                                             |
| regression  | moments of labels and errors, and the metrics of regression                               |
| state       | all of these for one block of rows                                                        |
| metrics     | a state -> its metrics, with their standard errors                                        |
| uncertainty | the standard error of clustered rows: a jackknife over blocks                             |
| coverage    | whether labels are missing evenly                                                         |
| constraints | the thresholds of a constraints.json of model quality                                     |
| files       | the three files                                                                           |
| evaluation  | states + constraints -> a verdict with every measured value                               |
| ripeness    | when a day of predictions is evaluated                                                    |
| suggestion  | captures and labels -> `QualitySettings`                                                  |

docs/quality-metrics.md has the formulas and says how this differs from Model Monitor.
"""
