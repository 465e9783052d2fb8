"""Do 95 % intervals hold the truth 95 % of the time, and is p uniform where nothing differs? Simulated, seeded.

Scores are topic + entity + rest, each normal with mean 0, so that the truth is 0. docs/decisions/0011 has more designs.
"""

import numpy as np
import pytest

from fieldguide.evaluation.statistics.clusters import Clusters, Floats, Labels, clusters
from fieldguide.evaluation.statistics.comparison import signed_ranks
from fieldguide.evaluation.statistics.intervals import bounded_interval, mean_interval
from fieldguide.evaluation.statistics.resampling import randomisation_test

TRIALS = 500
DRAWS = 399


def crossed(rng: np.random.Generator) -> tuple[Labels, Labels]:
    """60 topics about 2 or 3 of 14 entities, like the example's."""
    entities = [rng.choice(14, rng.integers(2, 4), replace=False) for _ in range(60)]
    return np.repeat(np.arange(60), [len(e) for e in entities]), np.concatenate(entities)


def pairwise(_: np.random.Generator) -> tuple[Labels, Labels]:
    """30 topics about two entities that no other topic is about."""
    return np.repeat(np.arange(30), 2), np.arange(60)


def grouped(_: np.random.Generator) -> tuple[Labels, Labels]:
    """60 topics, three about each of 20 entities."""
    return np.arange(60), np.arange(60) // 3


def scores(rng: np.random.Generator, topics: Labels, entities: Labels, sizes: tuple[float, float, float]) -> Floats:
    topic, entity, rest = sizes
    parts = topic * rng.normal(size=99)[topics] + entity * rng.normal(size=99)[entities]
    return np.asarray(parts + rest * rng.normal(size=len(topics)))[:, None]


def rates(design: object, sizes: tuple[float, float, float]) -> dict[str, float]:
    """Shares of trials: the interval holds 0; the tests reject at .05; likewise as if topics shared nothing."""
    rng = np.random.default_rng(7)
    found = {"held": 0, "rejected": 0, "ranks": 0, "held alone": 0, "rejected alone": 0}
    for trial in range(TRIALS):
        topics, entities = design(rng)  # type: ignore[operator]
        values = scores(rng, topics, entities, sizes)
        data, alone = clusters(values, topics, entities), clusters(values, topics)
        for name, sample in (("", data), (" alone", alone)):
            low, high = mean_interval(sample, 0.95)
            found["held" + name] += int(low[0] <= 0 <= high[0])
            found["rejected" + name] += int(randomisation_test(sample, DRAWS, trial)[0] <= 0.05)
        ranks = data._replace(sums=signed_ranks(data.sums / data.sizes[:, None]), sizes=np.ones(len(data.sizes)))
        found["ranks"] += int(randomisation_test(ranks, DRAWS, trial)[0] <= 0.05)
    return {name: count / TRIALS for name, count in found.items()}


@pytest.mark.parametrize("design", [crossed, pairwise, grouped])
@pytest.mark.parametrize("sizes", [(1, 1, 1), (1, 0, 1), (0, 1, 0.5)])
def test_intervals_hold_the_truth_and_tests_keep_their_level(design: object, sizes: tuple[float, float, float]) -> None:
    found = rates(design, sizes)
    # Of 3,000 trials .93 to .97 held and .03 to .06 rejected; five standard errors of 500 trials are .05.
    assert 0.88 <= found["held"] <= 0.99
    assert found["rejected"] <= 0.11
    assert found["ranks"] <= 0.11


def test_without_the_design_effect_they_would_not() -> None:
    """What the tests above can see: topics that share entities, taken as independent."""
    found = rates(crossed, (1, 1, 1))
    assert found["held alone"] < 0.8
    assert found["rejected alone"] > 0.2


def test_p_is_uniform_where_nothing_differs() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(size=(25, 1500)) * rng.lognormal(size=(25, 1))  # topics of unlike spread, still symmetric
    p = randomisation_test(clusters(values, np.arange(25)), 999, 2)
    for level in (0.01, 0.05, 0.2, 0.5, 0.8):
        assert (p <= level).mean() == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / 1500) + 0.002)


def test_the_design_effect_by_hand() -> None:
    """Two entities in each of three topics; residuals by topic and entity: (3, -1), (2, -2), (1, -3)."""
    values = np.array([3.0, -1.0, 2.0, -2.0, 1.0, -3.0])[:, None]
    data = clusters(values, np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 0, 1, 0, 1]))
    topic = 3 / 2 * (2**2 + 0**2 + 2**2)
    entity = 2 / 1 * (6**2 + 6**2)
    both = 6 / 5 * (9 + 1 + 4 + 4 + 1 + 9)
    assert data.effect is not None
    assert data.effect[0] == pytest.approx((topic + entity - both) / topic)
    assert data.units == 2


@pytest.mark.parametrize(
    ("topics", "entities"),
    [([0, 0, 1, 1], [0, 1, 2, 3]), ([0, 1, 2], [0, 1, 2]), ([0, 1, 2], [0, 0, 0]), ([0, 0, 0], [0, 1, 0])],
    ids=["no entity in two topics", "one entity a topic", "one entity in all", "one topic"],
)
def test_nothing_shared_or_nothing_to_compare_changes_nothing(topics: list[int], entities: list[int]) -> None:
    values = np.arange(len(topics), dtype=float)[:, None] ** 2
    assert clusters(values, np.array(topics), np.array(entities))[2:] == (None, None)


def single(_: np.random.Generator) -> tuple[Labels, Labels]:
    """14 topics about an entity each."""
    return np.arange(14), np.arange(14)


@pytest.mark.parametrize("design", [crossed, pairwise, grouped, single])
@pytest.mark.parametrize("sizes", [(1, 1, 1), (0, 2, 0.5)])
@pytest.mark.parametrize("right_or_wrong", [False, True])
@pytest.mark.parametrize("middle", [-1.5, 2.5])
def test_intervals_of_shares_hold_the_truth_near_0_and_1(
    design: object, sizes: tuple[float, float, float], right_or_wrong: bool, middle: float
) -> None:
    """Logistic scores, or 0 and 1 with such probabilities: intervals by Student's t hold as few as .75 of the means."""
    rng = np.random.default_rng(11)
    spread = np.sqrt(np.square(sizes).sum())
    truth = float((1 / (1 + np.exp(-rng.normal(middle, spread, 1_000_000)))).mean())
    held = 0
    for _ in range(TRIALS):
        topics, entities = design(rng)  # type: ignore[operator]
        values = 1 / (1 + np.exp(-middle - scores(rng, topics, entities, sizes)))
        if right_or_wrong:
            values = (rng.random(values.shape) < values).astype(float)
        low, high = bounded_interval(clusters(values, topics, entities), 0.95)
        held += int(low[0] <= truth <= high[0])
    # At least .93 of 2,000 trials held; three standard errors of 500 trials are .034.
    assert held / TRIALS > 0.9


def test_an_effect_of_one_discounts_nothing() -> None:
    sums = np.random.default_rng(0).normal(0.4, 1.0, size=(10, 5))
    plain = randomisation_test(Clusters(sums, np.ones(10)), 2000, 0)
    same = randomisation_test(Clusters(sums, np.ones(10), np.ones(5), 10), 2000, 0)
    assert same.tolist() == plain.tolist()
    more = randomisation_test(Clusters(sums, np.ones(10), np.full(5, 3.0), 10), 2000, 0)
    assert (more >= plain).all()
    assert (more > plain).any()
