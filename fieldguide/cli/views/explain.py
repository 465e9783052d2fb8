"""`fieldguide explain`: the lineage of one judgment, for people or for machines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING

from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.publishing.lineage import Lineage, explain, explain_answers
from fieldguide.runtime.tables import show_json

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table
    from rich.text import Text


def show(paths: Paths, params: Params, topic: str, image: str, as_json: bool) -> None:
    """Print the lineage of an image for a subtopic, or for each subtopic of a topic.

    Raises:
        FieldguideError: no such topic or image; names the likely ones.
    """
    found = explain(paths, params, topic, image)
    if as_json:
        show_json(found)
        return
    from rich.console import Console

    console = Console()
    if not console.is_terminal:  # a pipe has no width
        console = Console(width=160)
    for lineage in found:
        console.print(render(lineage))


def show_answers(paths: Paths, params: Params, topic: str, as_json: bool) -> None:
    """Print how a topic was answered.

    Raises:
        FieldguideError: no such topic; names the likely ones.
    """
    found = explain_answers(paths, params, topic)
    if as_json:
        show_json(found)
        return
    from rich.console import Console
    from rich.rule import Rule
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console = Console(width=160)
    console.print(Rule(Text(found["topic_id"], style="bold"), align="left"))
    console.print(_plain(f"{found['question']}  Reference answer: {found['reference']}"))
    table = _table("answerer", "shown", "order", "images", "outcome", "answer", "scored by")
    for row in found["answers"]:
        images = f"{sum(bool(good) for good in row['relevant'])} of {len(row['keys'])} relevant" if row["keys"] else ""
        cells = [row["answerer"], row["context"], row["order"], images, row["outcome"]]
        cells += [row["answer"] or row["reason"] or "", row["scored_by"]]
        table.add_row(*(_plain(cell) for cell in cells))
    console.print(table if found["answers"] else _plain("nobody was asked"))
    if found["rounds"]:
        table = _table("system", "subtopic", "round", "status", "phrase from then on", "why it failed")
        for row in found["rounds"]:
            cells = [
                row["system"],
                row["subtopic_id"],
                str(row["round"]),
                row["status"],
                row["text"],
                row["reason"] or "",
            ]
            table.add_row(*map(_plain, cells))
        console.print(table)


def render(lineage: Lineage) -> Group:
    """A lineage as rich shows it: facts, judgments, and what each system does."""
    from rich.console import Group
    from rich.rule import Rule
    from rich.text import Text

    title = Text(f"{lineage['subtopic_id']}  {lineage['image']['image_id']}", style="bold")
    parts: list[RenderableType] = [Rule(title, align="left"), _facts(lineage)]
    if lineage["judgments"]:
        parts.append(_judgments(lineage))
    parts.append(_placements(lineage))
    parts += [Text(f"not made yet: {path}", style="yellow") for path in lineage["missing"]]
    return Group(*parts)


def _facts(lineage: Lineage) -> Table:
    table = _table()
    table.add_column("", style="dim", no_wrap=True)
    table.add_column("", overflow="fold")
    table.show_header = False
    for name, value in facts(lineage):
        table.add_row(_plain(name), _plain(value))
    return table


def facts(lineage: Lineage) -> Iterator[tuple[str, str]]:
    """(name, words) of what is known of topic, entity, image, pool and grade."""
    asked, image = lineage["asked"], lineage["image"]
    yield "question", f"{asked['question']} ({asked['kind']}, {asked['form']})"
    yield "reference answer", asked["answer"]
    yield "asks for", f"{asked['feature']} ({asked['part']})"
    yield "entity", asked["entity"]
    for evidence in asked["evidence"]:
        yield "because", f"{evidence['value']}, by {evidence['source']}: {evidence['evidence']}"
    if asked["group_reason"]:
        yield "grouped", f"{asked['group_id']}: {asked['group_reason']}"
    if asked["phrase"]:
        yield "drawn", asked["phrase"]
    yield "image shows", image["entity"] or image["entity_id"] or "no entity, says its source"
    yield "image is from", f"{image['source']} {image['source_key']}, split {image['split']}"
    yield "licence", "; ".join(filter(None, [image["licence"] or "not stated", image["attribution"]]))
    for words in image["duplicates"]:
        yield "duplicate", words
    yield "pooled by", _pool(lineage)
    if lineage["qrel"]:
        qrel = lineage["qrel"]
        decided = f"{qrel['grade']}, {qrel['decided_by']}, by {', '.join(qrel['assessors'])}."
        yield "grade", f"{decided} {qrel['definition'] or ''}".strip()
    else:
        yield "grade", "not decided yet" if _lacks(lineage, "qrels.parquet") else "none; counts as not relevant"


def _pool(lineage: Lineage) -> str:
    pool = lineage["pool"]
    if pool is None and _lacks(lineage, "pools.parquet"):
        return "not known yet"
    if pool is None:
        return "nothing: it is not in the pool"
    parts = [f"{system} at rank {rank}" for system, rank in sorted(pool["systems"].items(), key=lambda item: item[1])]
    return "; ".join([*parts, *(["the random sample"] if pool["sampled"] else [])])


def _lacks(lineage: Lineage, name: str) -> bool:
    return any(PurePath(path).name == name for path in lineage["missing"])


def _judgments(lineage: Lineage) -> Table:
    table = _table("assessor", "choice", "grade", "when", "guideline", "action")
    for judgment in lineage["judgments"]:
        action = judgment["action"] if judgment["holds"] else f"{judgment['action']}, holds no more"
        if judgment["excluded"]:
            action += f", counts for nothing: {judgment['excluded']}"
        grade = "none" if judgment["grade"] is None else str(judgment["grade"])
        when = judgment["judged_at"] or "not recorded"
        row = (judgment["assessor"], judgment["choice"] or "", grade, when, judgment["guideline"], action)
        table.add_row(*(_plain(value) for value in row))
    return table


def _placements(lineage: Lineage) -> Table:
    tracks = list(dict.fromkeys(placement["track"] for placement in lineage["placements"]))
    table = _table("system", *(f"{track}: {name}" for track in tracks for name in ("rank", "score")))
    by = {(placement["system"], placement["track"]): placement for placement in lineage["placements"]}
    for system in dict.fromkeys(placement["system"] for placement in lineage["placements"]):
        cells = [system]
        for track in tracks:
            placement = by.get((system, track))  # None: not made yet
            if placement is None or placement["rank"] is None:
                cells += ["not ranked", ""]
            else:
                cells += [str(placement["rank"]), f"{placement['score']:.4g}"]
        table.add_row(*(_plain(cell) for cell in cells))
    return table


def _table(*columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _plain(text: str) -> Text:
    """Text that is shown as it stands: no markup, no control characters of a hostile name."""
    from rich.text import Text

    return Text("".join(character if character.isprintable() else "\ufffd" for character in text))
