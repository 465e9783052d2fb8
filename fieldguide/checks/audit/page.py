"""An audit's report as one self-contained HTML file."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from pathlib import Path

import jinja2
from markupsafe import Markup

from fieldguide.checks.audit.finding import SEVERITIES
from fieldguide.checks.audit.registry import CHECKS
from fieldguide.checks.audit.run import AuditReport
from fieldguide.core.files import atomic_open

MOST_ROWS = 500
"""Rows of a finding that the page shows; the JSON report has all."""


def write_page(report: AuditReport, path: Path) -> None:
    """Write the page. The same report gives the same bytes."""
    with atomic_open(path) as stream:
        stream.write(render(report))


def render(report: AuditReport) -> str:
    """Fill the template. The style is admitted by its hash, and nothing else is: what a file injects cannot run."""
    css = (resources.files("fieldguide.checks.audit") / "templates" / "style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("fieldguide.checks.audit", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("audit.html.j2").render(
        report=report,
        style=Markup(css),  # noqa: S704 - a file of this package
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        numbers={severity: sum(f.severity == severity for f in report.findings) for severity in SEVERITIES},
        checks=CHECKS,
        most=MOST_ROWS,
    )
