"""Decode the training photographs once into uint8 arrays, so that a training step costs no decoding.

Why: on two CPU cores the network leaves no time for WebP. Every source becomes one `uint8[N, S, S, 3]` array
(shortest side resized with Pillow's bicubic filter, centre crop) next to its labels. The clothing photographs are
deliberately absent: they measure transfer and are never trained on.

    python data.py DATA_FOLDER CACHE_FOLDER
"""

import io
import sys
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

SEED = 20
HELD_OUT_FLICKR = 1000


def square(image: Image.Image, size: int) -> np.ndarray:
    """Resize the shortest side to `size` and cut the central square: uint8[size, size, 3]."""
    image = image.convert("RGB")
    scale = size / min(image.size)
    width, height = (max(size, round(side * scale)) for side in image.size)
    if (width, height) != image.size:
        image = image.resize((width, height), Image.BICUBIC)
    left, top = (width - size) // 2, (height - size) // 2
    return np.asarray(image.crop((left, top, left + size, top + size)))


def tiny_imagenet(folder: Path):
    """40,000 pictures of 64 x 64 and their class, 0..199 in the order of classes.csv."""
    classes = {wnid: i for i, wnid in enumerate(pd.read_csv(folder / "classes.csv").wnid)}
    images, labels = [], []
    for part in sorted(folder.glob("*.tar")):
        with tarfile.open(part) as tar:
            for member in tar:
                if member.isfile():
                    images.append(square(Image.open(io.BytesIO(tar.extractfile(member).read())), 64))
                    labels.append(classes[Path(member.name).parent.name])
    return np.stack(images), np.array(labels)


def fashion(folder: Path, size: int):
    """Product pictures and three labels each: article type (types seen 10 times or more), gender, colour; -1 unknown."""
    table = pd.read_csv(folder / "image_text.csv")
    rows = {name: i for i, name in enumerate(table.image)}
    columns = []
    for column, least in (("articleType", 10), ("gender", 10), ("baseColour", 20)):
        counts = table[column].value_counts()
        known = {name: i for i, name in enumerate(sorted(counts.index[counts >= least]))}
        columns.append(table[column].map(known).fillna(-1).astype(int).to_numpy())
    labels_of = np.stack(columns, 1)
    images, labels = [], []
    with tarfile.open(folder / "images.tar") as tar:
        for member in tar:
            if member.isfile() and member.name in rows:
                images.append(square(Image.open(io.BytesIO(tar.extractfile(member).read())), size))
                labels.append(labels_of[rows[member.name]])
    return np.stack(images), np.stack(labels)


def photographs(files, size: int) -> np.ndarray:
    """The files' central squares."""
    return np.stack([square(Image.open(file), size) for file in files])


def main(data: Path, cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    images, labels = fashion(data / "fashion", 112)
    np.save(cache / "fashion.npy", images)
    np.save(cache / "fashion_labels.npy", labels)
    files = sorted((data / "flickr8k" / "images").iterdir())
    order = np.random.default_rng(SEED).permutation(len(files))
    files = [files[i] for i in order]
    np.save(cache / "flickr_held_out.npy", photographs(files[:HELD_OUT_FLICKR], 144))
    np.save(cache / "flickr.npy", photographs(files[HELD_OUT_FLICKR:], 144))
    np.save(cache / "houses.npy", photographs(sorted((data / "houses").glob("*.webp")), 144))
    images, labels = tiny_imagenet(data / "tiny_imagenet")
    np.save(cache / "tiny.npy", images)
    np.save(cache / "tiny_labels.npy", labels)
    for file in sorted(cache.glob("*.npy")):
        print(file.name, np.load(file, mmap_mode="r").shape)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
