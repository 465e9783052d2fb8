"""What a push goes by: the plan and the log, the form, topics and images of a benchmark."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from fieldguide.annotation.form.composer import Addresses, Composer, Guesses
from fieldguide.annotation.form.images import Pictures
from fieldguide.annotation.form.template import instructions, label_config
from fieldguide.annotation.judgments.guidelines import refuse_labels
from fieldguide.annotation.label_studio.projects import WantedProject
from fieldguide.annotation.planning.pages import Group, Mark, PlanPage
from fieldguide.annotation.planning.section import Annotate
from fieldguide.annotation.progress.snapshot import Snapshot, read_snapshot
from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import read_text
from fieldguide.core.paths import Paths
from fieldguide.corpus.store.shards import read_images
from fieldguide.records.knowledge import ENTITIES
from fieldguide.records.plan import ANYBODY
from fieldguide.records.runs import read_run


@dataclass(frozen=True)
class PushInputs:
    """What is read before the server is asked; each file when it is first needed. `benchmark`: params.release.name."""

    now: Snapshot
    benchmark: str

    @cached_property
    def template(self) -> str:
        """Of the form."""
        path = self.now.paths.annotation / "label_config.xml"
        if not path.exists():
            raise FieldguideError(f"{path}: no such file; assessors need a form to judge with")
        return read_text(path)

    @cached_property
    def pictures(self) -> Pictures:
        """Addresses of images."""
        return Pictures(self.now.paths, self.now.annotate.images, read_images(self.now.paths))

    def composer(self, pictures: Addresses | None = None) -> Composer:
        """Turns pages into what is shown; `pictures` where not those of params.yaml count."""
        now, shown = self.now, self.now.annotate.preannotation
        guesses = {}
        if shown is not None and any(now.pages[key].rows[0].sighted for key in now.due):
            run = read_run(now.paths.run("fullrank", shown.system))
            guesses = {version: Guesses(run, shown, now.guidelines[version]) for version in now.versions}
        table = ENTITIES.read(now.paths.entities)
        names = dict(zip(table["entity_id"], table["name"], strict=True))
        return Composer(now.subtopics, names, pictures or self.pictures, guesses, now.counted)

    def group(self, page: PlanPage) -> Group:
        """Which form a page goes to that is nowhere yet."""
        group = page.mark[1]
        alone = group == "judge" and self.now.annotate.page == len(page.rows) == 1
        return "judge-singly" if alone else group

    def tiles(self, group: Group, pages: Collection[PlanPage]) -> int:
        """Tiles of the form of a project with these pages; in the grid as many as later pages have, too."""
        widest = max((len(page.rows) for page in pages), default=1)
        return max(widest, self.now.annotate.page) if group == "judge" else widest

    def wanted(self, mark: Mark, pages: Sequence[PlanPage]) -> WantedProject:
        """The project of these pages."""
        assessor, group, version = mark
        guideline = self.now.guidelines[version]
        return WantedProject(
            benchmark=self.benchmark,
            assessor=assessor,
            group=group,
            guideline=version,
            label_config=label_config(self.template, guideline, self.tiles(group, pages)),
            instructions=instructions(guideline),
            overlap=self.now.annotate.overlap if assessor == ANYBODY else 1,
            sighted=any(page.rows[0].sighted for page in pages),
            one_of_several=len({self.now.slot(page.mark)[2] for page in self.now.pages.values()}) > 1,
            before=self.now.versions - {version},
        )


def read_push_inputs(paths: Paths, annotate: Annotate, benchmark: str, excluded: Mapping[str, str] = {}) -> PushInputs:
    """Read what a push goes by; `excluded` as `read_snapshot` takes it.

    Raises:
        FieldguideError: nobody was asked anything yet; the log holds the data set's labels; else as `read_snapshot`.
    """
    if not paths.asked.exists():
        raise FieldguideError(f"{paths.asked}: no such file; `fieldguide annotate plan` says who is asked what")
    now = read_snapshot(paths, annotate, excluded)
    refuse_labels(now.entries, paths.judgments)
    return PushInputs(now, benchmark)
