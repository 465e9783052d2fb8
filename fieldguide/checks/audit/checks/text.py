"""Lint of questions and answers: slips that a reader stumbles over and that a text encoder sees."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

from fieldguide.checks.audit.finding import Observation, Place, Severity
from fieldguide.checks.audit.registry import check
from fieldguide.checks.audit.subject import AuditSubject, Passage
from fieldguide.core.english import counted

_DOUBLED = re.compile(r"\b([^\W\d_]+)\s+\1\b", re.IGNORECASE)
_MAY_DOUBLE = frozenset({"had", "that", "bye", "cha", "can", "gung"})
_FUNCTION = frozenset(
    ("a", "an", "and", "are", "as", "at", "by", "do", "does", "for", "from", "has", "have", "in", "is", "it", "of",
     "on", "or", "than", "the", "their", "this", "to", "was", "which", "who", "with")
)  # fmt: skip
# Space where none belongs: at the ends, twice, before a mark that ends a clause, or not a plain space.
_SPACES = (
    (re.compile(r"^\s+"), "begins with white space"),
    (re.compile(r"\s+$"), "ends with white space"),
    (re.compile(r"(?<=\S) {2,}(?=\S)"), "has two spaces in a row"),
    (re.compile(r"(?<=\S)\s+[,;:?!.](?=\s|$)"), "has a space before a punctuation mark"),
    (re.compile(r"(?<=[a-z])[,;?!](?=[A-Za-z])"), "has no space behind a punctuation mark"),
    (re.compile(r"[\t\r\n\v\f\u00a0\u00ad\u200b-\u200f\u2028\u2029\ufeff]"), "holds a character that does not show"),
)
_PAIRS = {"(": ")", "[": "]", "“": "”", "«": "»"}
_APOSTROPHE = re.compile(
    r"(?<=\w)['’](?=\w)|(?<=s)['’](?=[\s,.;:?!)]|$)|(?<!\w)['’](?=\d\d|em\b|til\b)|(?<=\b[oO])['’]"  # Man o' War
)
_LONG = 4
"""Questions from which on what most of them do is taken for their form."""
# Comparatives of one word; `more` before them says it twice.
_GRADED = [
    "big",
    "blunt",
    "bold",
    "bright",
    "broad",
    "brown",
    "clean",
    "clear",
    "coarse",
    "cold",
    "cool",
    "dark",
    "deep",
    "dense",
    "dim",
    "dull",
    "faint",
    "fast",
    "fat",
    "few",
    "fine",
    "firm",
    "flat",
    "full",
    "fuzzy",
    "glossy",
    "great",
    "green",
    "grey",
    "hairy",
    "hard",
    "heavy",
    "high",
    "large",
    "late",
    "light",
    "long",
    "loose",
    "loud",
    "low",
    "narrow",
    "near",
    "old",
    "pale",
    "pointy",
    "poor",
    "quick",
    "rich",
    "rough",
    "round",
    "scaly",
    "shallow",
    "sharp",
    "shiny",
    "short",
    "slim",
    "slow",
    "small",
    "smooth",
    "soft",
    "spiky",
    "steep",
    "stiff",
    "straight",
    "strong",
    "tall",
    "thick",
    "thin",
    "tight",
    "tiny",
    "warm",
    "weak",
    "wet",
    "white",
    "wide",
    "wild",
    "yellow",
    "young",
]


@check(
    "text.doubled-word",
    proves="A word stands twice in a row.",
    cannot="Whether it is meant: names of species that repeat themselves are known only from the entities.",
    advice="Remove one of the two.",
)
def doubled_word(subject: AuditSubject) -> Iterator[Observation]:
    """`the the`; tautonyms (Gorilla gorilla) of the collection's entities are names."""

    def doubled(passage: Passage) -> str | None:
        for match in _DOUBLED.finditer(passage.text):
            word = match[1].casefold()
            if word not in _MAY_DOUBLE and (word in _FUNCTION or word not in subject.name_words):
                return f"{match[0]!r}"
        return None

    yield from _gather(subject, doubled, "note", "Doubled words", "with a word twice in a row")


