"""What the pages of a report show: the tables of a finished benchmark as a reader sees them."""
