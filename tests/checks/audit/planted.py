"""For every check a defect that it must find, and a near miss that it must not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fieldguide.checks.audit.subject import AuditSubject
from fieldguide.formats.collection import PublishedBenchmark, PublishedQuestion
from fieldguide.formats.reading import read
from tests.checks.audit import synthetic as s

Make = Callable[[Path], AuditSubject]


@dataclass(frozen=True)
class Planted:
    """A check, a subject with a defect and one that comes near it; `shows` is in the finding's rows or evidence."""

    check: str
    what: str
    defect: Make
    near_miss: Make
    shows: str


BASE, SINGLE = s.clean(), s.clean(mixed=False)
FIRST = BASE.questions[0]
WHICH = BASE.questions[1]


def plain(collection: PublishedBenchmark) -> Make:
    subject = AuditSubject(collection)
    return lambda _: subject


def asked(text: str, number: int = 1) -> Make:
    """The base with one question's text changed."""
    return plain(s.at(BASE, number, text=text))


def answered(text: str) -> Make:
    return plain(s.at(BASE, 1, answers=(text,)))


def file(*records: str) -> Make:
    """A published file read from text."""

    def make(folder: Path) -> AuditSubject:
        path = folder / "made.jsonl"
        path.write_text("\n".join(records) + "\n", encoding="utf-8")
        return AuditSubject(read(None, path))

    return make


def taxa(number: int, one: str, other: str, families: tuple[str, str] = ("Familidae", "Familidae")) -> Make:
    """The base of single entities with the entities of one question changed."""
    names = (one, other)
    folders = [s.folder(n, name, family) for n, (name, family) in enumerate(zip(names, families, strict=True), 90000)]
    question = SINGLE.questions[number]
    pools = tuple(
        replace(p, entity=name, labels={f"{f}/{i.rpartition('/')[2]}": v for i, v in p.labels.items()})
        for p, name, f in zip(question.pools, names, folders, strict=True)
    )
    return plain(s.at(SINGLE, number, pools=pools))


def first_answers(share: float) -> Make:
    """`Which` questions whose answer is the entity named first, in so many of a hundred."""

    def change(n: int, q: PublishedQuestion) -> PublishedQuestion:
        if n % 2 == 0:
            return q
        names = sorted((p.entity or "" for p in q.pools), key=q.text.find)
        return replace(q, answers=(f"It is {names[0 if n / 200 < share else 1]}.",))

    return plain(s.questions(BASE, change))


def said(yes: int) -> Make:
    """The hundred questions of yes and no with so many yes."""
    return plain(
        s.questions(BASE, lambda n, q: q if n % 2 else replace(q, answers=("Yes." if n < 2 * yes else "No.",)))
    )


def capped(number: int) -> PublishedBenchmark:
    return s.pools(BASE, lambda _, p: replace(p, labels=s.with_relevant(p.labels, min(len(p.relevant), number))))


def sized(most: int) -> PublishedBenchmark:
    return s.pools(BASE, lambda _, p: replace(p, labels=dict(list(p.labels.items())[:most])))


def small_pool(size: int) -> Make:
    labels = BASE.pools[3].labels
    chosen = sorted(labels, key=lambda i: not labels[i])[:size]
    return plain(s.pool(BASE, 3, labels={i: v for i, v in labels.items() if i in chosen}))


def sharing(share: float) -> Make:
    """Pool 4 with so much of its images from pool 0."""
    one, other = list(BASE.pools[0].labels.items()), list(BASE.pools[4].labels.items())
    number = round(share * len(one))
    labels = dict(one[:number] + other[: len(one) - number])
    return plain(s.pool(BASE, 4, labels=labels))


def ordered(key: Callable[[tuple[str, int | None]], str]) -> Make:
    """Pools of one entity in another order."""
    return plain(s.pools(SINGLE, lambda _, p: replace(p, labels=dict(sorted(p.labels.items(), key=key)))))


def twins(label: int) -> Make:
    """Question 1 again as question 3, in other folders, with one label changed for a file of the same name."""
    question = BASE.questions[1]
    pool = question.pools[0]
    image = pool.relevant[0]
    again = {f"elsewhere/{i.rpartition('/')[2]}": (label if i == image else v) for i, v in pool.labels.items()}
    return plain(s.at(BASE, 3, text=question.text, pools=(replace(pool, labels=again), question.pools[1])))


