"""datasheet.md: the questions of Gebru et al., Datasheets for Datasets (2021), answered as far as anybody knows."""

from __future__ import annotations

from collections.abc import Mapping

from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.release.card import Sources, environment
from fieldguide.publishing.report.views.claims import claims
from fieldguide.publishing.report.views.leaderboards import boards


def datasheet_text(benchmark: Benchmark, counts: Mapping[str, int], sources: Sources) -> str:
    """The datasheet as Markdown. What `release` does not state is named there as not stated, with its key."""
    params = benchmark.params
    drawings = benchmark.drawings
    return environment().get_template("datasheet.md.j2").render(
        params=params,
        release=params.release,
        counts=counts,
        sources=sources,
        makers=[", ".join(filter(None, (c.name, c.affiliation))) for c in params.release.creators],
        refused=len(benchmark.rejected),
        splits=sorted(benchmark.images["split"].value_counts().items(), reverse=True),
        grades=benchmark.grades,
        about_grades=benchmark.grade_file.get("about", ""),
        assessors=sorted({name for names in benchmark.qrels["assessors"] for name in names}),
        evidence=sorted(set(benchmark.attributes["source"]) | set(benchmark.entities["source"])),
        drawn=sorted(set(zip(drawings["generator"], drawings["revision"], strict=True))),
        claims=claims(benchmark, boards(benchmark)),
    )  # fmt: skip
