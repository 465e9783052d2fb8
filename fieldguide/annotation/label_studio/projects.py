"""Our projects on the server: found again by a mark of ours, made once, kept as they are meant to be.

A project belongs to one benchmark, one assessor (`anybody` where projects are shared), one group of purposes and one
version of the guidelines, since a project has one form. That is its mark: a line of JSON in the description, where a
person may add text around it, and once more in a comment of the labelling config, so that a description that somebody
rewrites does not hide what was judged in it.
"""

from __future__ import annotations

import dataclasses
import html
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from fieldguide.annotation.label_studio.client import ServerError, address_of, speaking
from fieldguide.annotation.planning.pages import GROUPS, Group, Mark
from fieldguide.core.errors import FieldguideError

if TYPE_CHECKING:
    from label_studio_sdk import LabelStudio

_KIND = "fieldguide-project"
_PAGE = 100
_TITLE = 50
_TITLES: Mapping[Group, str] = {"judge": "", "judge-singly": " (one by one)", "adjudicate": " (adjudication)"}
# What keeps the form clean and the queue in our order. Skipping is off: `cannot-tell` says the same, and is counted.
_FIXED = {
    "sampling": "Sequential sampling",
    "show_instruction": True,
    "show_skip_button": False,
    "enable_empty_annotation": False,
    "show_annotation_history": False,
    "show_overlap_first": False,
    "show_ground_truth_first": False,
    "reveal_preannotations_interactively": False,
    "evaluate_predictions_automatically": False,
}
_VARIED = ("label_config", "expert_instruction", "maximum_annotations", "show_collab_predictions")
_READ = ("id", "title", "description", *_FIXED, *_VARIED)


@dataclass(frozen=True)
class Project:
    """One of ours. `closed`: it gets no more pages."""

    id: int
    assessor: str
    group: Group
    guideline: str
    title: str
    closed: bool

    @property
    def mark(self) -> Mark:
        """What it is for; two projects with one mark are one too many."""
        return self.assessor, self.group, self.guideline


@dataclass(frozen=True)
class WantedProject:
    """What a project is meant to be.

    Attributes:
        label_config: as annotation.form gives it.
        instructions: HTML.
        overlap: people a page, as the server hands pages out.
        sighted: some of its pages carry predictions.
        one_of_several: people are asked by several versions of the guidelines; the title then says by which.
        before: other versions with the same choices and grades: a project by one of them becomes this one.
    """

    benchmark: str
    assessor: str
    group: Group
    guideline: str
    label_config: str
    instructions: str
    overlap: int = 1
    sighted: bool = False
    one_of_several: bool = False
    before: frozenset[str] = frozenset()

    @property
    def mark(self) -> Mark:
        """As `Project.mark`."""
        return self.assessor, self.group, self.guideline

    def fits(self, project: Project) -> bool:
        """Whether a project is this one, by these guidelines or by those before."""
        return project.mark[:2] == self.mark[:2] and project.guideline in (self.guideline, *self.before)

    @property
    def title(self) -> str:
        """What people read: the benchmark, cut short if need be, and who is asked."""
        who = f" · {self.assessor}{_TITLES[self.group]}"
        who += f" · {self.guideline}" * self.one_of_several
        return self.benchmark[: max(1, _TITLE - len(who))] + who[: _TITLE - 1]

    @property
    def settings(self) -> dict[str, Any]:
        """By the server's names, without title and description, which are people's to change."""
        return {
            **_FIXED,
            "label_config": f"{self.label_config}\n<!-- {_marking(self)} -->",
            "expert_instruction": self.instructions,
            "maximum_annotations": self.overlap,
            "show_collab_predictions": self.sighted,
        }


@dataclass(frozen=True)
class FoundProject:
    """A project as the server has it."""

    project: Project
    description: str
    settings: Mapping[str, Any]


def find_projects(client: LabelStudio, benchmark: str) -> list[Project]:
    """All projects of a benchmark, by id; also a duplicate that a crash left, since it may hold judgments.

    Args:
        benchmark: params.release.name.

    Raises:
        ServerError: see client.speaking.
    """
    return [found.project for found in found_projects(client, benchmark)]


def found_projects(client: LabelStudio, benchmark: str) -> list[FoundProject]:
    """As `find_projects`, with what the server says of each."""
    url = address_of(client)
    for _ in range(3):
        with speaking(url):
            pager = client.projects.list(page_size=_PAGE, include=",".join(_READ))
            listed = {row.id: row for row in pager}
        # A page that fails with 404 ends the SDK's list early, and a project made meanwhile moves the pages.
        if len(listed) == pager.response.count:
            found = [_found(row, benchmark) for _, row in sorted(listed.items())]
            return [one for one in found if one is not None]
    raise ServerError(f"{url}: the list of projects changed while it was read; try again")


def ensure(client: LabelStudio, wanted: WantedProject, found: Iterable[FoundProject]) -> tuple[Project, list[str]]:
    """The project that is `wanted`: found with its settings put right, or made. The lowest id counts.

    Args:
        found: what `found_projects` gave.

    Returns:
        The project, and what was changed on the server, in words.

    Raises:
        ServerError: see client.speaking.
    """
    ours = [one for one in found if wanted.fits(one.project)]
    if ours:
        return _put_right(client, wanted, ours[0])
    url = address_of(client)
    try:
        with speaking(url):
            row = client.projects.create(title=wanted.title, description=_marking(wanted), **wanted.settings)
        made = row.id
    except ServerError as error:
        if not error.unsure:
            raise
        # The server may have made it and died before it said so.
        ours = [one for one in found_projects(client, wanted.benchmark) if one.project.mark == wanted.mark]
        if not ours:
            raise
        made = ours[0].project.id
    project = Project(made, *wanted.mark, title=wanted.title, closed=False)
    return project, [f"project {made} ({project.title}): made"]


