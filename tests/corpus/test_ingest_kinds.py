"""What large collections are published as goes through ingest: every photograph is kept, merged or refused."""

from __future__ import annotations

import json
from pathlib import Path

from fieldguide.core.files import write_tar
from fieldguide.core.paths import Paths
from fieldguide.corpus.ingest.ingest import ingest
from fieldguide.corpus.store.shards import read_images
from fieldguide.records.images import REJECTED
from tests.corpus.pictures import params, photo, write_files


def test_tars_samples_jsons_and_tables_give_images_with_labels_and_licences(tmp_path: Path) -> None:
    label = json.dumps({"entity": "Gala", "licence": "CC0-1.0"}).encode()
    for tar, first in (("00", 0), ("01", 2)):
        samples = [
            (f"{n}.{part}", data) for n in (first, first + 1) for part, data in [("png", photo(n)), ("json", label)]
        ]
        write_tar(tmp_path / "web" / f"{tar}.tar", [*samples, ("x.json", b"{}")])
    document = {
        "images": [{"id": n, "file_name": f"{n}.png", "license": 1, "rights_holder": "B"} for n in (3, 4, 5, 9)],
        "annotations": [{"image_id": n, "category_id": 1} for n in (4, 5)],
        "categories": [{"id": 1, "name": "Fuji"}],
        "licenses": [{"id": 1, "name": "x", "url": "https://creativecommons.org/licenses/by/4.0/"}],
    }
    files = {f"{n}.png": photo(n) for n in (3, 4, 5)}  # 3 is in a tar too, and 9 is not there
    write_files(tmp_path / "coco", files | {"c.json": json.dumps(document).encode()})
    tables = {
        "photos.csv": "photo_id\tobservation_uuid\tobserver_id\tlicense\n6\ta\t1\tCC-BY\n7\tb\t1\tCC-BY\n",
        "observations.csv": "observation_uuid\ttaxon_id\tquality_grade\na\t1\tresearch\nb\t1\tcasual\n",
        "taxa.csv": "taxon_id\tname\n1\tMalus domestica\n",
        "observers.csv": "observer_id\tlogin\tname\n1\tc\t\n",
    }
    write_files(tmp_path / "inat", {name: text.encode() for name, text in tables.items()})
    write_files(tmp_path / "inat/photos", {f"{n}/medium.png": photo(n) for n in (6, 7, 8)})
    sources = params(
        {"name": "web", "kind": "webdataset", "path": "web/*.tar"},
        {"name": "coco", "kind": "coco", "path": "coco/c.json"},
        {"name": "inat", "kind": "inaturalist", "path": "inat"},
    )
    paths = Paths(tmp_path)
    summary = ingest(sources, paths)
    assert (summary.read, summary.kept, summary.merged, summary.rejected) == (12, 7, 1, {"unreadable": 4})
    found = {
        (row.source, row.source_key): (row.entity_id, row.licence, row.attribution)
        for row in read_images(paths).itertuples()
    }
    assert found == {
        **{("web", f"00.tar/{n}"): ("gala", "CC0-1.0", None) for n in (0, 1)},
        **{("web", f"01.tar/{n}"): ("gala", "CC0-1.0", None) for n in (2, 3)},
        **{("coco", f"{n}.png"): ("fuji", "CC-BY-4.0", "B") for n in (4, 5)},
        ("inat", "6"): ("malus-domestica", "CC-BY-4.0", "c"),
    }
    assert sorted(REJECTED.read(paths.rejected)["source_key"]) == ["00.tar/x", "01.tar/x", "8", "9.png"]
    assert any("grade casual are not read" in note for note in summary.notes)
