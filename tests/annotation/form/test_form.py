from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.annotation.form.task import ShownPage, choices_of, predictions, result_of, task_data
from fieldguide.annotation.form.template import instructions, label_config
from fieldguide.annotation.judgments.guidelines import Choice, Guideline, read_guideline
from fieldguide.core.errors import FieldguideError, ProblemsError

FOLDER = Path(__file__).resolve().parents[3] / "annotation"
TEMPLATE = (FOLDER / "label_config.xml").read_text(encoding="utf-8")
GUIDELINE = read_guideline(FOLDER / "guidelines.md")
NASTY = """<script>alert("1")</script> & 'Granny\nSmith' {{ 7 * 7 }}"""


def asked(count: int = 8, **changes) -> ShownPage:
    fields = {
        "page_key": "0" * 64,
        "question": "Which is green?",
        "entity": "Granny Smith",
        "feature": "skin colour: green",
        "part": "skin",
        "references": ("/a?x=1&y=2", "/b", "/c", "/d"),
        "images": tuple(f"/image/{n}" for n in range(count)),
        "items": tuple((f"{n:064x}", f"image{n}") for n in range(count)),
    }
    return ShownPage(**fields | changes)


def with_answers(*answers: Choice) -> Guideline:
    return Guideline(version="v-1", about="a", answers=answers)


def choice(name: str, grade: int | None, key: str, label: str = "x", definition: str = "d") -> Choice:
    return Choice(choice=name, grade=grade, label=label, key=key, definition=definition)


