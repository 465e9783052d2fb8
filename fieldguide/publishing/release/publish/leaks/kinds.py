"""Kinds of text that a release must not hold, as patterns.

Every pattern has its lengths bounded and is tried only on text that holds one of its hints, so that a hostile file of
megabytes costs no more than reading it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

WITHDRAW = (
    "take it out, build the release again, and withdraw it where it was issued, for others of this machine may know it"
)
ADDRESS = "take it out; where its owner agreed, say so with `--agreed ADDRESS`"
PATH = "it tells of this machine, and leads nowhere on another; write it relative to the benchmark"


def _anything(value: str) -> bool:
    return bool(value)


@dataclass(frozen=True)
class LeakKind:
    """One kind of text that must not be published.

    Attributes:
        name: as it is told.
        hints: in small letters; text that holds none of them holds none of this kind.
        pattern: what is found is its group `value` where it has one, else the whole match.
        advice: what to do.
        shown: so many characters of what was found may be told.
        holds: whether what the pattern found is one.
    """

    name: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    advice: str = WITHDRAW
    shown: int = 4
    holds: Callable[[str], bool] = _anything

    def redacted(self, value: str) -> str:
        """The beginning and the length of what was found: enough to know it by, too little to use it."""
        return f"{value[: self.shown]}\N{HORIZONTAL ELLIPSIS} ({len(value)} characters)"


def found(text: str, kinds: Sequence[LeakKind]) -> Iterator[tuple[LeakKind, int, str]]:
    """(kind, where in `text` it begins, what was found)."""
    lowered = text.lower()
    for kind in kinds:
        if any(hint in lowered for hint in kind.hints):
            for match in kind.pattern.finditer(text):
                group = "value" if "value" in kind.pattern.groupindex else 0
                if kind.holds(match[group]):
                    yield kind, match.start(group), match[group]


def without(text: str, kinds: Sequence[LeakKind]) -> str:
    """`text` with all that would be found in it redacted, to be shown."""
    for kind, _, value in list(found(text, kinds)):
        text = text.replace(value, kind.redacted(value))
    return text


def _password(value: str) -> bool:
    """No placeholder, no word of prose, no checksum: something that was made to be guessed by nobody."""
    digits, letters = any(c.isdigit() for c in value), any(c.isalpha() for c in value)
    return digits and letters and re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", value) is None


def _token(name: str, hint: str, pattern: str) -> LeakKind:
    return LeakKind(name, (hint,), re.compile(rf"(?<![\w-]){pattern}"))


_ASSIGNED = (
    r"(?i)(?<![a-z0-9])(?:{names})[\"']?[ \t]{{0,4}}[:=][ \t]{{0,4}}[\"']?"
    r"(?P<value>[^\s\"',;<>${{}}()*\[\]]{{{least},200}})"
)
# What ends like a domain and is the name of a file: `apple@2x.png`.
_FILES = (
    "avif", "csv", "gif", "gz", "jpeg", "jpg", "json", "jsonl", "npy", "parquet", "png", "svg", "tar", "tif",
    "trec", "tsv", "txt", "webp", "xml", "yaml", "zip",
)  # fmt: skip


def _mailed(value: str) -> bool:
    """Whether what stands behind the @ is a domain, also where a file is called after an address."""
    parts = value.rpartition("@")[2].lower().split(".")
    while parts and parts[-1] in _FILES:
        parts.pop()
    return len(parts) > 1


SECRETS = (
    LeakKind("private key", ("private key", "putty-user-key-file"),
             re.compile(r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY|PuTTY-User-Key-File-\d"), shown=10),
    _token("access key of AWS", "a", r"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _token("token of GitHub", "gh", r"(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})"),
    _token("token of GitLab", "glpat-", r"glpat-[\w-]{20,64}"),
    _token("token of Hugging Face", "hf_", r"hf_[A-Za-z0-9]{30,64}(?![A-Za-z0-9])"),
    _token("key of a model's endpoint", "sk-", r"sk-(?=[A-Za-z_-]{0,200}\d)[\w-]{20,200}"),
    _token("token of Slack", "xox", r"xox[abeprs]-[A-Za-z0-9-]{10,255}"),
    _token("key of Google", "aiza", r"AIza[\w-]{35}(?![\w-])"),
    _token("key of Stripe", "k_live_", r"[rs]k_live_[A-Za-z0-9]{20,255}"),
    _token("JSON web token", "eyj", r"eyJ[\w-]{10,2000}\.eyJ[\w-]{10,2000}\.[\w-]{10,2000}"),
    LeakKind("bearer token", ("bearer",), re.compile(r"(?i)\bbearer +(?P<value>[\w.~+/-]{20,2000})"), holds=_password),
    LeakKind("password in an address", ("://",),
             re.compile(r"(?<![a-z0-9])[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"'<>]{0,128}:(?P<value>[^\s/@\"'<>]{1,256})@"),
             shown=0),
    LeakKind("token in an address", ("?", "&"),
             re.compile(r"(?i)[?&](?:access_token|api_?key|auth|key|sig|signature|token|x-amz-signature|"
                        r"x-amz-security-token|x-goog-signature)=(?P<value>[\w%.~+/-]{16,2000})"),
             holds=_password),
    _token("token of a package index", "pypi-", r"pypi-[\w-]{40,400}"),
    _token("token of a package index for JavaScript", "npm_", r"npm_[A-Za-z0-9]{30,64}(?![A-Za-z0-9])"),
    LeakKind("basic authorization", ("basic",),
             re.compile(r"(?i)authorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?basic +(?P<value>[A-Za-z0-9+/=]{8,2000})"),
             shown=0),
    LeakKind("webhook of Slack", ("hooks.slack.com",),
             re.compile(r"hooks\.slack\.com/services/(?P<value>[\w/]{20,200})")),
    LeakKind("password", ("passw", "pass"),
             re.compile(_ASSIGNED.format(names="[a-z0-9_]{0,40}passw(?:or)?d|[a-z0-9_]{1,40}_pass", least=6)), shown=0,
             holds=_password),
    LeakKind("secret", ("secret", "token", "key"),
             re.compile(_ASSIGNED.format(
                 names="(?:client|aws)?[_-]?secret(?:[_-]?(?:access)?[_-]?key)?|api[_-]?key|access[_-]?key|token|"
                       "auth[_-]?token|access[_-]?token",
                 least=16)),
             holds=_password),
)  # fmt: skip

EMAIL = LeakKind(
    "e-mail address", ("@",),
    re.compile(r"(?<![\w.%+-])[A-Za-z0-9][\w.%+'-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])"),
    ADDRESS, 1, _mailed,
)  # fmt: skip

# Not inside another path or address: `https://example.org/home/news` is nobody's home.
BEFORE_PATH = r"(?:(?<=file://)|(?<![\w.~%/\\-]))"
HOMES = LeakKind(
    "absolute path", ("/home/", "/users/", "/root/", "/tmp/", "/var/folders/", ":\\", ":/users"),  # noqa: S108
    re.compile(
        rf"{BEFORE_PATH}(?:/(?:home|Users|root|tmp|var/folders|private/tmp)/[\w.~@+-]{{1,64}}"
        r"|[A-Za-z]:[\\/]{1,2}Users[\\/]{1,2}[\w.~@+ -]{1,64})"
    ),
    PATH, 6,
)  # fmt: skip
