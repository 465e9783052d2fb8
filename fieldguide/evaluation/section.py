"""Section of the stage that scores systems and compares them."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, Field, model_validator

from fieldguide.core.section import Draws, Name, Section, Seed


class Preset(NamedTuple):
    """How a publication measures.

    Attributes:
        measures: in the order of its tables.
        headline: the one that it sums up by.
        protocol: what is ranked for what, in words.
        source: where that was read.
    """

    measures: tuple[str, ...]
    headline: str
    protocol: str
    source: str


_POOL = "each question's own images are ranked, of several entities each entity's"
PRESETS = {
    "visret-v1": Preset(
        ("hit@1", "hit@10", "hit@30", "visret_nDCG@1", "visret_nDCG@10", "visret_nDCG@30"),
        "visret_nDCG@10",
        _POOL,
        "arXiv 2505.20291v1: abstract, retrieval tables (R@k of Visual-RAG, N@k of all), run_retrieval.py of its code",
    ),
    "visret-v3": Preset(
        ("visret_nDCG@1", "visret_nDCG@10", "visret_nDCG@30"),
        "visret_nDCG@30",
        _POOL,
        "arXiv 2505.20291v2 and v3: abstracts. Cut-offs and the kind of nDCG after notes by others on its published "
        "version, whose figures are those of v1's tables; the paper itself could not be read here",
    ),
    "inquire-rerank": Preset(
        ("AP", "nDCG", "RR"),
        "AP",
        "the 100 images that a query comes with are ranked, and no others",
        "INQUIRE, NeurIPS 2024: src/eval_rerank_with_clip.py and src/metrics.py of its code",
    ),
    "inquire-fullrank": Preset(
        ("inquire_AP@50", "nDCG@50", "RR@50"),
        "inquire_AP@50",
        "all images are ranked, the first 50 count",
        "INQUIRE, NeurIPS 2024: src/eval_fullrank.py and src/metrics.py of its code",
    ),
    "karpathy": Preset(
        ("R@1", "R@5", "R@10"),
        "R@1",
        "each caption ranks all images of the split test (5K), or the thousand of its fold (1K)",
        "VSE++, BMVC 2018: text to image in evaluation.py of its code, with and without fold5",
    ),
}
"""Where `visret_nDCG` and `inquire_AP` differ from standard measures docs/measures.md says."""


def _is_preset(name: str) -> str:
    if name not in PRESETS:
        raise ValueError(f"there are {', '.join(PRESETS)}")
    return name


class Evaluate(Section):
    """Stage `evaluate`. Measures are written the way ir-measures writes them.

    Attributes:
        preset: a key of PRESETS; stands for its measures and headline where those are not stated.
        headline: the measure that systems are ordered by.
        baseline: the system that every other one is compared with, by every measure.
        compare: measures by which every pair of systems is compared and tie groups are made; the headline where empty.
        confidence: of intervals.
        permutations: how many sign patterns are drawn; of up to 20 topics every pattern is gone through.
        alpha: systems differ where q, the p-value corrected for all pairs, is at most this.
        power: wanted when the number of topics is asked for.
    """

    preset: Annotated[str, AfterValidator(_is_preset)] | None = None
    measures: list[str] = Field(min_length=1, default=["nDCG@1", "nDCG@10", "P@10", "R@10", "AP", "RR"])
    headline: str = "nDCG@10"
    baseline: Name
    compare: list[str] = Field(default=[])
    confidence: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.95
    permutations: Draws = 10_000
    alpha: Annotated[float, Field(strict=True, gt=0, lt=0.5)] = 0.05
    power: Annotated[float, Field(strict=True, ge=0.5, lt=1)] = 0.8
    seed: Seed = 1

    @property
    def compared(self) -> list[str]:
        """Measures by which every pair of systems is compared, the headline first."""
        return list(dict.fromkeys([self.headline, *self.compare]))

    @model_validator(mode="before")
    @classmethod
    def _as_published(cls, values: Any) -> Any:
        name = values.get("preset") if isinstance(values, dict) else None
        preset = PRESETS.get(name) if isinstance(name, str) else None
        return {"measures": list(preset.measures), "headline": preset.headline, **values} if preset else values

    @model_validator(mode="after")
    def _named_are_measured(self) -> Evaluate:
        for key, names in (("headline", [self.headline]), ("compare", self.compare)):
            for name in names:
                if name not in self.measures:
                    raise ValueError(f"{key} {name!r} is not among measures: {', '.join(self.measures)}")
        return self
