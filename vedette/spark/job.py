"""The file for `spark-submit`: the `vedette` command, whose arguments follow the file.

spark-submit vedette/spark/job.py backfill churn --from 90d --engine spark --yes
"""

from vedette.cli import main

if __name__ == "__main__":
    main()
