"""`fieldguide audit`: what stands between a benchmark's numbers and what they are taken for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError

if TYPE_CHECKING:
    from fieldguide.checks.audit.reported import Reported
    from fieldguide.checks.audit.run import AuditReport
    from fieldguide.formats.collection import PublishedBenchmark

FailOn = Literal["error", "warning", "note", "never"]
_STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}
_LONGEST_PROMPT = 1 << 24
_LONGEST_LINE = 160
_INDENT = " " * 8

EPILOG = (
    "Example: fieldguide audit visual-rag-me_final_v1.jsonl --html audit.html    (or a repository, or a release "
    "folder). Exit status: 0 nothing as bad as --fail-on, 1 something is, or it could not be read."
)


def audit(
    path: Annotated[Path, typer.Argument(help="A published file or folder, a benchmark's repository, or a release.")],
    form: Annotated[str | None, typer.Option("--format", help="Its format; by default told from its content.")] = None,
    prompts: Annotated[list[Path] | None, typer.Option(help="A file with prompts or few-shot examples.")] = None,
    images: Annotated[Path | None, typer.Option(help="Folder with the images under the benchmark's names.")] = None,
    scores: Annotated[Path | None, typer.Option(help="JSON of reported scores: {system: {measure: score}}.")] = None,
    read_as: Annotated[
        list[str] | None, typer.Option(help="What a measure's name in --scores means: N=visret_nDCG, R=hit.")
    ] = None,
    run: Annotated[list[Path] | None, typer.Option(help="A system's TREC run file on this benchmark.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report as one HTML file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines, with every row.")] = False,
    rows: Annotated[int, typer.Option(min=0, help="Rows to print of each finding.")] = 5,
    fail_on: Annotated[FailOn, typer.Option(help="Least severity that ends with status 1.")] = "error",
) -> None:
    """Gather everything questionable about a benchmark: what, where, by which evidence, how sure, and what to do."""
    from fieldguide.checks.audit.finding import SEVERITIES
    from fieldguide.checks.audit.page import write_page
    from fieldguide.checks.audit.run import audit as run_checks
    from fieldguide.checks.audit.subject import AuditSubject
    from fieldguide.runtime.tables import show_json

    collection = _read(form, path)
    if images is not None and not images.is_dir():
        raise FieldguideError(f"{images}: no such folder")
    home = f"{path.parent if path.is_file() else path}/"
    given = {file.name: _prompt(file) for file in prompts or ()}
    report = run_checks(AuditSubject(collection, given, images, _scores(collection, scores, read_as, run), home))
    if html is not None:
        write_page(report, html)
    if as_json:
        show_json(report)
    else:
        _print(report, rows)
        if html is not None:
            print(f"the report is {html}")
    worst = report.worst()
    if worst is not None and fail_on != "never" and SEVERITIES.index(worst) <= SEVERITIES.index(fail_on):
        raise typer.Exit(1)


def _read(form: str | None, path: Path) -> PublishedBenchmark:
    from fieldguide.formats import own_benchmark
    from fieldguide.formats.reading import read

    if form == own_benchmark.NAME or (form is None and own_benchmark.recognise(path)):
        return own_benchmark.read(path)
    return read(form, path)


def _prompt(path: Path) -> str:
    try:
        if path.stat().st_size > _LONGEST_PROMPT:
            raise FieldguideError(f"{path}: larger than {_LONGEST_PROMPT:,} bytes; that is no prompt")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FieldguideError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise FieldguideError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from None
    except OSError as error:
        raise FieldguideError(f"{path}: cannot be read ({error.strerror})") from None


def _scores(
    collection: PublishedBenchmark, scores: Path | None, read_as: list[str] | None, runs: list[Path] | None
) -> tuple[Reported, ...]:
    from fieldguide.checks.audit.reported import of_run, read_scores
    from fieldguide.records.runs import read_run

    names = dict(item.partition("=")[::2] for item in read_as or ())
    wrong = [Problem("--read-as", f"{n}={m} is not NAME=MEASURE") for n, m in names.items() if not (n and m)]
    if wrong:
        raise ProblemsError("options that cannot be used:", wrong)
    found = read_scores(scores, collection, names) if scores else ()
    return found + tuple(of_run(read_run(file), file.stem, collection.pools, str(file)) for file in runs or ())


def _print(report: AuditReport, most: int) -> None:
    """The report for a terminal; files may hold anything, so that no markup is read from it."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:  # a pipe has no width: then lines stay whole
        console = Console(highlight=False, width=200)
    counts = ", ".join(f"{number:,} {what}" for what, number in report.counts.items())
    console.print(Text(f"{_visible(report.name)} ({report.format}): {counts}"))
    for finding in report.findings:
        head = Text.assemble(
            "\n",
            (f"{finding.severity:8}", _STYLES[finding.severity]),
            (_visible(finding.title), "bold"),
            f"  [{finding.check}, {finding.confidence}]",
        )
        console.print(head)
        lines = [_visible(finding.evidence), *(_line(f"{row.where}: {row.shows}") for row in finding.rows[:most])]
        if len(finding.rows) > most:
            lines.append(f"... and {len(finding.rows) - most:,} more")
        lines.append(f"-> {finding.advice}")
        for line in lines:
            for part in Text(line).wrap(console, console.width - len(_INDENT)):
                part.rstrip()
                console.print(Text(_INDENT) + part)
    _print_chance(report)
    console.print(Text("\n" + _summary(report)))


def _print_chance(report: AuditReport) -> None:
    """Reported scores beside what a random ranking scores."""
    from fieldguide.runtime.tables import show

    if report.chance:
        rows = [
            {"system": _visible(x.system), "measure": x.measure}
            | {
                name: "not known" if value is None else f"{value:.3f}"
                for name, value in (("reported", x.value), ("chance", x.expected), ("chance 97.5%", x.bound))
            }
            for x in report.chance
        ]
        print()
        show(rows, ("system", "measure", "reported", "chance", "chance 97.5%"))


def _visible(text: str) -> str:
    """One line of printable text: control characters could steer a terminal."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _line(text: str) -> str:
    shown = _visible(text)
    return shown if len(shown) <= _LONGEST_LINE else f"{shown[: _LONGEST_LINE - 3]}..."


def _summary(report: AuditReport) -> str:
    from fieldguide.checks.audit.finding import SEVERITIES
    from fieldguide.core.english import counted

    numbers = [counted(sum(f.severity == s for f in report.findings), s) for s in SEVERITIES]
    text = f"{', '.join(numbers)}; {counted(len(report.passed), 'check')} found nothing"
    if report.not_run:
        needs = ", ".join(f"--{need}" for need in sorted(set(report.not_run.values())))
        text += f"; {len(report.not_run)} need {needs}"
    return text + "."
