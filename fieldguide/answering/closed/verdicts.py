"""Yes and no in the words of `replies.sentences`. Pure computation."""

from __future__ import annotations

import re

YES, NO = "yes", "no"
_POLARITY = {
    YES: YES, "yeah": YES, "yep": YES, "true": YES, "correct": YES, "right": YES,
    NO: NO, "nope": NO, "nah": NO, "false": NO, "incorrect": NO, "wrong": NO, "untrue": NO,
    # As an answer begins in other languages; without accents.
    "si": YES, "ja": YES, "oui": YES, "sim": YES, "是": YES, "是的": YES, "对": YES,
    "nein": NO, "nee": NO, "non": NO, "nao": NO, "否": NO, "不": NO, "不是": NO,
}  # fmt: skip
_ENGLISH = "yes|yeah|yep|true|correct|right|no|nope|nah|false|incorrect|wrong|untrue"
_OTHERS = "si|ja|oui|sim|是的|是|对|nein|nee|non|nao|否|不是|不"
_END = r"(?= [^\w\s]| ?\u3002|$)"
# "No net can be seen" is no verdict, "no, ..." and "no they do not" are.
_AFTER = rf"(?:{_END}|(?= (?:they|it|that|this|these|both|neither|none|only|just|not|because|since|for|i|to|and|or)\b))"
_BEFORE = (
    r"(?:(?:well|so|hmm|ok|okay|thus|therefore|overall|then|most|very|quite|probably|likely|clearly|definitely|"
    r"certainly|absolutely|apparently|technically|strictly|speaking|i|i'd|think|believe|would|say|[^\w\s]) )*"
)
_SURELY = r"(?:(?:\w+ly|quite|really|also|indeed) )?"
_OPENING = re.compile(
    rf"^{_BEFORE}(?:(?P<denied>not) {_SURELY})?(?:(?P<word>yes|yeah|yep)\b|(?P<word2>{_ENGLISH}){_AFTER}"
    rf"|(?P<word3>{_OTHERS}){_END})"
)
_FLATLY = re.compile(rf"^{_BEFORE}not(?: (?:at all|really|quite|exactly|both))?{_END}")
_WITHIN = re.compile(
    r"(?:'s|\b(?:is|are|was|be|being|say|answer|but|and|or|so)|[^\w\s]) "
    rf"(?:it is )?(?:(?P<denied>not) )?{_SURELY}(?P<word>{_ENGLISH}){_AFTER}"
)
_CANNOT_BE = re.compile(r"\bnot be (?:true|correct|right)\b")
_HALF = re.compile(r"\b(?:partly|partially|half|partial|somewhat|mostly) (?:true|correct|right|yes)\b")

# To the question whether all of its entities have something: "Both do", "Only the pear does". What says of what ("both
# have a rough skin") may say it of something else than was asked.
_VERB = rf"(?:do|does|are|is|have|has){_END}"
_ALL = re.compile(rf"^(?:(?:they )?both (?:of them )?|they (?:all )?){_VERB}")
_NOT_ALL = re.compile(
    rf"^(?:(?:neither|none)(?: of them)? {_VERB}|only (?:[\w-]+ ){{1,6}}?{_VERB}|they (?:do|are) not{_END})"
)


def about_all(sentence: str) -> set[str]:
    """The verdict of a sentence that says of how many it is so; empty where it says nothing of that."""
    if _NOT_ALL.match(sentence):
        return {NO}
    return {YES} if _ALL.match(sentence) else set()


def opening(sentence: str) -> str | None:
    """The verdict that a sentence begins with; None where it begins with none."""
    found = _OPENING.match(sentence)
    if found is None:
        return NO if _FLATLY.match(sentence) else None
    word = found["word"] or found["word2"] or found["word3"]
    return _signed(word, found["denied"])


def verdicts(sentence: str) -> set[str]:
    """All verdicts of a sentence. One that begins with yes or no is overruled by another yes or no alone."""
    if _HALF.search(sentence):
        return {YES, NO}
    first = opening(sentence)
    within = [(found["word"], _signed(found["word"], found["denied"])) for found in _WITHIN.finditer(sentence)]
    if first is not None:
        return {first} | {said for word, said in within if word in (YES, NO)}
    return {NO} if _CANNOT_BE.search(sentence) else {said for _, said in within}


def _signed(word: str, denied: str | None) -> str:
    said = _POLARITY[word]
    return said if denied is None else (NO if said == YES else YES)
