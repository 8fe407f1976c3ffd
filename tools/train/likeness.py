"""Lay out the pictures that mini-siamese learns likeness from: a folder for each kind of thing.

Clothes photographed at home (clothing, train split), the same kinds of clothes and other goods from a catalogue (fashion),
and pictures of 200 kinds of things (Tiny ImageNet). Kinds of clothes that both sources have share a folder, so that a
garment on a bed and one on white are alike. What is held out stays out.

    python likeness.py DATA_FOLDER OUT_FOLDER [--tiny 60]
"""

import argparse
import shutil
import tarfile
from pathlib import Path

import pandas as pd
from data import HELD_OUT_TINY

SAME = {"Tshirts": "t-shirt", "Shirts": "shirt", "Dresses": "dress", "Trousers": "pants", "Jeans": "pants",
        "Track Pants": "pants", "Shorts": "shorts", "Skirts": "skirt", "Caps": "hat", "Hat": "hat", "Jackets": "outwear",
        "Casual Shoes": "shoes", "Sports Shoes": "shoes", "Formal Shoes": "shoes", "Sweatshirts": "longsleeve"}  # fmt: skip
LEAST, MOST = 20, 400


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--tiny", type=int, default=60, help="pictures of each Tiny ImageNet class")
    args = parser.parse_args()

    def place(kind: str, name: str) -> Path:
        folder = args.out / kind.lower().replace(" ", "-").replace("/", "-")
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name

    for file in sorted((args.data / "clothing" / "train").glob("*/*")):
        shutil.copy(file, place(file.parent.name, f"clothing-{file.name}"))
    products = pd.read_csv(args.data / "fashion" / "image_text.csv")
    counts = products.articleType.value_counts()
    kinds = {row.image: row.articleType for row in products.itertuples() if counts[row.articleType] >= LEAST}
    seen: dict[str, int] = {}
    with tarfile.open(args.data / "fashion" / "images.tar") as tar:
        for member in tar:
            kind = kinds.get(member.name)
            if kind is None or seen.get(kind, 0) == MOST:
                continue
            seen[kind] = seen.get(kind, 0) + 1
            target = place(SAME.get(kind, f"fashion-{kind}"), f"fashion-{Path(member.name).name}")
            target.write_bytes(tar.extractfile(member).read())
    number = 0
    for part in sorted((args.data / "tiny_imagenet").glob("*.tar")):
        with tarfile.open(part) as tar:
            for member in tar:
                if not member.isfile():
                    continue
                number += 1
                kind = f"tiny-{Path(member.name).parent.name}"
                if (number - 1) % HELD_OUT_TINY == 0 or seen.get(kind, 0) == args.tiny:
                    continue
                seen[kind] = seen.get(kind, 0) + 1
                place(kind, Path(member.name).name).write_bytes(tar.extractfile(member).read())
    folders = [folder for folder in args.out.iterdir() if folder.is_dir()]
    print(f"{sum(len(list(f.iterdir())) for f in folders)} pictures in {len(folders)} folders")


if __name__ == "__main__":
    main()
