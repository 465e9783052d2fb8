"""What the calls of every stage will take. Imported by no stage: it looks at them from above.

What a stage will ask depends on what the stages before it write. Where that is there and the prompts follow from it,
its very prompts are counted, and those that were answered before are told apart. Elsewhere prompts of about that length
stand for them, at most as many as params.yaml allows.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from PIL import Image

from fieldguide.core.paths import Paths
from fieldguide.evaluation.probing.altering import ALTERATIONS
from fieldguide.models.calls.caller import Caller, Request
from fieldguide.models.calls.chat import Chat, Prompt
from fieldguide.models.calls.estimate import Asks, CallEstimate, estimate, first_message
from fieldguide.models.calls.section import Endpoint
from fieldguide.models.calls.store import Call
from fieldguide.models.captioners.section import ChatCaptioner
from fieldguide.params import Params
from fieldguide.retrieval.systems.sections.ranking import RankingSection
from fieldguide.retrieval.systems.sections.rounds import GenirSystem
from fieldguide.retrieval.systems.sections.systems import RerankVlmSystem

# Characters of a prompt that is not known yet, and of a phrase: those of the example, rounded up.
_PROMPT, _PHRASE = 1200, 80


@dataclass(frozen=True)
class _Plan:
    """What estimates rest on; `history` is all that was answered before."""

    params: Params
    paths: Paths
    calls: Caller
    history: list[Call]

    def estimate(self, stage: str, requests: Iterable[Request], note: str = "") -> list[CallEstimate]:
        return estimate(stage, requests, self.calls, self.history, note)

    @property
    def most_subtopics(self) -> int:
        """Of comparisons: entity topics are not rewritten by a chat model."""
        return self.params.compose.max_topics * self.params.mine.max_entities


def estimates(params: Params, paths: Paths, calls: Caller) -> Iterator[CallEstimate]:
    """One a stage and endpoint, in the order of the stages; stages without calls are left out.

    Raises:
        FieldguideError: the store or a table is damaged.
    """
    plan = _Plan(params, paths, calls, list(calls.store.calls()))
    for of_stage in (_compose, _rewrite, _visualize, _caption, _twins, _recompose, _refine, _rerank, _probe, _answer):
        yield from of_stage(plan)


def _unknown(
    plan: _Plan,
    chat: Chat,
    count: int,
    system: str = "",
    characters: int = _PROMPT,
    images: int = 0,
    likeliest: int = 0,
) -> list[Request]:
    """Requests for prompts that are not known, so many as the store does not hold: by what the model was told first."""
    said = {"role": "system", "content": system}
    asked = sum(
        1
        for call in plan.history
        if system and call.request.get("model") == chat.spec.model and said == first_message(call.request)
    )
    blank = io.BytesIO()
    Image.new("L", (1, 1)).save(blank, "PNG")
    shown = (blank.getvalue(),) * images
    prompts = (Prompt(system, f"{n:<{characters}}", shown, likeliest=likeliest) for n in range(max(0, count - asked)))
    return [chat.request(prompt) for prompt in prompts]


def _compose(plan: _Plan) -> Iterator[CallEstimate]:
    from fieldguide.queries.knowledge.reading import read_knowledge
    from fieldguide.queries.topics.chatting import chat_prompts
    from fieldguide.queries.topics.composing import subjects
    from fieldguide.records.knowledge import ATTRIBUTES, ENTITIES, GROUPS

    section = plan.params.compose
    if section.composer != "chat" or section.chat is None:
        return
    chat = Chat(section.chat, plan.calls)
    if not plan.paths.groups.exists():
        requests, note = _unknown(plan, chat, section.max_topics), "at most: groups are not mined yet"
    else:
        names = ENTITIES.read(plan.paths.entities).to_dict("records")
        features = read_knowledge(plan.paths.knowledge).features
        called = {row["entity_id"]: [row["name"], *row["aliases"]] for row in names}
        groups = list(subjects(GROUPS.read(plan.paths.groups), ATTRIBUTES.read(plan.paths.attributes), features))
        requests = [chat.request(Prompt(*texts)) for texts in chat_prompts(section, groups, called)]
        note = f"at most: it stops when {section.max_topics} groups have questions"
    yield from plan.estimate("compose", requests, note)


def _rewrite(plan: _Plan) -> Iterator[CallEstimate]:
    from fieldguide.queries.rewriting.rewriting import chat_prompt
    from fieldguide.records.knowledge import ENTITIES
    from fieldguide.records.topics import read_topics

    section = plan.params.rewrite
    if section.rewriter != "chat" or section.chat is None:
        return
    chat = Chat(section.chat, plan.calls)
    if not plan.paths.topics.exists():
        requests, note = _unknown(plan, chat, plan.most_subtopics), "at most: topics are not composed yet"
    else:
        names = dict(ENTITIES.read(plan.paths.entities)[["entity_id", "name"]].itertuples(index=False, name=None))
        comparisons = [topic for topic in read_topics(plan.paths.topics) if topic.kind != "entity"]
        asked = [chat_prompt(s, names.get(s.entity_id, s.entity_id)) for topic in comparisons for s in topic.subtopics]
        requests, note = [chat.request(Prompt(*texts)) for texts in asked], ""
    yield from plan.estimate("rewrite", requests, note)


def _visualize(plan: _Plan) -> Iterator[CallEstimate]:
    from fieldguide.models.generators.registry import load_generator
    from fieldguide.queries.visuals.drawing.drawings import wanted_drawings
    from fieldguide.records.topics import read_phrases

    section = plan.params.visualize
    spec = plan.params.generator
    if section.generator is None or not isinstance(spec, Endpoint):  # draws on this machine; loading it may take long
        return
    generator = load_generator(section.generator, spec, plan.paths.root)
    if not isinstance(generator, Asks):
        return
    if not plan.paths.phrases.exists():
        count = (plan.most_subtopics + len(section.generic_prompts)) * section.images
        prompts, seeds = [f"{n:<{_PHRASE}}" for n in range(count)], list(range(count))
        note = "at most: phrases are not written yet"
    else:
        wanted = wanted_drawings(read_phrases(plan.paths.phrases), section, generator)
        prompts, seeds, note = [drawing.said for drawing in wanted], [drawing.seed for drawing in wanted], ""
    yield from plan.estimate("visualize", map(generator.request, prompts, seeds), note)


def _caption(plan: _Plan) -> Iterator[CallEstimate]:
    from fieldguide.models.captioners.chat import SYSTEM

    name = plan.params.caption.captioner
    spec = plan.params.captioners[name] if name else None
    if not isinstance(spec, ChatCaptioner):
        return
    if not plan.paths.images.exists():
        yield CallEstimate("caption", spec.chat.where, note="not known: the corpus is not there yet")
        return
    from fieldguide.records.images import IMAGES

    gallery = int((IMAGES.read(plan.paths.images, ["split"])["split"] == "gallery").sum())
    drawings = (plan.most_subtopics + 1) * plan.params.visualize.drawn
    if plan.paths.drawings.exists():
        from fieldguide.records.drawings import DRAWINGS

        drawings = int((DRAWINGS.read(plan.paths.drawings)["purpose"] == "topic").sum())
    requests = _unknown(plan, Chat(spec.chat, plan.calls), gallery + drawings, SYSTEM, len(spec.question), images=1)
    yield from plan.estimate("caption", requests, f"{gallery} photographs, {drawings} drawings")


def _twins(plan: _Plan) -> Iterator[CallEstimate]:
    from fieldguide.models.generators.registry import load_generator
    from fieldguide.queries.visuals.drawing.twins import wanted_twins
    from fieldguide.records.images import IMAGES

    section, paths = plan.params.visualize, plan.paths
    spec, caption = plan.params.generator, plan.params.caption
    wanted = caption.twins and caption.captioner is not None
    if not wanted or section.generator is None or not isinstance(spec, Endpoint):
        return
    generator = load_generator(section.generator, spec, paths.root)
    if not isinstance(generator, Asks):
        return
    if paths.captions.exists():
        twins = wanted_twins(section, generator, paths)
        prompts, seeds, note = [twin.said for twin in twins], [twin.seed for twin in twins], ""
    elif paths.images.exists():
        count = int((IMAGES.read(paths.images, ["split"])["split"] == "gallery").sum())
        prompts, seeds, note = (
            [f"{n:<{_PHRASE}}" for n in range(count)],
            list(range(count)),
            "at most: one a photograph",
        )
    else:
        yield CallEstimate("caption: twins", spec.where, note="not known: the corpus is not there yet")
        return
    yield from plan.estimate("caption: twins", map(generator.request, prompts, seeds), note)


def _recompose(plan: _Plan) -> Iterator[CallEstimate]:
    from fieldguide.queries.visuals.captioning.recomposing import SYSTEM

    section = plan.params.recompose
    if section.recomposer != "chat" or section.chat is None:
        return
    count = _subtopics(plan) * plan.params.visualize.drawn
    requests = _unknown(plan, Chat(section.chat, plan.calls), count, SYSTEM, 400)
    yield from plan.estimate("recompose", requests, "at most: one a subtopic and drawing")


def _refine(plan: _Plan) -> Iterator[CallEstimate]:
    from fieldguide.models.generators.registry import load_generator
    from fieldguide.retrieval.refining.wording import SYSTEM

    drawn, spec = plan.params.visualize, plan.params.generator
    for name in plan.params.refine.systems:
        system = plan.params.systems[name]
        if not isinstance(system, GenirSystem) or drawn.generator is None:
            continue
        count, stage = _subtopics(plan) * system.rounds, f"refine: {name}"
        shown = system.visret.images + system.shown
        requests = _unknown(plan, Chat(system.chat, plan.calls), count, SYSTEM, 2 * _PHRASE, images=shown)
        yield from plan.estimate(stage, requests, f"at most: {system.rounds} rounds, all phrases worded anew in each")
        generator = load_generator(drawn.generator, spec, plan.paths.root) if isinstance(spec, Endpoint) else None
        if isinstance(generator, Asks):
            count *= system.visret.images
            prompts, seeds = [f"{n:<{_PHRASE}}" for n in range(count)], list(range(count))
            yield from plan.estimate(f"{stage}: drawings", map(generator.request, prompts, seeds), "at most")


def _rerank(plan: _Plan) -> Iterator[CallEstimate]:
    from fieldguide.retrieval.systems.kinds.rerank_vlm import SYSTEMS

    for name in plan.params.retrieve.systems:
        for spec in _looking(plan.params.systems[name]):
            count = 2 * _subtopics(plan) * spec.top
            characters = len(spec.prompt) + _PHRASE
            chat, told = Chat(spec.chat, plan.calls), SYSTEMS[spec.score]
            requests = _unknown(plan, chat, count, told, characters, images=1, likeliest=spec.likeliest)
            yield from plan.estimate(f"retrieve, rerank: {name}", requests, "at most: the tracks share images")


def _probe(plan: _Plan) -> Iterator[CallEstimate]:
    from fieldguide.evaluation.probing.world import changed_phrases, choose
    from fieldguide.models.generators.registry import load_generator
    from fieldguide.queries.visuals.drawing.drawings import wanted_drawings

    section, drawn, paths = plan.params.probe, plan.params.visualize, plan.paths
    spec = plan.params.generator
    if not plan.params.drawing_systems(section.systems) or drawn.generator is None or not isinstance(spec, Endpoint):
        return
    generator = load_generator(drawn.generator, spec, paths.root)
    if not isinstance(generator, Asks):
        return
    if not all(path.exists() for path in (paths.topics, paths.phrases, paths.components, paths.entities)):
        count = section.topics * plan.params.mine.max_entities * len(ALTERATIONS) * drawn.images
        prompts, seeds, note = [f"{n:<{_PHRASE}}" for n in range(count)], list(range(count)), "at most"
    else:
        phrases = changed_phrases(choose(paths, section.topics, section.seed))
        wanted = [d for d in wanted_drawings(phrases, drawn, generator) if d.purpose == "topic"]
        prompts, seeds = [drawing.said for drawing in wanted], [drawing.seed for drawing in wanted]
        note = "at most: a changed phrase may be another's"
    yield from plan.estimate("probe", map(generator.request, prompts, seeds), note)


def _answer(plan: _Plan) -> Iterator[CallEstimate]:
    from fieldguide.answering.answerers.chat import KIND
    from fieldguide.answering.answerers.section import ChatAnswerer
    from fieldguide.answering.contexts.choosing import contexts, orders
    from fieldguide.answering.prompting import PAPER, SYSTEM

    section = plan.params.answer.settled
    shown = {context.name: len(orders(section, context)) for context in contexts(section)}
    topics, entities = _topics(plan, closed=section.judge is None)
    asked = topics * sum(shown.values())
    system = PAPER if section.preset == "paper" else SYSTEM
    images = {
        context.name: (context.k or section.images) * bool(context.name != "none") for context in contexts(section)
    }
    each = math.ceil(
        entities * sum(images[name] * count for name, count in shown.items()) / max(1, sum(shown.values()))
    )
    for name in section.answerers:
        spec = plan.params.answerers[name]
        if spec.kind == KIND and isinstance(spec, ChatAnswerer):
            requests = _unknown(plan, Chat(spec.chat, plan.calls), asked, system, _PHRASE, images=each)
            yield from plan.estimate(f"answer: {name}", requests, f"at most: {topics} questions, {len(shown)} contexts")
    if section.judge is None:
        return
    from fieldguide.answering.scoring.judging import PAPER as JUDGE_PAPER
    from fieldguide.answering.scoring.judging import SYSTEM as JUDGE

    said = JUDGE_PAPER if section.judge.preset == "paper" else JUDGE
    for chat in section.judge.chats:
        requests = _unknown(plan, Chat(chat, plan.calls), asked * len(section.answerers), said, _PROMPT)
        yield from plan.estimate("answer: judge", requests, "at most: closed answers are not judged")


def _topics(plan: _Plan, closed: bool) -> tuple[int, float]:
    """How many there are, or can be, and how many entities one has; `closed`: of those that have a closed answer."""
    from fieldguide.answering.closed.scoring import CHOOSING_FORMS, YES_NO_FORMS
    from fieldguide.records.topics import read_topics

    if not plan.paths.topics.exists():
        return plan.params.compose.max_topics, plan.params.mine.max_entities
    topics = [t for t in read_topics(plan.paths.topics) if not closed or t.form in YES_NO_FORMS | CHOOSING_FORMS]
    return len(topics), sum(len(topic.entities) for topic in topics) / max(1, len(topics))


def _looking(section: RankingSection) -> Iterator[RerankVlmSystem]:
    """The re-rankers in a system: itself, and those that it is made of."""
    if isinstance(section, RerankVlmSystem):
        yield section
    for inner in section.inner.values():
        yield from _looking(inner)


def _subtopics(plan: _Plan) -> int:
    """How many there are, or can be."""
    from fieldguide.records.topics import read_topics

    if not plan.paths.topics.exists():
        return plan.most_subtopics
    return sum(len(topic.subtopics) for topic in read_topics(plan.paths.topics))
