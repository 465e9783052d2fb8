"""What a push goes by: plan, log, guidelines, form, topics and images of a benchmark."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

from fieldguide.annotation.form import form
from fieldguide.annotation.form.images import Pictures
from fieldguide.annotation.form.pages import Composer, Guesses, Mark, Page, judged, pages_of
from fieldguide.annotation.form.unshowable import pairs_of, read_unshowable
from fieldguide.annotation.judgments import log
from fieldguide.annotation.judgments.guidelines import archived, read_guideline
from fieldguide.annotation.judgments.log import Entry
from fieldguide.annotation.label_studio.projects import Wanted
from fieldguide.annotation.planning.assignment import ANYBODY, Pair
from fieldguide.annotation.planning.stopping import Asked, due
from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.corpus.shards import read_images
from fieldguide.params import Params
from fieldguide.records.judgments import POOLS
from fieldguide.records.knowledge import ENTITIES
from fieldguide.records.plan import PLAN
from fieldguide.records.runs import read_run
from fieldguide.records.topics import Subtopic, read_topics


class Asking:
    """What is read before the server is asked; each file when it is first needed."""

    def __init__(self, paths: Paths, params: Params) -> None:
        self.paths, self.params = paths, params
        if not paths.asked.exists():
            raise FieldguideError(f"{paths.asked}: no such file; `fieldguide annotate plan` says who is asked what")
        self._plan = PLAN.read(paths.asked)
        self.pages = pages_of(self._plan)
        self.entries: tuple[Entry, ...] = log.read(paths.judgments).entries if paths.judgments.exists() else ()
        self.current = read_guideline(paths.annotation / "guidelines.md")
        self.guidelines = archived(paths.used_guidelines) | {self.current.version: self.current}
        self.impossible: Mapping[Pair, str] = pairs_of(self._plan, read_unshowable(paths.unshowable))

    @cached_property
    def versions(self) -> set[str]:
        """The guidelines in force, and those with the same choices and grades: pages of no other are due."""
        same = (self.current.choices, self.current.grades)
        return {version for version, g in self.guidelines.items() if (g.choices, g.grades) == same}

    @cached_property
    def due(self) -> set[str]:
        """Keys of pages that are to be on the server and can be: their subtopic still exists."""
        annotate = self.params.annotate
        pools = POOLS.read(self.paths.pools) if annotate.stopping and self.paths.pools.exists() else None
        asked = Asked(
            self._plan, self.entries, annotate.stopping, pools,
            overlap=annotate.overlap, assessors=annotate.assessors, guidelines=self.versions,
            impossible=self.impossible,
        )  # fmt: skip
        return {key for key in due(asked) if self._has_assessor(self.pages[key])}

    @cached_property
    def done(self) -> set[str]:
        """Keys of pages that the log holds whole."""
        return judged(self.pages.values(), self.entries, self.params.annotate.overlap, self.impossible)

    @cached_property
    def subtopics(self) -> dict[str, Subtopic]:
        """By subtopic_id."""
        return {s.subtopic_id: s for topic in read_topics(self.paths.topics) for s in topic.subtopics}

    @cached_property
    def template(self) -> str:
        """Of the form."""
        path = self.paths.annotation / "label_config.xml"
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise FieldguideError(f"{path}: no such file; assessors need a form to judge with") from None

    @cached_property
    def pictures(self) -> Pictures:
        """Addresses of images."""
        return Pictures(self.paths, self.params.annotate.images, read_images(self.paths))

    def composer(self) -> Composer:
        """Turns pages into tasks."""
        shown = self.params.annotate.preannotation
        guesses = {}
        if shown is not None and any(self.pages[key].rows[0].sighted for key in self.due):
            run = read_run(self.paths.run("fullrank", shown.system))
            guesses = {version: Guesses(run, shown, self.guidelines[version]) for version in self.versions}
        table = ENTITIES.read(self.paths.entities)
        names = dict(zip(table["entity_id"], table["name"], strict=True))
        return Composer(self.subtopics, names, self.pictures, guesses, self.entries)

    def tiles(self, pages: Collection[Page]) -> int:
        """Tiles of the form of a project with these pages; an adjudicator sees one image at a time."""
        widest = max(len(page.rows) for page in pages)
        adjudicates = all(page.rows[0].purpose == "adjudicate" for page in pages)
        return widest if adjudicates else max(widest, self.params.annotate.page)

    def wanted(self, mark: Mark, pages: Sequence[Page]) -> Wanted:
        """The project of these pages."""
        assessor, group, version = mark
        guideline = self.guidelines[version]
        return Wanted(
            benchmark=self.params.release.name,
            assessor=assessor,
            group=group,
            guideline=version,
            label_config=form.label_config(self.template, guideline, self.tiles(pages)),
            instructions=form.instructions(guideline),
            overlap=self.params.annotate.overlap if assessor == ANYBODY else 1,
            sighted=any(page.rows[0].sighted for page in pages),
            one_of_several=len({page.mark[2] for page in self.pages.values()}) > 1,
        )

    def _has_assessor(self, page: Page) -> bool:
        row = page.rows[0]
        return row.purpose != "adjudicate" or row.assessor == self.params.annotate.adjudicator
