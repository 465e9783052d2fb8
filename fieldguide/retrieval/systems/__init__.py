"""Systems: named, parametrised ways to rank a subtopic's candidates, from params.yaml.

A system is made once of what it may look at (`Collection`) and then scores subtopics one by one. It
answers None where it has nothing to rank by (every drawing of the phrase failed): the run then has no line
for that subtopic, and the measures say so.
"""

from fieldguide.retrieval.systems.collection import Collection
from fieldguide.retrieval.systems.registry import Rows, Scorer, kinds, make_system, system
from fieldguide.retrieval.systems.run import run_system
from fieldguide.retrieval.systems.searching import Searching, exact, indexed, write_recalls

__all__ = [
    "Collection",
    "Rows",
    "Scorer",
    "Searching",
    "exact",
    "indexed",
    "kinds",
    "make_system",
    "run_system",
    "system",
    "write_recalls",
]
