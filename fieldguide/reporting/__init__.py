"""The report: one HTML file that opens without a network and shows what was measured, on what, and what it is worth."""

from __future__ import annotations

from fieldguide.reporting.page import Summary, write_report

__all__ = ["Summary", "write_report"]
