"""Collections of any content for property tests: as each format's reader would give them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAME = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="\x00\ufeff"), min_size=1, max_size=10
)
LABEL = st.one_of(st.integers(-2, 4), st.none())
LABELS = st.dictionaries(NAME, LABEL, max_size=4)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)


@st.composite
def records(draw: st.DrawFn, images: st.SearchStrategy[Any], text: str, answers: bool, names: int) -> list[Any]:
    """Records of one of the JSON formats, keys in any order, with fields of any name and content."""
    made = []
    for _ in range(draw(st.integers(1, 3))):
        record: dict[str, Any] = {text: draw(TEXT), "images": draw(images)}
        if answers:
            record["answer"] = draw(st.lists(TEXT, max_size=2))
        if names == 2:
            record["sn"] = [draw(TEXT) for _ in record["images"]]
        elif names == 1:
            record["sn"] = draw(TEXT)
        extra = draw(st.dictionaries(TEXT, JSON, max_size=2))
        record = {**{key: value for key, value in extra.items() if key not in record}, **record}
        made.append({key: record[key] for key in draw(st.permutations(list(record)))})
    return made
