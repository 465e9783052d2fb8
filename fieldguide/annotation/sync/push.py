"""Push: make the server hold exactly the pages that are due. Pushing twice changes nothing.

A push looks before it writes, so that it mends whatever an earlier one, a crash or a person left: what is missing is
made, what is there twice and untouched is removed, what somebody has answered is never removed. It believes the plan
about what is asked, the log about what is judged, and the server about nothing but what it holds.

A page stays in the project in which it lies: where annotate.page changes midway, people keep the form by which they
were asked and get a second project, in whose form what is asked from then on is judged one by one, or in the grid.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fieldguide.annotation.judgments.guidelines import Guideline, archive
from fieldguide.annotation.judgments.votes import Pair
from fieldguide.annotation.label_studio.projects import (
    FoundProject,
    Project,
    ensure,
    found_projects,
    remove,
    serve_folder,
)
from fieldguide.annotation.label_studio.tasks import Listed, import_tasks, list_tasks, remove_untouched
from fieldguide.annotation.planning.pages import Group, Mark, PlanPage
from fieldguide.annotation.planning.section import Annotate
from fieldguide.annotation.progress.excluded_images import write_excluded
from fieldguide.annotation.progress.snapshot import Snapshot
from fieldguide.annotation.sync.difference import Difference, difference
from fieldguide.annotation.sync.push_inputs import PushInputs, read_push_inputs
from fieldguide.core.files import locked
from fieldguide.core.grouping import grouped
from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent
from fieldguide.core.streaming import in_batches

if TYPE_CHECKING:
    from label_studio_sdk import LabelStudio

_BATCH_TASKS = 1000
_BATCH_CHARACTERS = 16 << 20
_OLD = "asks by the guidelines {}, which are no more in force; what people still give there is kept, as given by those"


@dataclass(frozen=True)
class Pushed:
    """What a push did; of a dry run, what it would do.

    Attributes:
        projects: of ours, as they are now; of a dry run, as they were found.
        created: pages put on the server.
        present: pages that are due and were there.
        removed: untouched tasks that were deleted: copies, pages that are not in the plan, and those of who left.
        duplicates: copies of pages that somebody has answered too, and which therefore stay.
        unshowable: why nobody can be asked, by (subtopic_id, image_id).
        notes: what a manager should know, one sentence each.
    """

    projects: tuple[Project, ...]
    created: int
    present: int
    removed: int
    duplicates: int
    unshowable: Mapping[Pair, str]
    notes: tuple[str, ...]


def push(
    client: LabelStudio,
    paths: Paths,
    annotate: Annotate,
    benchmark: str,
    track: Track = silent,
    *,
    excluded: Mapping[str, str] = {},
) -> Pushed:
    """Make the server hold the due pages of the plan.

    Args:
        client: speaks as the manager.
        paths: plan, log, guidelines, topics and corpus are read, the copies of images are written.
        annotate: section of params.yaml.
        benchmark: its name, params.release.name.
        track: shows how far it is.
        excluded: adjudicate.excluded of params.yaml.

    Raises:
        FieldguideError: no plan; a log of the data set's labels; guidelines that changed under their version; another
            push runs; the server cannot be spoken to. Nothing is lost or doubled by pushing again.
    """
    with locked(paths.annotation_state / "push.lock", wait=False):
        inputs = read_push_inputs(paths, annotate, benchmark, excluded)
        archive(paths.annotation / "guidelines.md", paths.used_guidelines)
        pushed = _Push(client, inputs, track).run(dry=False)
        write_excluded(paths.unshowable, {image: why for (_, image), why in pushed.unshowable.items()})
        return pushed


def plan_push(
    client: LabelStudio,
    paths: Paths,
    annotate: Annotate,
    benchmark: str,
    track: Track = silent,
    *,
    excluded: Mapping[str, str] = {},
) -> Pushed:
    """What `push` would do. Nothing is written, neither on the server nor here."""
    return _Push(client, read_push_inputs(paths, annotate, benchmark, excluded), track).run(dry=True)


@dataclass
class _Push:
    """One push under way, and what it has done so far."""

    client: LabelStudio
    inputs: PushInputs
    track: Track
    projects: list[Project] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    unshowable: dict[Pair, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def now(self) -> Snapshot:
        return self.inputs.now

    def run(self, *, dry: bool) -> Pushed:
        self.unshowable |= self.now.impossible
        found = found_projects(self.client, self.inputs.benchmark)
        by_slot = grouped((self.now.slot(page.mark), page) for page in self.now.pages.values())
        self._name_lost()
        for mark in sorted(by_slot):
            ours = [one for one in found if _whose(self.now.slot(one.project.mark)) == mark]
            if mark[2] in self.now.versions:
                self._settle(mark, by_slot[mark], ours, dry)
            else:
                self.notes += [f"{_name(one.project)}: {_OLD.format(mark[2])}" for one in ours]
        for one in found:
            if _whose(self.now.slot(one.project.mark)) not in by_slot:
                self.notes.append(f"{_name(one.project)}: is of nobody whom the plan asks; it is left alone")
        for image, count in sorted(Counter(image for _, image in self.unshowable).items()):
            why = next(why for (_, other), why in self.unshowable.items() if other == image)
            asked = f"nobody is asked about it ({count} subtopics; unshowable.json)"
            self.notes.append(f"image {image} could not be shown: {why}; {asked}")
        c = self.counts
        return Pushed(
            tuple(self.projects), c["created"], c["present"], c["removed"], c["duplicates"], self.unshowable,
            tuple(self.notes),
        )  # fmt: skip

    def _name_lost(self) -> None:
        lost = sorted({self.now.pages[k].subtopic_id for k in self.now.due} - set(self.now.subtopics))
        for subtopic in lost:
            self.notes.append(f"subtopic {subtopic}: is in the plan and no more in the topics; nobody is asked")

    def _settle(self, mark: Mark, pages: list[PlanPage], ours: list[FoundProject], dry: bool) -> None:
        """Make the projects of one person hold what they should: one a form."""
        held = {one.project.id: list(list_tasks(self.client, one.project.id)) for one in ours}
        lies: dict[str | None, Group] = {}
        for one in ours:
            for task in held[one.project.id]:
                if task.annotated or task.page_key not in lies:
                    lies[task.page_key] = one.project.group
        of = grouped((lies.get(page.key) or self.inputs.group(page), page) for page in pages)
        for group in sorted({*of, *(one.project.group for one in ours)}):
            mine = [one for one in ours if one.project.group == group]
            self._settle_form((mark[0], group, mark[2]), of.get(group, []), mine, held, dry)

    def _settle_form(
        self,
        mark: Mark,
        pages: list[PlanPage],
        ours: list[FoundProject],
        held: Mapping[int, list[Listed]],
        dry: bool,
    ) -> None:
        """Make one project hold what it should; `held`: tasks by project."""
        elsewhere = {task.page_key for one in ours[1:] for task in held[one.project.id] if task.annotated}
        by_key = {page.key: page for page in pages if page.key not in elsewhere}
        wanted = [k for k in by_key if k in self.now.due and by_key[k].subtopic_id in self.now.subtopics]
        listed = held[ours[0].project.id] if ours else []
        left = not self.now.asks(mark)
        lacks = difference(wanted, by_key, self.now.done, listed, left=left)
        self.counts["present"] += lacks.present
        if not ours and not lacks.create:
            return
        closed = bool(ours) and ours[0].project.closed
        create: tuple[PlanPage, ...] = () if closed else lacks.create
        if dry:
            self.projects += [one.project for one in ours]
            self.counts += Counter(created=len(create), removed=len(lacks.remove), duplicates=_copies(lacks))
            self._report(ours[0].project if ours else None, lacks, closed)
            return
        project, changed = ensure(self.client, self.inputs.wanted(mark, pages), ours)
        self.projects.append(project)
        self.notes += changed
        self._report(project, lacks, closed)
        self.counts["duplicates"] += _copies(lacks)
        begun = remove_untouched(self.client, project.id, lacks.remove)
        self.counts["removed"] += len(set(lacks.remove) - begun)
        if left and begun:
            self.notes.append(f"{_name(project)}: tasks {_list(sorted(begun))} were begun by who left, and stay")
        self._prepare(project, [by_key[key] for key in wanted if key not in self.now.done])
        self._create(project, create, self.now.guidelines[mark[2]], self.inputs.tiles(mark[1], pages))
        for extra in ours[1:]:
            self._drop(extra.project)

    def _report(self, project: Project | None, lacks: Difference, closed: bool) -> None:
        """Note what a push cannot put right."""
        if project is None:
            return
        name = _name(project)
        if closed and lacks.create:
            self.notes.append(f"{name}: is closed; {len(lacks.create)} due pages were not put there")
        for key, tasks in sorted(lacks.answered.items()):
            which = ", ".join(map(str, tasks))
            self.notes.append(f"{name}: page {key[:12]} was answered in several copies; tasks {which} stay")
        if lacks.foreign:
            which = _list(lacks.foreign)
            self.notes.append(f"{name}: tasks {which} are of no page that the plan has here, were answered, and stay")
        if lacks.strangers:
            which = _list(lacks.strangers)
            self.notes.append(f"{name}: tasks {which} are none of ours; somebody else made them, and they stay")

    def _prepare(self, project: Project, pages: Sequence[PlanPage]) -> None:
        """Have the images where browsers find them, also those of pages that were pushed before."""
        if not pages:
            return
        pictures, subtopics = self.inputs.pictures, self.now.subtopics
        entities = {subtopics[page.subtopic_id].entity_id for page in pages}
        images = {row.image_id for page in pages for row in page.rows}
        refused = pictures.prepare(images | {i for e in entities for i in pictures.references(e)}, self.track)
        for page in pages:
            for row in page.rows:
                if row.image_id in refused:
                    self.unshowable[row.pair] = refused[row.image_id]
        if self.now.annotate.images.kind == "local-files":
            serve_folder(self.client, project, str(pictures.folder))

    def _create(self, project: Project, pages: Sequence[PlanPage], guideline: Guideline, tiles: int) -> None:
        composer = self.inputs.composer() if pages else None
        if composer is None:
            return
        shown = self.track(pages, f"pushing to {project.assessor}", unit="pages", total=len(pages))
        composed = (composer.task(page, guideline, tiles) for page in shown)
        for batch in in_batches(composed, _BATCH_TASKS, lambda one: _characters(one.task), _BATCH_CHARACTERS):
            for made in batch:
                self.unshowable |= made.unshowable
            tasks = {made.page.key: made.task for made in batch if made.task is not None}
            if tasks:
                import_tasks(self.client, project.id, list(tasks.values()), tasks)
            self.counts["created"] += len(tasks)

    def _drop(self, extra: Project) -> None:
        """Remove a second project with the same mark, as a crash can leave one, unless people judged in it."""
        tasks = [task.task for task in list_tasks(self.client, extra.id)]
        if remove_untouched(self.client, extra.id, tasks):
            self.projects.append(extra)
            self.notes.append(f"{_name(extra)}: is there twice, and people have judged in it; both are read, both stay")
        else:
            remove(self.client, extra)
            self.notes.append(f"{_name(extra)}: was there twice and untouched; the later one was deleted")


def _characters(task: dict[str, Any] | None) -> int:
    return sum(len(value) for value in task["data"].values() if isinstance(value, str)) if task else 0


def _whose(mark: Mark) -> Mark:
    """Who is asked, whatever the form."""
    assessor, group, version = mark
    return assessor, "judge" if group == "judge-singly" else group, version


def _copies(lacks: Difference) -> int:
    return sum(map(len, lacks.answered.values()))


def _name(project: Project) -> str:
    return f"project {project.id} ({project.title})"


def _list(tasks: Sequence[int], shown: int = 5) -> str:
    rest = f" and {len(tasks) - shown} more" if len(tasks) > shown else ""
    return ", ".join(map(str, tasks[:shown])) + rest
