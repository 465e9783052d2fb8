"""The report: pages that open without a network and show what was measured, on what, and what it is worth."""