@check(
    "text.question-mark",
    proves="A question lacks its question mark while most have one, or an answer ends in one.",
    cannot="Collections of captions, where few texts are questions.",
    advice="Add or remove the mark.",
)
def question_mark(subject: AuditSubject) -> Iterator[Observation]:
    """Questions without, answers with a question mark."""
    asked = [p for p in subject.passages if p.part == "question"]
    marked = sum("?" in p.text for p in asked)
    rows = [
        Place(p.where, f"answer: {p.text}") for p in subject.passages if p.part == "answer" and _bare(p).endswith("?")
    ]
    if len(asked) >= _LONG and marked * 2 > len(asked):
        rows += [Place(p.where, f"question: {p.text}") for p in asked if "?" not in p.text]
    if rows:
        evidence = f"{marked} of {len(asked)} questions have a question mark."
        yield Observation("note", "certain", "Question marks are missing or misplaced", evidence, tuple(rows))


@check(
    "text.final-stop",
    proves="Some answers end without a full stop while most have one.",
    cannot="Answers of one word.",
    advice="Write all answers one way: metrics that compare strings see the difference.",
)
def final_stop(subject: AuditSubject) -> Iterator[Observation]:
    """Answers of a sentence's length without a mark at the end."""
    sentences = [p for p in subject.passages if p.part == "answer" and len(p.text.split()) > 2]
    bare = [p for p in sentences if _bare(p)[-1] not in ".?!"]
    if bare and len(bare) * 4 <= len(sentences):
        rows = tuple(Place(p.where, p.text) for p in bare)
        evidence = f"{len(sentences) - len(bare)} of {len(sentences)} sentences end with a mark."
        yield Observation("note", "certain", "Answers without a full stop", evidence, rows)


@check(
    "text.white-space",
    proves="A text has stray white space, or characters that do not show.",
    cannot="Whether a system strips it.",
    advice="Strip and normalise the texts before publishing.",
)
def white_space(subject: AuditSubject) -> Iterator[Observation]:
    """Space at the ends, doubled, before punctuation, missing behind it, or invisible."""

    def stray(passage: Passage) -> str | None:
        found = [what for pattern, what in _SPACES if pattern.search(passage.text)]
        return f"{', '.join(found)}: {passage.text!r}" if found else None

    yield from _gather(subject, stray, "note", "Stray white space", "with stray white space")


@check(
    "text.quotes",
    proves="Quotation marks or brackets do not pair.",
    cannot="Marks that pair and are still wrong.",
    advice="Remove the stray mark.",
)
def quotes(subject: AuditSubject) -> Iterator[Observation]:
    """Odd counts of quotation marks, brackets that do not close; apostrophes are none."""

    def unpaired(passage: Passage) -> str | None:
        text = _APOSTROPHE.sub("", passage.text)
        marks = [mark for mark in "\"'" if text.count(mark) % 2]
        marks += [opening for opening, closing in _PAIRS.items() if text.count(opening) != text.count(closing)]
        return f"{' '.join(marks)} does not pair: {passage.text!r}" if marks else None

    yield from _gather(subject, unpaired, "note", "Stray quotation marks or brackets", "with marks that do not pair")


@check(
    "text.encoding",
    proves="A text was decoded with the wrong character set somewhere, or lost characters.",
    cannot="Damage that left plain letters.",
    advice="Decode the source again as UTF-8.",
)
def encoding(subject: AuditSubject) -> Iterator[Observation]:
    """What `ftfy` would decode anew, and the replacement character."""
    from ftfy import fix_encoding

    def damaged(passage: Passage) -> str | None:
        if passage.text.isascii():
            return None
        mended = fix_encoding(passage.text)
        return f"{passage.text!r}" if mended != passage.text or "\ufffd" in passage.text else None

    yield from _gather(subject, damaged, "error", "Damaged characters", "with characters decoded wrongly")


@check(
    "text.double-comparative",
    proves="`more` or `less` stands before a word that is a comparative already.",
    cannot="Comparatives outside a short list.",
    advice="Write `darker` or `more dark`.",
)
def double_comparative(subject: AuditSubject) -> Iterator[Observation]:
    """`more darker`."""
    forms = "|".join(sorted({form for word in _GRADED for form in _comparatives(word)}))
    pattern = re.compile(rf"\b(?:more|less)\s+(?:{forms})\b", re.IGNORECASE)

    def twice(passage: Passage) -> str | None:
        match = pattern.search(passage.text)
        return f"{match[0]!r}: {passage.text}" if match else None

    yield from _gather(subject, twice, "note", "Comparatives made twice", "with a comparative made twice")


