"""WHERE: the only user of boto3. Each function is one call (or one paged call); none of them decides anything."""