def without_texts() -> Make:
    """TREC qrels alone: one image is relevant for one topic and not for the other."""

    def make(folder: Path) -> AuditSubject:
        path = folder / "qrels"
        path.write_text("1 0 a 1\n1 0 b 0\n2 0 a 0\n2 0 b 1\n")
        return AuditSubject(read("trec", path))

    return make


def same_numbers() -> Make:
    """Files of one name in two folders, which are two images."""
    labels: dict[str, int | None] = {f"{f}/{n:03d}.jpg": int(f == "a" and n < 5) for f in "ab" for n in range(30)}
    return plain(s.pool(BASE, 0, labels=labels))


def by_entity(missed: int) -> Make:
    """A pool of three entities; the images of `a` are relevant but for so many."""
    labels: dict[str, int | None] = {f"{f}/{n}.jpg": int(f == "a" and n >= missed) for f in "abc" for n in range(10)}
    return plain(s.pool(BASE, 0, labels=labels))


def placed(label: int, missing: int = 0, copy: bool = False, case: bool = False) -> Make:
    """A small collection whose images are files, each of its own bytes and of equal size."""

    def make(folder: Path) -> AuditSubject:
        labels: dict[str, int | None] = {f"a/{n:02d}.jpg": int(n < 5) for n in range(40)}
        for n, image in enumerate(list(labels)[missing:], missing):
            path = folder / "images" / (image.upper() if case and n == 3 else image)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"%05d" % (0 if copy and n == 39 else n))
        labels["a/39.jpg"] = label
        return AuditSubject(s.pool(BASE, 0, labels=labels), images=folder / "images")

    return make


def alone(make: Make) -> Make:
    """Only the first pool of what `make` gives: no other image is looked for."""

    def inner(folder: Path) -> AuditSubject:
        subject = make(folder)
        first = subject.collection.questions[0]
        return replace(
            subject, collection=replace(subject.collection, questions=(replace(first, pools=first.pools[:1]),))
        )

    return inner


def prompt(text: str) -> Make:
    return lambda _: AuditSubject(BASE, prompts={"few-shot.txt": text})


def scored(**by_measure: float) -> Make:
    return lambda _: AuditSubject(BASE, scores=s.scores(**by_measure))


def record(**more: object) -> str:
    images = {e: {f"f{e}/{n}.jpg": int(n < 4) for n in range(40)} for e in ("entity_1", "entity_2")}
    return json.dumps({"question": "Which is it, a or b?", "answer": ["a"], "images": images, "sn": ["a", "b"], **more})


REPEATED_KEY = record().replace('"fentity_1/3.jpg": 1', '"fentity_1/2.jpg": 0')
CHANCE = float(np.mean([len(p.relevant) / len(p.labels) for p in BASE.pools]))
A, B = (p.entity or "" for p in WHICH.pools)

