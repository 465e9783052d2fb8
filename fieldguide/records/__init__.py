"""Every table and record that leaves a stage, a module a family, and the file formats they lie in.

A `Table` is a Parquet file's schema with its key; a record is one line of a JSONL file. Both are checked when they are
written and when they are read, so that a stage never meets input it does not understand. docs/data.md says where each
file lies.
"""
