"""The words of a release: README.md (a dataset card) and LICENSE.txt, from its own counts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import jinja2
import yaml

from fieldguide import __version__
from fieldguide.params.seen import SEEN
from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.release.forms import hub
from fieldguide.publishing.release.forms.croissant import unstated
from fieldguide.publishing.release.layout import meanings
from fieldguide.publishing.release.sources.manifest import ReleasedSource
from fieldguide.publishing.report.views.claims import claims
from fieldguide.publishing.report.views.leaderboards import boards

Sources = Mapping[str, ReleasedSource]
"""By name, as sources.json has them."""
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def readme_text(
    benchmark: Benchmark,
    counts: dict[str, int],
    sources: Sources,
    names: Iterable[str],
    private: dict[str, Any] | None = None,
) -> str:
    """The dataset card as Markdown with a YAML head.

    Args:
        benchmark: as it is published.
        counts: of what is published.
        sources: its sources of photographs.
        names: of all files of the release.
        private: what release.json says of the part that is withheld, if any is.
    """
    release = benchmark.params.release
    head: dict[str, Any] = {
        "pretty_name": benchmark.params.report.title,
        "license": release.licence.lower(),
        "tags": ["text-to-image-retrieval"],
        "language": ["en"],
        "size_categories": [next((name for limit, name in _SIZES if counts["images"] < limit), "n>1M")],
        **hub.head(counts["photographs"] > 0),
    }
    made = boards(benchmark)
    return environment().get_template("README.md.j2").render(
        head=yaml.safe_dump(head, sort_keys=False, allow_unicode=True),
        params=benchmark.params,
        version=__version__,
        counts=counts,
        private=private,
        sources=sources,
        grades=benchmark.grades,
        about_grades=benchmark.grade_file.get("about", ""),
        assessors=sorted({name for names in benchmark.qrels["assessors"] for name in names}),
        board=made[0] if made else None,
        seen=SEEN,
        claims=claims(benchmark, made),
        unstated=list(unstated(release)),
        configs=[config["config_name"] for config in head["configs"]],
        drawn=sorted(set(zip(benchmark.drawings["generator"], benchmark.drawings["revision"], strict=True))),
        files=_files(benchmark, names),
    )  # fmt: skip


def _files(benchmark: Benchmark, names: Iterable[str]) -> dict[str, str]:
    undrawn = {} if benchmark.params.generator else {"phrases.jsonl": "each subtopic as a phrase"}
    return meanings(names) | undrawn


def licence_text(benchmark: Benchmark, sources: Sources) -> str:
    """Which licence holds for what."""
    template = environment().get_template("LICENSE.txt.j2")
    evidence = sorted(set(benchmark.attributes["source"]) | set(benchmark.entities["source"]))
    return template.render(params=benchmark.params, sources=sources, evidence=evidence)


def environment() -> jinja2.Environment:
    """Templates of Markdown and text: every value passes `md`, there is no HTML to escape for."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("fieldguide.publishing.release", "templates"),
        autoescape=False,  # noqa: S701 - see `md`
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(md=md, line=line)
    return environment


def md(value: Any) -> str:
    """Text as one line of Markdown that shows it and does nothing: no markup, no HTML, no link."""
    return re.sub(r"([\\`*_\[\]<>|#&~!])", r"\\\1", " ".join(str(value).split()))


def line(value: Any) -> str:
    """Text on one line and without back quotes, for plain text and for code in Markdown."""
    return " ".join(str(value).replace("`", "'").split())
