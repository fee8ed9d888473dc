"""The commands that read months of captures, on Spark: `--engine spark`. PySpark is in the extra `spark`.

| module         | contains                                                                                         |
|----------------|--------------------------------------------------------------------------------------------------|
| engine         | a Spark context, and `map`: a function for each item, in the stage of the command                |
| slices         | objects in groups of about the same work                                                         |
| job            | the file for `spark-submit`: the `vedette` command                                               |
| emr_serverless | the script that runs a command on EMR Serverless (`--print`), and what its role may do           |

Everything is a map: a task runs the code of the functions, writes the same objects once, and returns counts or
statistics. Spark stores nothing, so a job that was killed is resumed by the same command.
"""