class Tags(HTMLParser):
    """Tags and attributes as a browser would see them, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


# The form


@pytest.mark.parametrize("tiles", range(1, 9))
def test_every_image_has_every_choice_with_a_key_of_its_own(tiles):
    root = ElementTree.fromstring(label_config(TEMPLATE, GUIDELINE, tiles))
    groups = {group.get("name"): group for group in root.iter("Choices")}
    for n in range(1, tiles + 1):
        group = groups.pop(f"grade{n}")
        assert [c.get("value") for c in group] == list(GUIDELINE.choices)
        assert group.get("required") == "true"
    assert set(groups) <= {"blank", "view"}
    keys = [c.get("hotkey") for c in root.iter("Choice")]
    assert None not in keys  # a choice without a key is given one by the server
    assert len(set(keys)) == len(keys)


def test_a_config_has_no_name_twice():
    config = label_config(TEMPLATE, GUIDELINE, 8)
    names = re.findall(r'name="([^"]*)"', config)  # as Label Studio looks for them, wherever they stand
    assert len(set(names)) == len(names)


def test_one_image_has_the_keys_of_the_guidelines_and_many_have_rows_of_the_keyboard():
    def keys(tiles: int, position: int) -> dict[str | None, str | None]:
        root = ElementTree.fromstring(label_config(TEMPLATE, GUIDELINE, tiles))
        group = next(g for g in root.iter("Choices") if g.get("name") == f"grade{position}")
        return {c.get("value"): c.get("hotkey") for c in group}

    assert keys(1, 1) == {answer.choice: answer.key for answer in GUIDELINE.answers}
    assert list(keys(8, 3).values()) == ["3", "e", "d", "c", "shift+3"]
    assert list(keys(8, 8).values()) == ["8", "i", "k", ",", "shift+8"]


def test_guidelines_tell_the_keys_that_the_form_has():
    root = ElementTree.fromstring(label_config(TEMPLATE, GUIDELINE, 8))
    for answer in GUIDELINE.answers:
        keys = [
            c.get("hotkey", "").replace("shift+", "⇧") for c in root.iter("Choice") if c.get("value") == answer.choice
        ]
        assert f"| {answer.label} | {' | '.join(keys)} |" in GUIDELINE.body
        assert f"`{answer.key}` {answer.label}" in GUIDELINE.body
    larger = [c.get("hotkey", "")[-1] for c in root.iter("Choice") if str(c.get("value")).startswith("image ")]
    assert f"| larger | ⇧{' | ⇧'.join(larger)} |" in GUIDELINE.body


def test_words_of_the_guidelines_stay_words_in_the_form():
    nasty = with_answers(choice("yes", 1, "1", NASTY, NASTY), choice("no", 0, "0", "b", "</View>"))
    for tiles in (1, 8):
        root = ElementTree.fromstring(label_config(TEMPLATE, nasty, tiles))
        shown = next(c for c in root.iter("Choice") if c.get("value") == "yes").get("html", "")
        parsed = Tags(shown)
        assert {tag for tag, _ in parsed.tags} <= {"b", "small", "kbd"}
        assert " ".join(NASTY.split()) in " ".join(parsed.text.split())
        guidelines = next(h for h in root.iter("HyperText") if h.get("name") == "guidelines").get("value", "")
        assert {tag for tag, _ in Tags(guidelines).tags} <= {"table", "tr", "td", "b"}


def test_guidelines_are_html_without_the_raw_html_of_their_text():
    guideline = with_answers(choice("yes", 1, "1"), choice("no", 0, "0")).model_copy(
        update={"body": "# One\n\n<img src=x onerror=alert(1)>\n\n[a](javascript:alert(1))\n\n| a |\n|---|\n| 1 |\n"}
    )
    shown = instructions(guideline)
    assert "\n" not in shown
    assert {tag for tag, _ in Tags(shown).tags} == {"table", "thead", "tbody", "tr", "th", "td", "b", "h1", "p"}


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (
            "<View>\n{% for %}</View>",
            "label_config.xml:2: not a template: ",
        ),
        (
            "<View>{{ tile.key }}</View>",
            "label_config.xml: 'tile' is undefined; it may use tiles, guideline and instructions",
        ),
        ("<View>{{ ''.__class__.__mro__ }}</View>", "access to attribute '__class__' of 'str' object is unsafe"),
        ("<View><b></View>", "label_config.xml, filled for 2 images: not XML: mismatched tag"),
        ("<View/>", '<Choices name="grade2">: is missing; image 2 cannot be judged without it'),
        (
            '<View><Choices name="grade1" toName="tile1"><Choice value="yes"/></Choices></View>',
            "has the choices yes; needed: plainly-visible, partly-visible, not-visible, cannot-tell, broken-image",
        ),
        ('<View><Choices name="grade1" toName="x"/></View>', '<Choices name="grade1">: needs toName="tile1"'),
        ('<View><Choice hotkey="q"/><Choice hotkey="q"/></View>', 'hotkey="q": is given to 2 choices'),
    ],
)
def test_a_template_that_gives_no_form_is_refused_with_the_place(template, message):
    with pytest.raises(FieldguideError, match=re.escape(message)):
        label_config(template, GUIDELINE, 2)


def test_all_that_a_form_lacks_is_told_at_once():
    with pytest.raises(ProblemsError) as caught:
        label_config("<View/>", GUIDELINE, 8)
    assert len(caught.value.problems) == 8


def test_more_answers_than_rows_of_keys_are_refused_on_a_page_and_not_alone():
    many = with_answers(*(choice(f"c{n}", n, str(n)) for n in range(6)))
    with pytest.raises(
        FieldguideError, match=r"guidelines v-1 have 6 answers.* has keys for 5: set annotate.page to 1"
    ):
        label_config(TEMPLATE, many, 8)
    assert "c5" in label_config(TEMPLATE, many, 1)


def test_a_key_that_the_form_uses_itself_is_refused():
    with pytest.raises(ProblemsError, match='hotkey="o": is given to 2 choices'):
        label_config(TEMPLATE, with_answers(choice("yes", 1, "o"), choice("no", 0, "0")), 1)


# The data of a task


def test_data_of_a_page_is_escaped():
    data = task_data(asked(2, question=NASTY, entity=NASTY, images=('/i?a=1&b="2"', "/j"), votes=((NASTY,), ("b",))))
    assert Tags(data["question"]).tags == []
    assert html.unescape(data["question"]) == NASTY
    assert [tag for tag, _ in Tags(data["references"]).tags] == ["img"] * 3
    assert Tags(data["references"]).tags[0] == ("img", {"src": "/a?x=1&y=2", "alt": NASTY})
    assert Tags(data["tile1"]).tags == [("img", {"src": '/i?a=1&b="2"', "alt": "image 1"})]
    assert {tag for tag, _ in Tags(data["votes"]).tags} == {"b"}


def test_a_short_page_names_its_blank_tiles_and_gives_them_no_key_that_is_ever_pressed():
    data = task_data(asked(6))
    assert [(b["value"], b["selected"]) for b in data["blanks"]] == [("7", True), ("8", True)]
    assert all(b["hotkey"].count("+") == 3 for b in data["blanks"])
    assert data["tile6"] and not data["tile7"]
    assert task_data(asked(8))["blanks"] == []


def test_one_image_of_many_places_is_named_so_that_the_form_shows_it_large():
    several, one = task_data(asked(2)), task_data(asked(3, images=("", "/image/1", "")))
    assert several["image"] == ""
    assert one["image"] == "/image/1"
    assert [blank["value"] for blank in one["blanks"]] == ["1", "3", "4", "5", "6", "7", "8", "alone"]


def test_an_image_that_cannot_be_shown_is_blank_and_not_asked():
    page = asked(3, images=("/a", "", "/c"), guesses=("plainly-visible", "plainly-visible", "not-visible"))
    data = task_data(page)
    assert [blank["value"] for blank in data["blanks"]] == ["2", "4", "5", "6", "7", "8"]
    assert data["tile1"] and data["tile3"] and not data["tile2"]
    guessed = predictions(page, 4)[0]["result"]
    assert choices_of(guessed) == {1: ["plainly-visible"], 3: ["not-visible"]}
    assert guessed[-1]["value"] == {"choices": ["2", "4"]}


def test_the_form_uses_only_fields_that_a_task_has():
    fields = set(task_data(asked()))
    for tiles in (1, 8):
        assert set(re.findall(r"\$(\w+)", label_config(TEMPLATE, GUIDELINE, tiles))) <= fields


def test_data_of_a_page_names_what_is_asked_and_nothing_of_why():
    data = task_data(asked(1))
    assert data["page_key"] == "0" * 64
    assert data["items"] == [{"task_key": "0" * 64, "image_id": "image0"}]
    assert set(data) == {
        "page_key", "question", "entity", "feature", "part", "references", "image", "votes", "blanks", "items",
        *(f"tile{n}" for n in range(1, 9)),
    }  # fmt: skip


def test_votes_are_counted_in_an_order_that_says_nothing_of_who_gave_them():
    one = task_data(asked(1, votes=(("b", "a", "b"),)))["votes"]
    assert one == "<b>a</b> × 1, <b>b</b> × 2" == task_data(asked(1, votes=(("b", "b", "a"),)))["votes"]
    assert task_data(asked(1))["votes"] == ""


def test_guesses_come_as_the_answers_would():
    guessed = predictions(asked(2, guesses=("plainly-visible", "not-visible")), 3)
    assert len(guessed) == 1
    assert choices_of(guessed[0]["result"]) == {1: ["plainly-visible"], 2: ["not-visible"]}
    blank = [part for part in guessed[0]["result"] if part["from_name"] == "blank"]
    assert [part["value"] for part in blank] == [{"choices": ["3"]}]


def test_blind_pages_have_no_guesses():
    assert predictions(asked(3), 8) == []


# What comes back


@given(st.dictionaries(st.integers(1, 8), st.text(min_size=1), max_size=8))
def test_answers_undo_result_of(choices):
    assert choices_of(result_of(choices)) == {n: [c] for n, c in sorted(choices.items())}


def test_what_only_opens_and_hides_says_nothing():
    parts = [{"from_name": name, "type": "choices", "value": {"choices": ["3"]}} for name in ("blank", "view")]
    assert choices_of([*parts, *result_of({2: "not-visible"})]) == {2: ["not-visible"]}


def test_two_answers_for_one_image_are_both_told():
    twice = result_of({1: "a"}) + result_of({1: "b"})
    assert choices_of(twice) == {1: ["a", "b"]}
    assert choices_of([{"from_name": "grade1", "type": "choices", "value": {"choices": ["a", "b"]}}]) == {1: ["a", "b"]}


def part(**changes):
    return {"from_name": "grade1", "type": "choices", "value": {"choices": ["a"]}} | changes


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, "the result is not a list but NoneType"),
        ({"from_name": "grade1"}, "the result is not a list but dict"),
        ("[]", "the result is not a list but str"),
        ([[]], "part 1 of the result: not an object but list"),
        ([part(), part(from_name="grade31")], "part 2 of the result: from_name 'grade31' is no group of choices"),
        ([part(from_name=["grade1"])], "is no group of choices of the form"),
        ([part(from_name="grade1\n")], "is no group of choices of the form"),
        ([part(from_name="grade١")], "is no group of choices of the form"),
        ([part(from_name="x" * 10**6)], "is no group of choices of the form"),
        ([{"type": "choices"}], "from_name None is no group of choices"),
        ([part(type="rating")], "type 'rating' where `choices` belongs"),
        ([part(value=None)], "value None has no list of choices"),
        ([part(value={})], "has no list of choices"),
        ([part(value={"choices": []})], "has no list of choices"),
        ([part(value={"choices": "a"})], "has no list of choices"),
        ([part(value={"choices": [["a"]]})], "are no list of names"),
        ([part(value={"choices": ["a"] * 2000})], "are no list of names"),
        ([part()] * 2000, "the result has 2000 parts; the form sends at most 32"),
    ],
)
def test_what_the_form_never_sends_is_refused_with_a_short_reason(result, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        choices_of(result)
    assert len(str(caught.value)) < 300


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.just("grade1") | st.just("choices"),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["from_name", "type", "value", "choices"]) | st.text(), inner)
    ),
)


@given(
    JSON
    | st.lists(
        st.fixed_dictionaries({"from_name": st.just("grade2") | JSON, "type": st.just("choices"), "value": JSON})
    )
)
def test_whatever_comes_back_is_answers_or_refused(result):
    try:
        found = choices_of(result)
    except ValueError:
        return
    assert all(1 <= n <= 30 and choices and all(isinstance(c, str) for c in choices) for n, choices in found.items())


def test_an_image_without_a_guess_begins_without_a_choice():
    guessed = predictions(asked(3, guesses=("plainly-visible", None, "not-visible")), 4)
    assert choices_of(guessed[0]["result"]) == {1: ["plainly-visible"], 3: ["not-visible"]}
    assert predictions(asked(3, guesses=(None, None, None)), 8) == []
