"""Decode the training photographs once into uint8 arrays, so that a training step costs no decoding.

Why: on two CPU cores the network leaves no time for WebP. Every source becomes one `uint8[N, S, S, 3]` array (shortest
side resized with Pillow's bicubic filter, centre crop) and a text file with the name of each row. What is held out is
never part of training: 1,000 Flickr8k photographs, clothing's validation and test split, every twentieth Tiny ImageNet
picture.

    python data.py DATA_FOLDER CACHE_FOLDER
"""

import io
import sys
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

HELD_OUT_SEED, HELD_OUT_FLICKR, HELD_OUT_TINY = 20, 1000, 20


def square(image: Image.Image, size: int) -> np.ndarray:
    """Resize the shortest side to `size` and cut the central square: uint8[size, size, 3]."""
    image = image.convert("RGB")
    scale = size / min(image.size)
    width, height = (max(size, round(side * scale)) for side in image.size)
    if (width, height) != image.size:
        image = image.resize((width, height), Image.BICUBIC)
    left, top = (width - size) // 2, (height - size) // 2
    return np.asarray(image.crop((left, top, left + size, top + size)))


def archives(files, size: int, wanted=lambda name: True):
    """Pictures of tar files and their names, in the archives' order."""
    images, names = [], []
    for file in files:
        with tarfile.open(file) as tar:
            for member in tar:
                if member.isfile() and wanted(member.name):
                    images.append(square(Image.open(io.BytesIO(tar.extractfile(member).read())), size))
                    names.append(member.name)
    return np.stack(images), names


def flickr(folder: Path) -> tuple[list[Path], list[Path]]:
    """The photographs, held out and for training."""
    files = sorted(folder.iterdir())
    order = np.random.default_rng(HELD_OUT_SEED).permutation(len(files))
    files = [files[i] for i in order]
    return files[:HELD_OUT_FLICKR], files[HELD_OUT_FLICKR:]


def main(data: Path, cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)

    def save(name: str, images: np.ndarray, names: list[str]) -> None:
        np.save(cache / f"{name}.npy", images)
        (cache / f"{name}.txt").write_text("\n".join(names))
        print(name, images.shape, flush=True)

    held_out, training = flickr(data / "flickr8k" / "images")
    folders = {"flickr_held_out": (held_out, 192), "flickr": (training, 192),
               "houses": (sorted((data / "houses").glob("*.webp")), 192)}  # fmt: skip
    for split in ("train", "validation", "test"):
        folders[f"clothing_{split}"] = (sorted((data / "clothing" / split).glob("*/*")), 224)
    for name, (files, size) in folders.items():
        save(name, np.stack([square(Image.open(file), size) for file in files]),
             [f"{file.parent.name}/{file.name}" for file in files])  # fmt: skip
    known = set(pd.read_csv(data / "fashion" / "image_text.csv").image)
    save("fashion", *archives([data / "fashion" / "images.tar"], 112, known.__contains__))
    save("tiny", *archives(sorted((data / "tiny_imagenet").glob("*.tar")), 64))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
