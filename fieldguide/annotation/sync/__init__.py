"""Between the server and the log: push what is due, pull what was given."""
