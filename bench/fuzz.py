"""Every command on hostile files: `python -m bench.fuzz [CASES] [--seed 0] [--only NAME]`; 200 cases a command.

A benchmark in miniature is damaged, one file at a time: bytes are cut off, turned, doubled or put in, single values
give way to what no reader expects (nesting, huge numbers, escapes, paths upwards, a text of megabytes), columns of
Parquet files are dropped, emptied or change their type, and files become folders, pipes, /dev/zero, gzip of nothing.
A command may refuse or go on. It may not end with a traceback, run for more than 10 seconds, or take more than 1 GiB.

The first cases of a command find a disk that is full.

Each case is a fork of this process, which has imported everything. Prints a line a command, and what did not hold.
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import json
import os
import random
import re
import resource
import shutil
import signal
import sys
import tarfile
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from fieldguide.core.errors import in_words

SECONDS, KIBIBYTES = 10.0, 1024 * 1024
ROOMS = {1: 0, 2: 500, 3: 5_000, 4: 60_000}
"""Bytes that a file may have in the first cases of a command, before files are damaged."""
TOKEN = re.compile(rb"[^\s,:;\[\]{}\"]+")
HOSTILE = (
    b"", b"-1", b"1e400", b"NaN", b"null", b"[]", b"{}", b'"', b"\\u0000", b"\x00", b"../../etc/passwd", b"9" * 5000,
    b"[" * 10_000, b"{\"a\":" * 5_000, b"\x1b[2J", b"x" * 5_000_000, b"true", b"<script>alert(1)</script>", b"%s%n",
    "\u202e\ud7ff\ufeff".encode(), b"\xff\xfe", b"1_000", b"0x10", b"~", b"!!python/object:os.system", b"&a *a",
    b"\r", b"\n", b"#", b"---", b"=cmd()", b"1.0", b"0", b"999999999999", b"2026-02-30", b"a b",
)  # fmt: skip
PHOTOGRAPH, BOARD, SEALED = "data/input/shop/granny-smith", "data/evaluation", "sealed"


@dataclass(frozen=True)
class Target:
    """A command, and the files of the benchmark that it reads, as patterns."""

    name: str
    run: Callable[[], None]
    files: tuple[str, ...]


def command(*arguments: str) -> Callable[[], None]:
    """`fieldguide ARGUMENTS`."""

    def run() -> None:
        main = importlib.import_module("fieldguide.cli.main")
        sys.argv = ["fieldguide", *arguments]
        main.main()

    return run


def step(name: str) -> Callable[[], None]:
    """`python -m flows.NAME`."""

    def run() -> None:
        runtime = importlib.import_module("fieldguide.runtime.step")
        sys.argv = [name]
        os.environ["FIELDGUIDE_TRACK"] = "0"
        runtime.run(getattr(importlib.import_module(f"flows.{name}"), name))

    return run


TARGETS = (
    Target("doctor", command("doctor"), ("params.yaml",)),
    Target("evaluate", command("evaluate", "theirs.trec", "--qrels", "data/qrels"), ("theirs.trec", "data/qrels/*",
           "data/topics/topics.jsonl", "data/pools/*")),
    Target("evaluate-trec", command("evaluate", "theirs.trec", "data/runs/fullrank/text.trec", "--qrels",
           "data/qrels/qrels.trec", "--json"), ("theirs.trec", "data/qrels/qrels.trec")),
    Target("audit-json", command("audit", "published.json"), ("published.json",)),
    Target("audit-jsonl", command("audit", "published.jsonl"), ("published.jsonl",)),
    Target("audit-csv", command("audit", "published.csv"), ("published.csv",)),
    Target("audit-beir", command("audit", "beir"), ("beir/*", "beir/qrels/*")),
    Target("audit-own", command("audit", ".", "--json"), ("data/qrels/*", "data/topics/*", "data/pools/*")),
    Target("import", command("import", "auto", "published.jsonl", "--to", "imported"), ("published.jsonl",)),
    Target("import-beir", command("import", "auto", "beir", "--to", "imported"), ("beir/*", "beir/qrels/*")),
    Target("verify", command("verify", "data/release"), ("data/release/**/*",)),
    Target("verify-private", command("release", "verify", f"{SEALED}/data/release", "--private", f"{SEALED}/.private"),
           (f"{SEALED}/data/release/**/*", f"{SEALED}/.private/*")),
    Target("score", command("score", "theirs.trec", "--as", "us", "--private", f"{SEALED}/.private", "--release",
           f"{SEALED}/data/release"), ("theirs.trec", f"{SEALED}/.private/*", f"{SEALED}/data/release/images.parquet",
           f"{SEALED}/data/release/release.json")),
    Target("publish", command("release", "publish", "data/release", "published", "--dry-run"), ("data/release/**/*",)),
    Target("explain", command("explain", "TOPIC", "IMAGE"), ("data/**/*.parquet", "data/**/*.jsonl", "data/**/*.json",
           "data/runs/**/*.trec")),
    Target("leaderboard", command("leaderboard"), (f"{BOARD}/leaderboard.json", f"{BOARD}/comparisons.json")),
    Target("fitness", command("fitness"), (f"{BOARD}/fitness.json", "data/qrels/*")),
    Target("retrieve", command("retrieve", "--system", "visret"), ("data/embeddings/**/*", "data/queries/**/*",
           "data/drawings/*", "data/topics/*", "data/corpus/images.parquet")),
    Target("annotate-plan", command("annotate", "plan", "--dry-run"), ("annotation/*", "data/pools/*",
           "data/topics/*", "data/judgments/**/*", "params.yaml")),
    Target("annotate-dashboard", command("annotate", "dashboard", "--to", "figures"), ("annotation/*",
           "data/judgments/**/*", "data/topics/*", "data/corpus/images.parquet", "params.yaml")),
    Target("annotate-agreement", command("annotate", "agreement"), ("annotation/*", "data/judgments/**/*",
           "data/pools/*")),
    Target("calls-list", command("calls", "list"), ("data/calls/**/*",)),
    Target("release-fetch-images", command("release", "fetch-images", "data/release", "--to", "photographs"),
           ("data/release/images/*", "data/release/*.parquet", "data/release/*.json", "data/release/params.yaml")),
    Target("calls-add", command("calls", "add", "data/release"), ("data/release/**/*",)),
    Target("step-ingest", step("ingest"), (f"{PHOTOGRAPH}/*", "theirs.tar", "manifest.csv", "photographs.parquet",
           "collections/**/*", "params.yaml")),
    Target("taxonomy-coco", command("knowledge", "taxonomy", "collections/coco.json"), ("collections/coco.json",)),
    Target("taxonomy-open-data", command("knowledge", "taxonomy", "collections/open/taxa.csv"),
           ("collections/open/taxa.csv",)),
    Target("step-pool", step("pool"), ("data/runs/fullrank/*", "data/topics/*", "data/corpus/images.parquet")),
    Target("step-adjudicate", step("adjudicate"), ("data/pools/*", "data/topics/*", "data/corpus/images.parquet")),
    Target("step-check", step("check"), ("data/**/*.parquet", "data/**/*.jsonl", "data/runs/**/*.trec")),
    Target("step-evaluate", step("evaluate"), ("data/runs/**/*.trec", "data/qrels/*", "data/topics/*")),
    Target("step-fitness", step("fitness"), ("data/runs/**/*.trec", "data/qrels/*", "data/topics/*", "data/corpus/*")),
    Target("step-report", step("report"), ("data/evaluation/*", "data/checks/*", "data/topics/*", "data/drawings/*",
           "data/corpus/*", "data/qrels/*")),
    Target("step-release", step("release"), ("data/evaluation/*", "data/checks/*", "data/topics/*", "data/corpus/*",
           "data/judgments/**/*")),
    Target("answer-score", command("answer", "score", "answers.jsonl", "--benchmark", "data/release"), ("answers.jsonl",
           "data/release/topics.jsonl", "data/release/entities.parquet")),
    Target("answer-score-published", command("answer", "score", "theirs.jsonl", "--benchmark", "published.jsonl"),
           ("theirs.jsonl", "published.jsonl")),
    Target("answer-agreement", command("answer", "agreement", "export.json"), ("export.json", "data/answers/*")),
    Target("explain-answers", command("explain", "TOPIC"), ("data/answers/*", "data/topics/*", "data/mined/*")),
    Target("step-answer", step("answer"), ("data/qrels/*", "data/topics/*", "data/mined/*", "data/runs/**/*.trec",
           "data/evaluation/scores.parquet", "data/corpus/images.parquet", "data/texts/*")),
    Target("step-mine", step("mine"), ("data/knowledge/*", "data/corpus/images.parquet")),
    Target("step-compose", step("compose"), ("data/mined/*", "data/knowledge/*")),
)  # fmt: skip


def main() -> int:
    """Run all targets; 1 if anything did not hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("cases", type=int, nargs="?", default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    _warm()
    found: list[str] = []
    with tempfile.TemporaryDirectory(prefix="fieldguide-fuzz-") as place:
        base = Path(place) / "base"
        known = _make(base)
        for target in TARGETS:
            if asked.only in target.name:
                rng = random.Random(f"{asked.seed} {target.name}")
                found += _fuzz(target, base, Path(place), rng, asked.cases, known)
    print("\n\n".join(found) or "no traceback, nothing slow, nothing large")
    return 1 if found else 0


def _warm() -> None:
    """Import what commands import, once for all forks."""
    for name in ("fieldguide.cli.main", "fieldguide.cli.audit", "fieldguide.publishing.release.verify", "ir_measures",
                 "fieldguide.publishing.report.page", "fieldguide.annotation.manager", "fieldguide.runtime.step",
                 "great_expectations", "scipy.stats", "matplotlib.figure", "rich.table", "torch"):  # fmt: skip
        importlib.import_module(name)
    for target in TARGETS:
        if target.name.startswith("step-"):
            importlib.import_module(f"flows.{target.name.removeprefix('step-')}")


def _fuzz(target: Target, base: Path, place: Path, rng: random.Random, cases: int, known: tuple[str, str]) -> list[str]:
    folder = place / target.name
    shutil.copytree(base, folder, symlinks=True)
    files = sorted({path for pattern in target.files for path in folder.glob(pattern) if path.is_file()})
    if not files:
        raise SystemExit(f"{target.name}: no file is like {', '.join(target.files)}")
    ends, slowest, largest, problems = Counter[str](), 0.0, 0, dict[str, str]()
    for case in range(cases + 1):
        victim, room = rng.choice(files), None
        if case in ROOMS:
            room, what = ROOMS[case], f"a disk with room for {ROOMS[case]} bytes"
        else:
            what = damage(victim, rng) if case else "undamaged"
        status, seconds, size, said = _forked(target, folder, known, room)
        end = "traceback" if "Traceback" in said else "killed" if status < 0 else "refused" if status else "went on"
        ends[end] += 1
        slowest, largest = max(slowest, seconds), max(largest, size)
        name = f"{target.name}, {victim.relative_to(folder)}, {what}"
        if not case and end != "went on":
            print(f"{target.name}, undamaged: {said.strip()[-300:]}")
        if end in ("traceback", "killed") or seconds > SECONDS or size > KIBIBYTES:
            last = said.strip().splitlines()[-1][:200] if said.strip() else ""
            where = re.findall(r'File "[^"]*(?:fieldguide|flows)/([^"]+)", line (\d+)', said)
            key = f"{end} {where[-1:]} {last[:60]}"
            problems.setdefault(key, f"{name}: {end}, {seconds:.1f} s, {size // 1024} MiB, at {where[-2:]}: {last}")
        _restore(victim, base / victim.relative_to(folder), folder, base)
    shutil.rmtree(folder)
    told = ", ".join(f"{count} {end}" for end, count in sorted(ends.items()))
    print(f"{target.name}: {told}; slowest {slowest:.1f} s, largest {largest // 1024} MiB", flush=True)
    return list(problems.values())


def _restore(path: Path, whole: Path, folder: Path, base: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    for name in ("imported", ".fieldguide"):  # what the command wrote
        shutil.rmtree(folder / name, ignore_errors=True)
    if whole.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(whole, path)
    shutil.copytree(base / "data", folder / "data", symlinks=True, dirs_exist_ok=True)


def _forked(
    target: Target, folder: Path, known: tuple[str, str], room: int | None = None
) -> tuple[int, float, int, str]:
    """(exit status, negative where killed; seconds; greatest memory in KiB; what it printed).

    `room`: bytes that a file may have, as if the disk were full then.
    """
    begun = time.monotonic()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _child(target, folder, known, writing, room)
    os.close(writing)
    os.set_blocking(reading, False)
    ended, status, used, said = 0, 0, None, b""
    while not ended:
        ended, status, used = os.wait4(child, os.WNOHANG)
        while part := _read(reading):
            said = (said + part)[-100_000:]
        if not ended:
            if time.monotonic() - begun > 2 * SECONDS:
                os.kill(child, signal.SIGKILL)
            time.sleep(0.005)
    os.close(reading)
    code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    return code, time.monotonic() - begun, used.ru_maxrss if used else 0, said.decode(errors="replace")


def _read(reading: int) -> bytes:
    try:
        return os.read(reading, 65_536)
    except BlockingIOError:
        return b""


def _child(target: Target, folder: Path, known: tuple[str, str], writing: int, room: int | None) -> None:
    status = 1
    try:
        os.chdir(folder)
        for number in (1, 2):
            os.dup2(writing, number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if room is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        try:
            if target.name == "explain":
                command("explain", *known)()
            elif target.name == "explain-answers":
                command("explain", known[0])()
            else:
                target.run()
            status = 0
        except SystemExit as error:
            status = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
            if isinstance(error.code, str):
                print(error.code, file=sys.stderr)
        except BaseException as error:
            print(in_words(error) if isinstance(error, Exception) and in_words(error) else traceback.format_exc())
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def damage(path: Path, rng: random.Random) -> str:
    """Damage a file in one way; which."""
    ways: list[Callable[[Path, random.Random], str]] = [_cut, _turn, _put_in, _double, _token, _token, _token, _become]
    if path.suffix == ".parquet":
        ways += [_column] * 6
    return rng.choice(ways)(path, rng)


def _cut(path: Path, rng: random.Random) -> str:
    whole = path.read_bytes()
    size = rng.randrange(len(whole) + 1)
    path.write_bytes(whole[:size])
    return f"cut off at {size}"


def _turn(path: Path, rng: random.Random) -> str:
    changed = bytearray(path.read_bytes() or b"\0")
    for _ in range(rng.randint(1, 20)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    path.write_bytes(changed)
    return "bytes turned"


def _put_in(path: Path, rng: random.Random) -> str:
    whole, at = path.read_bytes(), rng.randrange(path.stat().st_size + 1)
    path.write_bytes(whole[:at] + rng.randbytes(rng.randint(1, 2000)) + whole[at:])
    return "bytes put in"


def _double(path: Path, rng: random.Random) -> str:
    whole = path.read_bytes()
    first, last = sorted(rng.randrange(len(whole) + 1) for _ in range(2))
    path.write_bytes(whole[:last] + whole[first:])
    return "a part doubled"


def _token(path: Path, rng: random.Random) -> str:
    whole = path.read_bytes()
    tokens = list(TOKEN.finditer(whole[:200_000]))
    if not tokens:
        return _put_in(path, rng)
    token, hostile = rng.choice(tokens), rng.choice(HOSTILE)
    path.write_bytes(whole[: token.start()] + hostile + whole[token.end() :])
    return f"{token[0][:30]!r} is {hostile[:30]!r} ({len(hostile)})"


def _become(path: Path, rng: random.Random) -> str:
    whole = path.read_bytes()
    what = rng.choice(["folder", "pipe", "zeros", "gzip", "utf-16", "nothing", "latin-1", "gone", "loop"])
    path.unlink()
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "zeros":
        path.symlink_to("/dev/zero")
    elif what == "loop":
        path.symlink_to(path.name)
    elif what == "gzip":
        path.write_bytes(gzip.compress(rng.randbytes(100))[: rng.randint(1, 80)])
    elif what != "gone":
        text = whole.decode("utf-8", errors="replace")
        made = {"utf-16": text.encode("utf-16"), "nothing": b"", "latin-1": whole + "\nä\n".encode("latin-1")}
        path.write_bytes(made[what])
    return f"becomes {what}"


def _column(path: Path, rng: random.Random) -> str:
    table = pq.read_table(path)
    name = rng.choice(table.column_names)
    place, column = table.column_names.index(name), table.column(name)
    what = rng.choice(["dropped", "null", "text", "doubled", "rows doubled", "no rows", "number", "lists", "hostile"])
    if what == "dropped":
        table = table.drop_columns([name])
    elif what == "doubled":
        table = table.append_column(name, column)
    elif what == "rows doubled":
        table = pa.concat_tables([table, table])
    elif what == "no rows":
        table = table.slice(0, 0)
    else:
        one: dict[str, pa.Array] = {
            "null": pa.nulls(len(table), column.type), "text": pa.array([str(v) for v in column.to_pylist()]),
            "number": pa.array([-1e308] * len(table)), "lists": pa.array([[["x"]]] * len(table)),
            "hostile": pa.array([rng.choice(HOSTILE).decode("utf-8", "replace")[:100_000] for _ in range(len(table))]),
        }  # fmt: skip
        table = table.set_column(place, name, one[what])
    pq.write_table(table, path)
    return f"column {name} {what}"


def _make(base: Path) -> tuple[str, str]:
    """A benchmark in miniature with everything that some command reads; a topic and an image of it."""
    from fieldguide.models.calls.store import Call, CallStore, Usage
    from fieldguide.params import parse_params
    from fieldguide.publishing.release.make import make_release
    from tests.builders import tiny_params
    from tests.finished import finished_benchmark

    params = tiny_params()
    paths = finished_benchmark(base, params)
    root = Path(__file__).resolve().parent.parent
    shutil.copytree(root / "annotation", base / "annotation")
    shutil.copytree(root / "data" / "knowledge", base / "data" / "knowledge")
    gloss = {
        "synset": "anjou.n.02",
        "lemmas": ["anjou"],
        "gloss": "a pear",
        "hypernym_path": ["entity.n.01", "anjou.n.02"],
    }
    (base / "wordnet.jsonl").write_text(json.dumps(gloss) + "\n", encoding="utf-8")
    values = params.model_dump(mode="json", exclude_none=True)
    values["mine"]["wordnet"] = "wordnet.jsonl"
    values["ingest"]["sources"] += _sources(base)
    parse_params(values)
    (base / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    shutil.copy(paths.run("fullrank", "visret"), base / "theirs.trec")
    _published(base)
    request = {"model": "m", "messages": [{"role": "user", "content": "Which?"}]}
    usage, now = Usage(1, 1), "2026-01-01T00:00:00+00:00"
    answered = Call("chat", "http://localhost", request, {"x": 1}, None, "m", usage, True, 0.1, 1.0, 1, now)
    CallStore(paths.calls, base / "locks").put(answered, [b"x"])
    make_release(params, paths)
    _sealed(base / SEALED)
    _answers(base, paths)
    pools = pq.read_table(paths.pools).to_pylist()
    gold = "".join(f"{row['subtopic_id']},{row['image_id']},{n % 2}\n" for n, row in enumerate(pools[:4]))
    (base / "annotation" / "gold.csv").write_text(f"subtopic_id,image_id,grade\n{gold}", encoding="utf-8")
    return pools[0]["subtopic_id"], pools[0]["image_id"]


def _sealed(folder: Path) -> None:
    """A release of which a part is private, and that part with a run that was scored by it."""
    from fieldguide.publishing.release.make import make_release
    from fieldguide.publishing.release.private.score import score_privately
    from tests.builders import tiny_params
    from tests.finished import finished_benchmark

    params = tiny_params(release={"private": {"share": 0.5, "seed": 0}})
    paths = finished_benchmark(folder, params)
    paths.salt.parent.mkdir()
    paths.salt.write_text("5" * 64, encoding="utf-8")
    make_release(params, paths)
    score_privately(paths.run("fullrank", "text"), paths.private, paths.release, "us")


def _answers(base: Path, paths: Any) -> None:
    """Answers from elsewhere to both benchmarks, and what people said of our own."""
    from fieldguide.answering.scoring.people import sample
    from fieldguide.records.answers import ANSWERS
    from fieldguide.records.topics import read_topics

    topics = read_topics(paths.topics)
    for name, ids in (("answers.jsonl", [t.topic_id for t in topics]), ("theirs.jsonl", ["t0001", "t0002"])):
        lines = (json.dumps({"topic_id": topic, "answer": "### Answer\nyes, the satsuma"}) for topic in ids)
        (base / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    result = [{"from_name": "verdict", "value": {"choices": ["right"]}}]
    tasks = [task | {"annotations": [{"result": result}]} for task in sample(ANSWERS.read(paths.answers), topics, 5, 0)]
    (base / "export.json").write_text(json.dumps(tasks), encoding="utf-8")


def _sources(base: Path) -> list[dict[str, object]]:
    """Photographs as folders, and in every other form beside them."""
    shop, museum = base / PHOTOGRAPH, base / "data" / "input" / "museum"
    with tarfile.open(next((base / "data" / "corpus").rglob("*.tar"))) as tar:
        for folder in (shop, museum):
            folder.mkdir(parents=True)
            tar.extractall(folder, filter="data")
    photographs = sorted(shop.iterdir())[:3]
    with tarfile.open(base / "theirs.tar", "w") as tar:
        for photograph in photographs:
            tar.add(photograph, f"granny-smith/{photograph.name}")
    rows = "".join(f"{photograph.relative_to(base)},granny-smith,gallery\n" for photograph in photographs)
    (base / "manifest.csv").write_text(f"path,entity,split\n{rows}", encoding="utf-8")
    table = {"image": [p.read_bytes() for p in photographs], "label": ["granny-smith"] * len(photographs)}
    pq.write_table(pa.table(table), base / "photographs.parquet")
    columns = {"bytes": "image", "entity": "label"}
    return [
        *_collections(base, photographs),
        {"name": "tar", "kind": "tar", "path": "theirs.tar", "split": "gallery"},
        {"name": "manifest", "kind": "manifest", "path": "manifest.csv"},
        {"name": "parquet", "kind": "parquet", "path": "photographs.parquet", "columns": columns, "split": "gallery"},
    ]


def _collections(base: Path, photographs: list[Path]) -> list[dict[str, object]]:
    """Photographs as large collections are published: WebDatasets, a COCO file, iNaturalist's open data."""
    folder, species = base / "collections", "1_Animalia_Chordata_Aves_Charadriiformes_Laridae_Larus_fuscus"
    (folder / "web").mkdir(parents=True)
    (folder / "label.json").write_text('{"entity": "granny-smith"}', encoding="utf-8")
    for number, photograph in enumerate(photographs):
        with tarfile.open(folder / "web" / f"{number}.tar", "w") as tar:
            tar.add(photograph, f"{number}{photograph.suffix}")
            tar.add(folder / "label.json", f"{number}.json")
        (folder / "open/photos" / str(number)).mkdir(parents=True)
        shutil.copy(photograph, folder / "open/photos" / str(number) / f"medium{photograph.suffix}")
        shutil.copy(photograph, folder / photograph.name)
    images = [{"id": n, "file_name": p.name, "license": 1, "rights_holder": "B"} for n, p in enumerate(photographs)]
    document = {
        "images": images,
        "annotations": [{"image_id": image["id"], "category_id": 1} for image in images],
        "categories": [{"id": 1, "name": "granny-smith", "image_dir_name": species}],
        "licenses": [{"id": 1, "name": "x", "url": "https://creativecommons.org/licenses/by/4.0/"}],
    }
    (folder / "coco.json").write_text(json.dumps(document), encoding="utf-8")
    tables = {
        "photos": "photo_id\tobservation_uuid\tobserver_id\tlicense\n0\ta\t1\tCC0\n1\ta\t1\tCC0\n2\ta\t1\tCC0\n",
        "observations": "observation_uuid\ttaxon_id\tquality_grade\na\t1\tresearch\n",
        "taxa": "taxon_id\tancestry\trank\tname\n1\t2/3\tspecies\tgranny-smith\n3\t2\tgenus\tMalus\n",
        "observers": "observer_id\tlogin\tname\n1\tc\t\n",
    }
    for name, text in tables.items():
        (folder / "open" / f"{name}.csv").write_text(text, encoding="utf-8")
    return [
        {"name": "web", "kind": "webdataset", "path": "collections/web/*.tar", "split": "gallery"},
        {"name": "coco", "kind": "coco", "path": "collections/coco.json", "split": "gallery"},
        {"name": "open", "kind": "inaturalist", "path": "collections/open", "split": "gallery"},
    ]


RECORD: dict[str, Any] = {
    "images": {"e1": {"s/a.jpg": 1, "s/b.jpg": 0}, "e2": {"s/a.jpg": 0, "s/c.jpg": None}},
    "answer": ["The first."], "question": "Which has red petals?", "sn": ["Rosa alba", "Rosa rugosa"], "subset": 3,
}  # fmt: skip


def _published(base: Path) -> None:
    """Small files of the formats that are imported."""
    from fieldguide.formats.reading import named, read

    texts = [json.dumps(RECORD | {"question": f"Which has {what} petals?"}) for what in ("red", "blue", "green")]
    (base / "published.jsonl").write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    query = {"query": "a red petal", "images": {"00001_Animalia_Chordata/a.jpg": 1, "00002_Animalia/b.jpg": 0}}
    (base / "published.json").write_text(json.dumps([query, query | {"query": "a leaf"}]), encoding="utf-8")
    (made,) = named("csv").write(read(None, base / "published.jsonl")).values()
    (base / "published.csv").write_text(made, encoding="utf-8")
    (base / "beir" / "qrels").mkdir(parents=True)
    corpus = "".join(f'{{"_id": "{image}", "title": "", "text": ""}}\n' for image in "ab")
    (base / "beir" / "corpus.jsonl").write_text(corpus, encoding="utf-8")
    (base / "beir" / "queries.jsonl").write_text('{"_id": "q1", "text": "a moth"}\n', encoding="utf-8")
    qrels = "query-id\tcorpus-id\tscore\nq1\ta\t1\nq1\tb\t0\n"
    (base / "beir" / "qrels" / "test.tsv").write_text(qrels, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
