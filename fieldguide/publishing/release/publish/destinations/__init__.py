"""Where a release can be put: a folder, a bucket, a DVC remote, a dataset of a hub."""
