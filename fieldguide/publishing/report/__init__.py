"""The report: one HTML file that opens without a network and shows what was measured, on what, and what it is worth."""