PLANTED = (
    Planted("structure.deviations", "a key twice in one object", file(REPEATED_KEY), file(record()), "fentity_1/2.jpg"),
    Planted(
        "structure.missing-field", "a field that three records lack, or have as null",
        plain(s.fields(BASE, lambda n, _: {} if n > 196 else {"source": f"book {n}"})),
        plain(s.fields(BASE, lambda n, _: {"source": None if n > 196 else f"book {n}"})), "197 of 200",
    ),
    Planted(
        "structure.mixed-types", "a number as text, or with a fraction",
        plain(s.fields(BASE, lambda n, _: {"year": "2001" if n == 7 else 2000 + n})),
        plain(s.fields(BASE, lambda n, _: {"year": 1.5 if n == 7 else None if n == 8 else 2000 + n})), '"2001"',
    ),
    Planted(
        "structure.dead-field", "lists of nothing everywhere, or but once",
        plain(s.fields(BASE, lambda n, _: {"hints": []})),
        plain(s.fields(BASE, lambda n, _: {"hints": ["wings"] if n == 3 else []})), "no type",
    ),
    Planted(
        "structure.repeated-question", "one text twice but for case, or but for a word",
        plain(s.at(BASE, 3, text=WHICH.text.upper().rstrip("?"))),
        plain(s.at(BASE, 3, text=WHICH.text.replace(" or ", " and not "))), "2 records",
    ),
    Planted(
        "structure.empty-record", "a pool without images, or with one",
        plain(s.pool(BASE, 3, labels={})), plain(s.pool(BASE, 3, labels={"a/1.jpg": 1})), "has no images",
    ),
    Planted(
        "labels.values", "a grade that one pool has, or every pool",
        plain(s.pool(BASE, 3, labels={**BASE.pools[3].labels, BASE.pools[3].relevant[0]: 2})),
        plain(s.pools(BASE, lambda _, p: replace(p, labels={**p.labels, p.relevant[0]: 2}))), "is 2",
    ),
    Planted(
        "labels.values", "images without a label, or with a label of 0",
        plain(s.pool(BASE, 3, labels={**BASE.pools[3].labels, "a/new.jpg": None})),
        plain(s.pool(BASE, 3, labels={**BASE.pools[3].labels, "a/new.jpg": 0})), "1 of",
    ),
    Planted("labels.contradictory", "a question again with another label, or the same", twins(0), twins(1), "is 0"),
    Planted("labels.contradictory", "... or two topics without a text", twins(0), without_texts(), "is 1"),
    Planted("labels.contradictory", "... or a number in two folders", twins(0), same_numbers(), "is 1"),
    Planted(
        "labels.one-kind", "no positive, or one",
        plain(s.pool(BASE, 3, labels=s.with_relevant(BASE.pools[3].labels, 0))),
        plain(s.pool(BASE, 3, labels=s.with_relevant(BASE.pools[3].labels, 1))), "1 of 400",
    ),
    Planted(
        "labels.stated-counts", "a count that is off by one, or a field that agrees by chance",
        plain(s.fields(BASE, lambda n, q: {"y_count": [5 if n == 2 else len(p.relevant) for p in q.pools]})),
        plain(s.fields(BASE, lambda n, q: {"level": len(q.pools[0].relevant) if n % 2 else n})), "counted: ",
    ),
    Planted(
        "labels.stated-counts", "a share that is wrong, or rounded",
        plain(s.fields(BASE, lambda n, q: {"y_rate": [round(len(p.relevant) / len(p.labels), 3) + 0.002 * (n == 9)
                                                       for p in q.pools]})),
        plain(s.fields(BASE, lambda n, q: {"y_rate": [round(len(p.relevant) / len(p.labels), 3) for p in q.pools]})),
        "share",
    ),
    Planted(
        "labels.stated-names", "names in the wrong order, or written otherwise",
        plain(s.fields(SINGLE, lambda n, q: {"sn": [p.entity for p in q.pools[:: -1 if n == 4 else 1]]})),
        plain(s.fields(SINGLE, lambda n, q: {"sn": [(p.entity or "").lower().replace(" ", "_") for p in q.pools]})),
        "the images are of",
    ),
    Planted("labels.entity-decides", "all images of one entity relevant, or all but one", by_entity(0), by_entity(1),
            "all 10 images of a, and no others"),
    Planted("labels.order", "positives first, or sorted by name", ordered(lambda i: "" if i[1] else "then"),
            ordered(lambda i: i[0]), "mean area"),
    Planted("pools.positive-cap", "cut off at ten, or as they fell", plain(capped(10)), plain(BASE), "exactly 10"),
    Planted(
        "pools.positive-cap", "cut off in the second pools, or three at the top",
        plain(s.pools(BASE, lambda n, p: replace(p, labels=s.with_relevant(p.labels, min(8, len(p.relevant)))) if n % 2
                      else p)),
        plain(s.pools(BASE, lambda n, p: replace(p, labels=s.with_relevant(p.labels, 16)) if n < 3 else p)), "entity_2",
    ),
    Planted("pools.size-cap", "cut off at 50 images, or as they fell", plain(sized(50)), plain(BASE), "have 50 images"),
    Planted("pools.single-entity", "one entity a pool, or two", plain(SINGLE), plain(BASE), "400 of 400"),
    Planted(
        "pools.stray-image", "one image of another entity, or half of them",
        plain(s.pool(SINGLE, 3, labels={**SINGLE.pools[3].labels, SINGLE.pools[0].relevant[0]: 0})),
        plain(s.pool(SINGLE, 3, labels={**SINGLE.pools[3].labels, **SINGLE.pools[0].labels})), "among images of",
    ),
    Planted(
        "pools.few-positives", "two positives, or three",
        plain(s.pool(BASE, 3, labels=s.with_relevant(BASE.pools[3].labels, 2))),
        plain(s.pool(BASE, 3, labels=s.with_relevant(BASE.pools[3].labels, 3))), "2 of ",
    ),
    Planted("pools.small", "29 images, or 30", small_pool(29), small_pool(30), "29 images"),
    Planted("pools.near-identical", "nine tenths shared, or half", sharing(0.95), sharing(0.5), "shares"),
    Planted(
        "pairs.distant", "another order, or another genus of the family",
        taxa(2, "Bubax ludox", "Tomax ribix", ("Familidae", "Otheridae")),
        taxa(2, "Bubax ludox", "Tomax ribix"),
        "the order only",
    ),
    Planted(
        "pairs.like-names", "one epithet in two genera, or nearly",
        taxa(2, "Bubax nigra", "Tomax nigra"), taxa(2, "Bubax nigra", "Tomax nigrans"), "nigra",
    ),
    Planted(
        "pairs.same-entity", "an entity twice, or its sister",
        taxa(2, "Bubax ludox", "Bubax ludox"), taxa(2, "Bubax ludox", "Bubax ludoxa"), "twice",
    ),
    Planted(
        "pairs.repeated", "a pair in two questions, or one of its entities",
        plain(s.at(SINGLE, 4, pools=SINGLE.questions[2].pools)),
        plain(s.at(SINGLE, 4, pools=(SINGLE.questions[2].pools[0], SINGLE.questions[4].pools[1]))), "2 questions",
    ),
    Planted(
        "pairs.not-named", "another name in the question, or in other case",
        asked(WHICH.text.replace(A, "Bubax ludox")), asked(WHICH.text.replace(A, A.upper())), A,
    ),
    Planted("answers.prior", "70 yes of 100, or 58", said(70), said(58), "70 yes, 30 no"),
    Planted("answers.position", "65 first of 100, or 55", first_answers(0.65), first_answers(0.55), "First in 65"),
    Planted(
        "answers.missing", "one answer empty, or all",
        plain(s.at(BASE, 3, answers=(" ",))),
        plain(s.questions(BASE, lambda _, q: replace(q, answers=()))), "199 of 200",
    ),
    Planted(
        "answers.presumption", "which one? neither; or do both? no, neither",
        answered("Neither one has a darker wing."), plain(s.at(BASE, 0, answers=("No, neither has.",))), "Neither",
    ),
    Planted("text.doubled-word", "the the, or that that", asked("Is it the the moth or not, and that of it?"),
            asked("Is it true that that moth of Cossus had had it?"), "the the"),
    Planted(
        "text.doubled-word", "a word, or the name of an entity", asked("Is the wing wing of a moth darker?"),
        taxa(1, "Bubax bubax", "Bubax ludox"), "wing wing",
    ),
    Planted("text.question-mark", "no mark, or a mark before a bracket", asked(WHICH.text.rstrip("?")),
            asked(f"{WHICH.text} (Look from above.)"), "question: "),
    Planted("text.question-mark", "an answer with a mark, or with a quoted word", answered("The moth has it?"),
            answered('The moth has "it".'), "answer: "),
    Planted("text.final-stop", "a sentence without a stop, or one word", answered("The moth has a darker wing"),
            answered("Moths"), "darker wing"),
    Planted("text.white-space", "space at the end, or a decimal point", asked(f"{WHICH.text} "),
            asked("Is the moth 1.5 cm long, and 2,000 mg heavy?"), "ends with white space"),
    Planted("text.white-space", "space before a comma, or a dash", asked("Is the moth , or the duck, darker?"),
            asked("Is the moth - or the duck - darker?"), "before a punctuation mark"),
    Planted("text.white-space", "a no-break space, or an accent", asked("Is the\u00a0moth darker?"),
            asked("Is the pōhutukawa darker?"), "does not show"),
    Planted("text.quotes", "a stray mark, or apostrophes", asked("Is the moth darker?'"),
            asked("Is Cooper's hawk's wing darker than the ducks' wings?"), "does not pair"),
    Planted("text.quotes", "a stray mark, or a name", asked("Is the Man o' War' darker?"),
            asked("Is the Man o' War darker?"), "does not pair"),
    Planted("text.quotes", "a bracket left open, or closed", asked("Is the moth (a butterfly darker?"),
            asked("Is the moth (a butterfly) darker?"), "( does not pair"),
    Planted("text.encoding", "decoded wrongly, or with an accent", asked("Is the pÅ\x8dhutukawa darker?"),
            asked("Is the pōhutukawa or the Ñandú darker?"), "Å"),
    Planted("text.double-comparative", "more darker, or more slender",
            asked("Which one is more darker, it or the duck?"),
            asked("Which one is more slender than others, and has more feathers?"), "more darker"),
    Planted("text.agreement", "which one have, or which ones", asked("Which one generally have a wing?"),
            asked("Which ones have a wing, and which one has a tail?"), "Which one generally have"),
    Planted("text.near-phrase", "on for one, or ones", asked(WHICH.text.replace("Which one", "Which on")),
            asked(WHICH.text.replace("Which one has", "Which ones has")), "which on has"),
    Planted("text.spelling", "a letter swapped, or a name", asked("Is the moth generlaly darker?"),
            asked("Is the larger Sofodix moth (Sofodix ludox) or the hindwing of a bananaquit darker in colour?"),
            "'generlaly', perhaps 'generally'"),
    Planted("text.spelling", "letters left out, or plurals and words of other languages",
            asked("Is the moth generaly darker?"),
            asked("Is the moth with webbings, of a dark morph, darker in the gruta?"), "'generaly'"),
    Planted("text.name-label", "no label, or another name in brackets",
            asked(WHICH.text.replace("scientific name: ", "")), asked(f"{WHICH.text} (See the larva.)"), A),
    Planted(
        "text.name-case", "a fifth of the names in capitals, or one",
        plain(s.questions(BASE, lambda n, q: replace(q, text=q.text.replace(" (sci", "x (sci").replace("duckx", "Duck")
                                                      .replace("x (sci", " (sci")))),
        asked(WHICH.text.replace("duck (", "Duck (")), "Duck",
    ),
    Planted(
        "text.initial-case", "a fourth in small letters, or one",
        plain(s.questions(BASE, lambda n, q: replace(q, text=q.text[0].lower() + q.text[1:]) if n % 4 == 0 else q)),
        asked(WHICH.text[0].lower() + WHICH.text[1:]), "150 begin",
    ),
    Planted("prompts.test-question", "a question as an example, or a sister of it",
            prompt(f"Example\nQ: {WHICH.text.upper()}"),
            prompt("Q: Which one has a rounder head, the goat or the sheep?"), "few-shot.txt"),
    Planted("prompts.test-question", "most of a question, or its first words",
            prompt(WHICH.text.replace("Which one has", "Tell which has")), prompt(" ".join(WHICH.text.split()[:9])),
            "runs in"),
    Planted("prompts.test-entity", "both entities, or one", prompt(f"Draw {A} beside {B}."),
            prompt(f"Draw {A}."),
            A.lower()),
    Planted("images.not-found", "two files missing, or none", alone(placed(0, missing=2)), alone(placed(0)),
            "2 of 40 images"),
    Planted("images.not-found", "a name in capitals, or as it is", alone(placed(0, case=True)), alone(placed(0)),
            "there is A/03.JPG"),
    Planted("images.two-labels", "a copy with another label, or the same", alone(placed(0, copy=True)),
            alone(placed(1, copy=True)), "a/00.jpg is 1, a/39.jpg is 0"),
    Planted("images.two-labels", "... or files of equal size", alone(placed(0, copy=True)), alone(placed(0)),
            "a/39.jpg"),
    Planted("chance.not-above", "what chance scores, or three times that", scored(hit_at_1=CHANCE),
            scored(hit_at_1=3 * CHANCE), "hit@1"),
    Planted("chance.large-share", "twice chance, or five times", scored(hit_at_1=2 * CHANCE),
            scored(hit_at_1=5 * CHANCE), "chance 0."),
    Planted("selection.failed-baseline", "no hit in 400 pools, or as many as chance", scored(hit_at_1=0.0),
            scored(hit_at_1=0.9 * CHANCE), "p = "),
    Planted("power.topics", "three topics, which show nothing, or two hundred", plain(s.clean(topics=3)), plain(BASE),
            "3 topics show no difference at all"),
    Planted("power.topics", "fifty topics, or two hundred", plain(s.clean(topics=50)), plain(BASE), "50 topics"),
)  # fmt: skip
