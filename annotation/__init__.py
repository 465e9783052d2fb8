"""People: the judgment log, judges, adjudication."""
