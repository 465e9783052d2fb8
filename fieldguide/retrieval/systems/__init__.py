"""Systems: named, parametrised ways to rank a subtopic's candidates, from params.yaml.

A system is made once of what it may look at (`SearchCollection`) and then scores subtopics one by one. It
answers None where it has nothing to rank by (every drawing of the phrase failed): the run then has no line
for that subtopic, and the measures say so.
"""