@check(
    "text.agreement",
    proves="`Which one` (or `one of them`) is followed by a verb in the plural.",
    cannot="Any other grammar.",
    advice="Put the verb into the singular.",
)
def agreement(subject: AuditSubject) -> Iterator[Observation]:
    """`which one have`, `which one generally appear`."""
    verbs = "have|are|do|were|appear|show|display|exhibit|possess|tend|look|seem|lack|contain|feature"
    pattern = re.compile(rf"\bwhich one(?: of (?:them|these|those))?(?: \w+ly)? (?:{verbs})\b", re.IGNORECASE)

    def plural(passage: Passage) -> str | None:
        match = pattern.search(passage.text)
        return f"{match[0]!r}: {passage.text}" if match else None

    yield from _gather(subject, plural, "note", "A singular with a plural verb", "with `which one` and a plural verb")


@check(
    "text.near-phrase",
    proves="A phrase of three words occurs once, and differs by one letter from one that many texts have.",
    cannot="Whether the rare phrase is meant; both of its words are words.",
    advice="See whether a letter is missing.",
)
def near_phrase(subject: AuditSubject) -> Iterator[Observation]:
    """`which on has` beside many `which one has`: slips that make another word, which no dictionary finds.

    The differing words must not be forms of each other (plural, past, a/an), for those are grammar.
    """
    uses: dict[tuple[str, ...], list[Passage]] = defaultdict(list)
    for passage in subject.passages:
        tokens = re.findall(r"[^\W\d_]+", passage.text.casefold())
        for at in range(len(tokens) - 2):
            uses[tuple(tokens[at : at + 3])].append(passage)
    slots: dict[tuple[int, str, str], Counter[str]] = defaultdict(Counter)
    for phrase, found in uses.items():
        for at in range(3):
            slots[(at, *_without(phrase, at))][phrase[at]] += len({p.where for p in found})
    slips: dict[tuple[str, str], Place] = {}
    for phrase, found in uses.items():
        if len(found) > 1:
            continue
        for at, word in enumerate(phrase):
            common = [
                other
                for other, n in slots[(at, *_without(phrase, at))].items()
                if n >= 5 and _one_letter(word, other) and subject.name_words.isdisjoint({word, other})
            ]
            if common:
                shows = f"{' '.join(phrase)!r}, elsewhere {common[0]!r} for {word!r}: {found[0].text}"
                slips.setdefault((found[0].where, word), Place(found[0].where, shows))
    if slips:
        evidence = f"{counted(len(slips), 'word')} one letter away from what five or more questions have there."
        yield Observation(
            "note", "possible", "Words one letter away from what others write", evidence, tuple(slips.values())
        )


def _gather(
    subject: AuditSubject, look: Callable[[Passage], str | None], severity: Severity, title: str, what: str
) -> Iterator[Observation]:
    """One observation of all passages in which `look` sees something."""
    rows = [Place(p.where, f"{p.part}: {seen}") for p in subject.passages if (seen := look(p)) is not None]
    if rows:
        evidence = f"{counted(len(rows), 'text')} of {len(subject.passages)} {what}."
        yield Observation(severity, "certain", title, evidence, tuple(rows))


def _bare(passage: Passage) -> str:
    """A passage without what may follow its last mark; never empty."""
    return passage.text.strip().rstrip("\"'”’)") or "."


def _comparatives(word: str) -> set[str]:
    """darker, bigger, wider, shinier."""
    if word.endswith("e"):
        return {f"{word}r"}
    if word.endswith("y") and word != "grey":
        return {f"{word[:-1]}ier"}
    return {f"{word}er", f"{word}{word[-1]}er"}


def _without(phrase: tuple[str, ...], at: int) -> tuple[str, str]:
    rest = [word for n, word in enumerate(phrase) if n != at]
    return rest[0], rest[1]


def _one_letter(word: str, other: str) -> bool:
    """Whether one letter was left out or put in, and neither is a form of the other (ending s, n, d or r)."""
    short, long = sorted((word, other), key=len)
    if len(long) - len(short) != 1 or (long.startswith(short) and long[-1] in "sndr"):
        return False
    return any(long[:n] + long[n + 1 :] == short for n in range(len(long)))
