"""What the report shows and what it does not: sentences about facts that are counted in the data.

Each function below looks at one threat to what the figures seem to say, and returns None where the data
do not have it. What only the curator knows is `report.remarks` of params.yaml.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fieldguide.core.english import counted, listed
from fieldguide.models.encoders.registry import ENCODERS
from fieldguide.models.generators.registry import GENERATORS
from fieldguide.models.networks.stored import Training
from fieldguide.params.document import left_out
from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.report.views.health import View, judged_shares
from fieldguide.records.drawings import DRAWING_REFERENCES
from fieldguide.records.judgments import in_pools

# Ids that a sentence names.
_SHOWN = 10


@dataclass(frozen=True)
class Claim:
    """A short heading and a few sentences."""

    heading: str
    text: str


def claims(benchmark: Benchmark, boards: list[View]) -> list[Claim]:
    """Everything a reader should know before quoting a figure."""
    sources: tuple[Callable[[Benchmark], Claim | None], ...] = (
        _generator, _photographs, _text_towers, _zero_shot, _judges, _one_label, _pools, _leaks, _distractors,
        _failures, _left_out,
    )  # fmt: skip
    found = [source(benchmark) for source in sources]
    found.append(_uncertainty(benchmark, boards))
    found += [Claim(heading, text) for heading, text in benchmark.params.report.remarks.items()]
    return [claim for claim in found if claim is not None]


def _left_out(benchmark: Benchmark) -> Claim | None:
    """Besides those that look at drawings where nothing is drawn: `_generator` tells of them."""
    params = benchmark.params
    drawing = set(params.drawing_systems()) if params.visualize.generator is None else set()
    found = [f"{name} {lack}" for name, lack in left_out(params).items() if name not in drawing]
    return Claim("Systems that were left out", f"In params.yaml and not run: {'; '.join(found)}.") if found else None


def _generator(benchmark: Benchmark) -> Claim | None:
    params = benchmark.params
    systems = params.drawing_systems(params.retrieve.systems)
    name, section = params.visualize.generator, params.generator
    if name is None or section is None:
        lacking = params.drawing_systems()
        text = "No text-to-image model drew anything." + (f" Left out for that: {_list(lacking)}." if lacking else "")
        return Claim("Nothing was drawn", text)
    if not systems:
        return None
    training = GENERATORS.training(name, section, benchmark.paths.root)
    if training is None:
        text = (
            f"The drawings are by {name} ({section.kind}). What it was trained on is not recorded here; "
            "it may have seen these entities, or these very photographs."
        )
        return Claim("What the generator knows", text)
    asked = _asked(benchmark)
    known = len(asked & training.entities)
    others = _count(len(training.entities) - known)
    text = (
        f"The text-to-image model was trained on {_photographs_of(training, benchmark)}. It knows {known} of the "
        f"{len(asked)} entities asked about, and {others} others. So the systems that use "
        f"drawings ({', '.join(systems)}) show that the pipeline works, not how a general text-to-image model would do."
    )
    return Claim(
        "The generator has seen these entities" if known else "The generator has not seen these entities", text
    )


def _photographs_of(training: Training, benchmark: Benchmark) -> str:
    """What a model was trained on, and where else in this benchmark that is."""
    if not training.photographs:
        return "photographs that are not recorded"
    images = benchmark.images[benchmark.images["image_id"].isin(training.photographs)]
    splits, sources = images["split"].value_counts(), set(images.loc[images["split"] == "train", "source"])
    shared = sorted(sources & set(benchmark.images.loc[benchmark.images["split"] == "gallery", "source"]))
    same = f", from the source that gallery images come from too ({_list(shared)})" if shared else ""
    total, train, gallery = len(training.photographs), splits.get("train", 0), splits.get("gallery", 0)
    whose = "of the train split" if train == total else f"({train:,} of them of the train split)"
    leak = f"; {gallery:,} of them are in the gallery that is searched" if gallery else ""
    return f"{total:,} photographs {whose}{same}{leak}"


def _photographs(benchmark: Benchmark) -> Claim | None:
    path = benchmark.paths.drawing_references
    if not path.exists():
        return None
    shown = DRAWING_REFERENCES.read(path)
    text = (
        f"{shown['drawing_id'].nunique():,} drawings were made after {shown['image_id'].nunique():,} photographs of "
        "the train split that show their entities, none of them in the gallery. Systems that use drawings were told "
        "how the entities look, and the others were not."
    )
    return Claim("The generator looked at photographs of the entities", text)


def _text_towers(benchmark: Benchmark) -> Claim | None:
    systems = _systems_by_encoder(benchmark, "text-tower")
    if not systems:
        return None
    params, root = benchmark.params, benchmark.paths.root
    taught = [ENCODERS.training(n, e, root) for n, e in params.encoders.items() if e.kind == "text-tower"]
    training = next((found for found in taught if found is not None), None)
    if training is None:
        return None
    drawer, section = params.visualize.generator, params.generator
    same = GENERATORS.training(drawer, section, root) if drawer and section else None
    verb = "uses" if len(systems) == 1 else "use"
    text = f"{_list(systems)} {verb} a text encoder that was trained on {_photographs_of(training, benchmark)}."
    if same is not None and same.photographs == training.photographs:
        text += " They and the systems that use drawings have had the same teaching, so they can be compared."
    return Claim("The text encoder was trained too", text)


def _zero_shot(benchmark: Benchmark) -> Claim | None:
    systems = _systems_by_encoder(benchmark, "conse")
    if not systems:
        return None
    text = (
        f"{_list(systems)} never saw a labelled photograph of these entities: an image is described by the classes "
        "of a general classifier. A lead over them is partly the lead of having been trained here."
    )
    if benchmark.params.evaluate.baseline in systems:
        text += f" The baseline of the comparisons, {benchmark.params.evaluate.baseline}, is one of them."
    return Claim("The zero-shot baseline has not", text)


def _judges(benchmark: Benchmark) -> Claim:
    judged = benchmark.qrels
    by_label = int(judged["assessors"].map(lambda who: list(who) == ["dataset-label"]).sum())
    if by_label == len(judged):
        text = (
            f"All {len(judged):,} judgments are the data set's own labels. No person has looked whether the asked "
            "feature can be seen: a photograph counts as relevant when its label names the entity."
        )
        return Claim("Judgments are labels, not people's", text)
    people = sorted({who for names in judged["assessors"] for who in names} - {"dataset-label"})
    who_judged = counted(len(people), "person", "people")
    text = f"{len(judged) - by_label:,} of {len(judged):,} grades rest on the judgments of {who_judged}"
    rest = f"; {by_label:,} are the data set's own labels." if by_label else "."
    doubtful = int(judged["decided_by"].isin(["single", "tie"]).sum()) - by_label
    if doubtful > 0:
        rest += f" {doubtful:,} rest on one person's word or were a tie, of which the lower grade was taken."
    return Claim("Who judged", text + rest)


def _one_label(benchmark: Benchmark) -> Claim | None:
    if not benchmark.qrels["assessors"].map(lambda who: list(who) == ["dataset-label"]).any():
        return None
    text = (
        "A photograph has one label. Where it shows two entities at once, it counts as "
        "relevant for one of them only, and a system that finds it for the other is marked down."
    )
    return Claim("One label a photograph", text)


def _pools(benchmark: Benchmark) -> Claim:
    params = benchmark.params
    gallery = int((benchmark.images["split"] == "gallery").sum())
    if benchmark.complete:
        relevant = benchmark.qrels[benchmark.qrels["grade"] > 0]
        missed = len(relevant) - len(in_pools(relevant, benchmark.pools))
        text = (
            f"Labels judge all {gallery:,} gallery images for every subtopic, so that no image counts as not relevant "
            f"for want of a judgment. Had only the pools been judged (the first {params.pool.depth} of "
            f"{len(params.pool.systems)} systems and {params.pool.sample} drawn at random), {missed:,} of "
            f"{len(relevant):,} relevant images would be missing ({missed / max(len(relevant), 1):.1%})."
        )
        return Claim("The whole gallery is judged", text)
    sizes = benchmark.pools.groupby("subtopic_id").size()
    least, most = (int(sizes.min()), int(sizes.max())) if len(sizes) else (0, 0)
    shares = judged_shares(benchmark)
    text = (
        f"Of {gallery:,} gallery images, {least:,} to {most:,} a subtopic were judged: the first "
        f"{params.pool.depth} of {len(params.pool.systems)} systems and {params.pool.sample} drawn at random. "
        "An image that was not judged counts as not relevant."
    )
    if shares:
        lowest = min(shares, key=lambda system: (shares[system], system))
        text += f" Of the first ten images of a system, {shares[lowest]:.0%} or more are judged ({lowest} has fewest)."
    outside = [system for system in params.retrieve.systems if system not in params.pool.systems]
    if outside:
        text += f" Not pooled, and perhaps underrated: {_list(outside)}."
    return Claim("Only pools are judged", text)


def _leaks(benchmark: Benchmark) -> Claim | None:
    crossing = benchmark.duplicates[benchmark.duplicates["across_splits"].astype(bool)]
    near = int((crossing["kind"] == "near").sum())
    exact = int((crossing["kind"] == "exact").sum())
    if not near and not exact:
        return None
    parts = []
    if exact:
        parts.append(f"{exact:,} files were in both splits with the same bytes; they were kept for training only.")
    if near:
        pairs = "1 pair of near-duplicates has" if near == 1 else f"{near:,} pairs of near-duplicates have"
        parts.append(f"{pairs} one image in train and one in the gallery.")
    return Claim("Train and gallery touch", " ".join(parts))


def _distractors(benchmark: Benchmark) -> Claim | None:
    gallery = benchmark.images[benchmark.images["split"] == "gallery"]
    others = int((~gallery["entity_id"].isin(_asked(benchmark))).sum())
    text = (
        f"The gallery holds {len(gallery):,} images; {len(gallery) - others:,} show an entity asked about and "
        f"{others:,} do not. It is small: figures will be lower where the haystack is larger."
    )
    return Claim("A small gallery", text)


def _failures(benchmark: Benchmark) -> Claim | None:
    drawings = benchmark.drawings
    failed = int((drawings["status"] == "failed").sum())
    if not failed:
        return None
    topics = drawings[drawings["purpose"] == "topic"]
    drawn = (topics["status"] == "ok").groupby(topics["prompt"]).any()
    without = sorted(i for i, phrase in benchmark.phrases.items() if not drawn.get(phrase.text, False))
    text = f"{failed:,} of {len(drawings):,} drawings failed. They were not replaced; fewer were fused."
    if without:
        text += f" Without any drawing, and so without a rank by drawings, are {len(without):,} subtopics: "
        text += f"{', '.join(without[:_SHOWN])}{', ...' * (len(without) > _SHOWN)}."
    return Claim("Drawings that failed", text)


def _uncertainty(benchmark: Benchmark, boards: list[View]) -> Claim | None:
    if not boards:
        return None
    evaluate = benchmark.params.evaluate
    counts = ", ".join(
        f"{board['topics']} topics ({board['title'].lower()})" for board in boards if board["track"] == "fullrank"
    )
    effect = max(board["effect"] for board in boards)
    shared = (
        f" Topics share entities, so they are not independent: the variance of a mean is up to {effect:.1f} times "
        "what independent topics would give, and intervals and tests allow for it. That they share photographs too is "
        "not allowed for."
        if effect > 1
        else ""
    )
    pairs = [len(board["pairs"].rows) for board in boards]
    text = (
        f"Intervals ({evaluate.confidence:.0%}) resample topics: {counts}.{shared} Each leaderboard compares "
        f"{max(pairs)} pairs of systems by {evaluate.headline}; q corrects p for these (Benjamini-Hochberg), not for "
        f"the number of leaderboards ({len(boards)}) nor for other measures."
    )
    return Claim("How sure the figures are", text)


def _systems_by_encoder(benchmark: Benchmark, kind: str) -> list[str]:
    params = benchmark.params
    used = {n: {e for _, s in params.systems[n].walk(n) for e in s.encoders.values()} for n in params.retrieve.systems}
    return [n for n, encoders in used.items() if any(params.encoders[e].kind == kind for e in encoders)]


def _asked(benchmark: Benchmark) -> set[str]:
    return {subtopic.entity_id for subtopic in benchmark.subtopics.values()}


def _count(number: int) -> str:
    return f"{number:,}" if number else "no"


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else listed(names, "and")
