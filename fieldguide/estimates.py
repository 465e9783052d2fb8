"""What the calls of every stage will take. Imported by no stage: it looks at them from above.

What a stage will ask depends on what the stages before it write. Where that is there and the prompts follow from it, its
very prompts are counted, and those that were answered before are told apart; elsewhere so many prompts of about that length
are taken, at most as many as params.yaml allows.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

from PIL import Image

from fieldguide.models.calls import Calls, Request
from fieldguide.models.chat import Chat, Prompt
from fieldguide.models.estimate import Asks, Estimate, estimate
from fieldguide.params import Params
from fieldguide.params.calls import Endpoint
from fieldguide.params.captions import ChatCaptioner
from fieldguide.params.ranking import RankingSection
from fieldguide.params.reranking import RerankVlmSystem
from fieldguide.places import Places

# Characters of a prompt that is not known yet, and of a phrase: those of the example, rounded up.
_PROMPT, _PHRASE = 1200, 80


def estimates(params: Params, places: Places, calls: Calls) -> Iterator[Estimate]:
    """One a stage and endpoint, in the order of the stages; stages without calls are left out.

    Raises:
        FieldguideError: the store or a table is damaged.
    """
    for of_stage in (_compose, _rewrite, _visualize, _caption, _recompose, _rerank):
        yield from of_stage(params, places, calls)


def _unknown(chat: Chat, count: int, system: str = "", characters: int = _PROMPT, images: int = 0) -> list[Request]:
    """Requests for prompts that are not known, so many as the store does not hold: by what the model was told first."""
    said = {"role": "system", "content": system}
    asked = sum(
        1
        for call in (chat.calls.store.calls() if system else ())
        if call.request.get("model") == chat.spec.model and said in call.request.get("messages", [])
    )
    blank = io.BytesIO()
    Image.new("L", (1, 1)).save(blank, "PNG")
    shown = (blank.getvalue(),) * images
    return [chat.request(Prompt(system, f"{n:<{characters}}", shown)) for n in range(max(0, count - asked))]


def _compose(params: Params, places: Places, calls: Calls) -> Iterator[Estimate]:
    from fieldguide.records import ATTRIBUTES, ENTITIES, GROUPS
    from fieldguide.topics.chatting import chat_prompts
    from fieldguide.topics.composing import subjects

    section = params.compose
    if section.composer != "chat" or section.chat is None:
        return
    chat = Chat(section.chat, calls)
    if not places.groups.exists():
        requests, note = _unknown(chat, section.max_topics), "at most: groups are not mined yet"
    else:
        names = ENTITIES.read(places.entities).to_dict("records")
        called = {row["entity_id"]: [row["name"], *row["aliases"]] for row in names}
        groups = list(subjects(GROUPS.read(places.groups), ATTRIBUTES.read(places.attributes)))
        requests = [chat.request(Prompt(*texts)) for texts in chat_prompts(section, groups, called)]
        note = f"at most: it stops when {section.max_topics} groups have questions"
    yield from estimate("compose", requests, calls, note)


def _most_subtopics(params: Params) -> int:
    """Of comparisons: entity topics are not rewritten by a chat model."""
    return params.compose.max_topics * params.mine.max_entities


def _rewrite(params: Params, places: Places, calls: Calls) -> Iterator[Estimate]:
    from fieldguide.records import ENTITIES, read_topics
    from fieldguide.topics.rewriting import chat_prompt

    section = params.rewrite
    if section.rewriter != "chat" or section.chat is None:
        return
    chat = Chat(section.chat, calls)
    if not places.topics.exists():
        requests, note = _unknown(chat, _most_subtopics(params)), "at most: topics are not composed yet"
    else:
        names = dict(ENTITIES.read(places.entities)[["entity_id", "name"]].itertuples(index=False, name=None))
        comparisons = [topic for topic in read_topics(places.topics) if topic.kind != "entity"]
        asked = [chat_prompt(s, names.get(s.entity_id, s.entity_id)) for topic in comparisons for s in topic.subtopics]
        requests, note = [chat.request(Prompt(*texts)) for texts in asked], ""
    yield from estimate("rewrite", requests, calls, note)


def _visualize(params: Params, places: Places, calls: Calls) -> Iterator[Estimate]:
    from fieldguide.drawings import wanted_drawings
    from fieldguide.models import load_generator
    from fieldguide.records import read_phrases

    section = params.visualize
    spec = params.generators[section.generator]
    if not isinstance(spec, Endpoint):  # draws on this machine; loading it may take long
        return
    generator = load_generator(section.generator, spec, places.root)
    if not isinstance(generator, Asks):
        return
    if not places.phrases.exists():
        count = (_most_subtopics(params) + len(section.generic_prompts)) * section.images
        prompts, seeds = [f"{n:<{_PHRASE}}" for n in range(count)], list(range(count))
        note = "at most: phrases are not written yet"
    else:
        wanted = wanted_drawings(read_phrases(places.phrases), section, generator)
        prompts, seeds, note = [drawing.prompt for drawing in wanted], [drawing.seed for drawing in wanted], ""
    yield from estimate("visualize", map(generator.request, prompts, seeds), calls, note)


def _caption(params: Params, places: Places, calls: Calls) -> Iterator[Estimate]:
    from fieldguide.models.captioners.chat import SYSTEM

    name = params.caption.captioner
    spec = params.captioners[name] if name else None
    if not isinstance(spec, ChatCaptioner):
        return
    if not places.images.exists():
        yield Estimate("caption", spec.chat.where, note="not known: the corpus is not there yet")
        return
    from fieldguide.records import IMAGES

    gallery = int((IMAGES.read(places.images)["split"] == "gallery").sum())
    drawings = (_most_subtopics(params) + 1) * params.visualize.images
    if places.drawings.exists():
        from fieldguide.records import DRAWINGS

        drawings = int((DRAWINGS.read(places.drawings)["purpose"] == "topic").sum())
    requests = _unknown(Chat(spec.chat, calls), gallery + drawings, SYSTEM, len(spec.question), images=1)
    yield from estimate("caption", requests, calls, f"{gallery} photographs, {drawings} drawings")


def _recompose(params: Params, places: Places, calls: Calls) -> Iterator[Estimate]:
    from fieldguide.topics.recomposing import SYSTEM

    section = params.recompose
    if section.recomposer != "chat" or section.chat is None:
        return
    count = _subtopics(params, places) * params.visualize.images
    requests = _unknown(Chat(section.chat, calls), count, SYSTEM, 400)
    yield from estimate("recompose", requests, calls, "at most: one a subtopic and drawing")


def _rerank(params: Params, places: Places, calls: Calls) -> Iterator[Estimate]:
    from fieldguide.retrieval.systems.rerank_vlm import SYSTEM

    for name in params.retrieve.systems:
        for spec in _looking(params.systems[name]):
            count = 2 * _subtopics(params, places) * spec.top
            characters = len(spec.prompt) + _PHRASE
            requests = _unknown(Chat(spec.chat, calls), count, SYSTEM, characters, images=1)
            yield from estimate(f"retrieve, rerank: {name}", requests, calls, "at most: the tracks share images")


def _looking(section: RankingSection) -> Iterator[RerankVlmSystem]:
    """The re-rankers in a system: itself, and those that it is made of."""
    if isinstance(section, RerankVlmSystem):
        yield section
    for inner in section.inner.values():
        yield from _looking(inner)


def _subtopics(params: Params, places: Places) -> int:
    """How many there are, or can be."""
    from fieldguide.records import read_topics

    if not places.topics.exists():
        return _most_subtopics(params)
    return sum(len(topic.subtopics) for topic in read_topics(places.topics))