def close(client: LabelStudio, benchmark: str, *, reopen: bool = False) -> list[Project]:
    """Close all projects of a benchmark, or open them again: a closed one gets no more pages. Nothing is removed.

    Returns:
        The projects that changed, as they are now.
    """
    changed = []
    for found in found_projects(client, benchmark):
        if found.project.closed == reopen:
            project = dataclasses.replace(found.project, closed=not reopen)
            _describe(client, found, project, benchmark)
            changed.append(project)
    return changed


def remove(client: LabelStudio, project: Project) -> None:
    """Delete a project. The caller has made sure that it holds no annotation."""
    with speaking(address_of(client)):
        client.projects.delete(project.id)


def serve_folder(client: LabelStudio, project: Project, folder: str) -> bool:
    """Let a project show images of a folder of the server's machine (local-files); whether that had to be set.

    Raises:
        FieldguideError: the server does not see the folder, or may not serve it.
    """
    url = address_of(client)
    with speaking(url):
        storages = client.import_storage.local.list(project=project.id)
    if any(str(storage.path).rstrip("/") == folder for storage in storages or []):
        return False
    try:
        with speaking(url):
            client.import_storage.local.create(
                project=project.id, path=folder, title="images of the benchmark", use_blob_urls=True
            )
    except ServerError as error:
        if error.status != 400:
            raise
        raise FieldguideError(
            f"{error}\nThe server cannot show the images of {folder}. One that `fieldguide label-studio "
            "start` starts can; for one elsewhere set annotate.images.kind to `http` or `upload` in params.yaml"
        ) from None
    return True


def _put_right(client: LabelStudio, wanted: WantedProject, found: FoundProject) -> tuple[Project, list[str]]:
    """Settings that differ from what is wanted are set, each by itself, and named."""
    project, notes = found.project, []
    clarified = project.guideline != wanted.guideline
    name = f"project {project.id} ({project.title})"
    for key, value in wanted.settings.items():
        if _same(key, found.settings.get(key), value):
            continue
        try:
            with speaking(address_of(client)):
                client.projects.update(project.id, **{key: value})
            if not clarified or key not in ("label_config", "expert_instruction"):
                notes.append(f"{name}: {key} was not as params.yaml and annotation/ say, and is again")
        except ServerError as error:
            # The server refuses a form that lacks a choice which somebody gave already. The pages can still be
            # judged, and what comes back is held against the plan, not against the form.
            if error.status != 400 or key != "label_config":
                raise
            notes.append(f"{name}: the form differs from annotation/label_config.xml and cannot be put back: {error}")
    if clarified:
        notes.append(f"{name}: shows the guidelines {wanted.guideline} from now on, before it was {project.guideline}")
        project = dataclasses.replace(project, guideline=wanted.guideline)
        _describe(client, found, project, wanted.benchmark)
    elif _marked(found.description, wanted.benchmark) is None:
        _describe(client, found, project, wanted.benchmark)
        notes.append(f"{name}: the description had lost the mark by which it is found; it has it again")
    return project, notes


def _describe(client: LabelStudio, found: FoundProject, project: Project, benchmark: str) -> None:
    """Write the mark of `project` into the description, in the place of its old one; other lines stay."""
    lines = [line for line in found.description.splitlines() if _read_mark(line, benchmark) is None]
    with speaking(address_of(client)):
        client.projects.update(project.id, description="\n".join([*lines, _mark(project, benchmark)]))


def _found(row: Any, benchmark: str) -> FoundProject | None:
    description, config = row.description or "", row.label_config or ""
    mark = _marked(description, benchmark) or _marked(config, benchmark)
    if mark is None:
        return None
    return FoundProject(partial(Project, row.id)(**mark, title=row.title or ""), description, row.model_dump())


def _marking(wanted: WantedProject) -> str:
    return _mark(Project(0, *wanted.mark, title="", closed=False), wanted.benchmark)


def _mark(project: Project, benchmark: str) -> str:
    values = {
        "kind": _KIND, "benchmark": benchmark, "assessor": project.assessor, "group": project.group,
        "guideline": project.guideline, "closed": project.closed,
    }  # fmt: skip
    return json.dumps(values).replace("--", "-\\u002d")  # two hyphens end a comment of XML


def _marked(text: str, benchmark: str) -> dict[str, Any] | None:
    return next((mark for line in text.splitlines() if (mark := _read_mark(line, benchmark))), None)


def _read_mark(line: str, benchmark: str) -> dict[str, Any] | None:
    """Assessor, group, guideline and closed of one line, if it is a mark of this benchmark."""
    line = line.strip().removeprefix("<!--").removesuffix("-->").strip()
    if not line.startswith("{") or _KIND not in line:
        return None
    try:
        values = json.loads(line)
    except (json.JSONDecodeError, RecursionError):
        return None
    if not isinstance(values, dict) or values.pop("kind", None) != _KIND or values.pop("benchmark", None) != benchmark:
        return None
    closed, group = values.get("closed", False), values.get("group")
    texts = [values.get("assessor"), values.get("guideline")]
    if group not in GROUPS or not isinstance(closed, bool) or not all(isinstance(text, str) for text in texts):
        return None
    return {"assessor": texts[0], "group": group, "guideline": texts[1], "closed": closed}


def _same(key: str, found: Any, wanted: Any) -> bool:
    """The server rewrites the HTML of instructions a little: their words count."""
    if key == "expert_instruction":
        return _words(found) == _words(wanted)
    return bool(found == wanted)


def _words(text: object) -> list[str]:
    return html.unescape(re.sub(r"<[^>]*>", " ", str(text or ""))).split()
