"""Lists what measure.mjs needs: pictures in CACHE/images.txt, texts in CACHE/texts.txt, and what each is beside them.

    python prepare.py DATA CACHE

DATA holds `flickr8k`, `clothing` and `tiny_imagenet` as tools/train/data.py describes them. Of Flickr8k the 1,000 photographs
that mini-clip did not see come first, then 2,000 others; of clothing validation and test; of Tiny ImageNet seven pictures
of each of the 200 classes. CACHE/kinds.csv has a row for each picture, CACHE/texts.csv one for each text.
"""

import csv
import sys
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
HELD_OUT_SEED = 20  # as in tools/train/data.py
TINY = {f"_{i}.webp" for i in (0, 20, 100, 120, 140, 160, 180)}
NAMES = {"longsleeve": ["long sleeve shirt", "long-sleeved top"], "outwear": ["outerwear", "jacket", "coat"]}


def main(data: Path, cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    captions = pd.read_csv(data / "flickr8k/captions.csv").groupby("image").caption.apply(list)
    files = sorted((data / "flickr8k/images").iterdir())
    order = np.random.default_rng(HELD_OUT_SEED).permutation(len(files))
    flickr = [files[i] for i in order][:3000]
    pictures = [("flickr", " ".join(captions[f.name]).lower().replace(",", " "), f) for f in flickr]
    for split in ("validation", "test"):
        for file in sorted((data / "clothing" / split).rglob("*.webp")):
            pictures.append(("clothing", file.parent.name, file))
    for tar in sorted((data / "tiny_imagenet").glob("*.tar")):
        with tarfile.open(tar) as archive:
            members = [m for m in archive.getmembers() if any(m.name.endswith(end) for end in TINY)]
            archive.extractall(cache / "tiny", members=members, filter="data")
    for file in sorted((cache / "tiny").rglob("*.webp")):
        pictures.append(("tiny", file.parent.name, file.resolve()))
    (cache / "images.txt").write_text("".join(f"{file}\n" for _, _, file in pictures))

    texts = [("caption", i, c.strip()) for i, f in enumerate(flickr[:1000]) for c in captions[f.name][:2]]
    for kind in sorted({key for source, key, _ in pictures if source == "clothing"}):
        for name in NAMES.get(kind, [kind]):
            texts += [("clothing", kind, name), ("clothing", kind, f"a photo of a {name}")]
    for wnid, names in pd.read_csv(data / "tiny_imagenet/classes.csv").itertuples(index=False):
        name = names.split(",")[0]
        texts += [("tiny", wnid, name), ("tiny", wnid, f"a photo of a {name}")]
    for fixture in ("absent-flickr", "absent-clothing", "gibberish"):
        texts += [(fixture, "", line) for line in (HERE / f"{fixture}.txt").read_text().splitlines()]
    (cache / "texts.txt").write_text("".join(f"{text}\n" for _, _, text in texts))
    for name, rows in (("kinds.csv", [r[:2] for r in pictures]), ("texts.csv", [r[:2] for r in texts])):
        with open(cache / name, "w", newline="") as out:
            csv.writer(out, lineterminator="\n").writerows(rows)


main(Path(sys.argv[1]), Path(sys.argv[2]))
