"""Show the teachers parts of the training pictures and keep what they say.

A *view* is a square box of one picture: the whole photograph or a random part of it. Teacher and student are shown the
same view (Beyer et al. 2022, "Knowledge distillation: a good teacher is patient and consistent"), the teacher at its own
224 px, the student smaller, mirrored and recoloured. Each shard of 1,024 views holds the pixels at 192 px, ViT-Ti's CLS
embedding and logits, and MobileNetV2's pooled features. Half of the product pictures stand before a photograph.

    python views.py CACHE_FOLDER WEIGHTS_FOLDER VIEWS_FOLDER [PART PARTS]
"""

import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from augment import replace_background
from data import HELD_OUT_TINY
from networks import HALF, IMAGENET, cls, mobilenet, normalised, vit

SEED, SHARD, STORED = 40, 1024, 192
SOURCES = ("flickr", "clothing_train", "houses", "fashion", "tiny")


def plan(images: dict[str, np.ndarray]) -> np.ndarray:
    """Rows (source, picture, top, left, side, background picture or -1), sources mixed."""
    random = np.random.default_rng(SEED)
    rows = []

    def add(source: str, pictures: np.ndarray, least: float) -> None:
        extent, count = images[source].shape[1], len(pictures)
        if least == 1:
            side = np.full(count, round(extent * 0.92))
            top = left = (extent - side) // 2
        else:
            side = np.round(extent * np.sqrt(random.uniform(least, 1, count))).astype(int)
            top, left = ((random.uniform(0, 1, count) * (extent - side + 1)).astype(int) for _ in range(2))
        behind = np.full(count, -1)
        if source == "fashion":
            some = random.random(count) < 0.5
            behind[some] = random.integers(0, len(images["flickr"]), some.sum())
        rows.append(np.stack([np.full(count, SOURCES.index(source)), pictures, top, left, side, behind], 1))

    photographs = np.arange(len(images["flickr"]))
    for least in (1, 0.35, 0.35):
        add("flickr", photographs, least)
    for least in (1, 0.4):
        add("clothing_train", np.arange(len(images["clothing_train"])), least)
    add("houses", np.arange(len(images["houses"])), 0.4)
    add("fashion", random.permutation(len(images["fashion"]))[:6500], 0.7)
    tiny = np.flatnonzero(np.arange(len(images["tiny"])) % HELD_OUT_TINY)
    add("tiny", random.permutation(tiny)[:10000], 0.7)
    rows = np.concatenate(rows)
    return rows[random.permutation(len(rows))]


def resized(pixels: torch.Tensor, size: int) -> torch.Tensor:
    """float32[N, 3, H, W] in 0..255 to [N, 3, size, size], bicubic."""
    return F.interpolate(pixels, (size, size), mode="bicubic", antialias=True).clamp(0, 255)


def tensor(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float()


def cut(images: dict[str, np.ndarray], row: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """One view at the teacher's size and at the stored one."""
    source, picture, top, left, side, behind = row
    box = tensor(images[SOURCES[source]][picture, top : top + side, left : left + side])
    large = resized(box, 224)
    if behind < 0:
        return large, resized(box, STORED)
    large = replace_background(large / 255, resized(tensor(images["flickr"][behind]), 224) / 255) * 255
    return large, resized(large, STORED)


def main(cache: Path, weights: Path, out: Path, part: int, parts: int) -> None:
    torch.set_num_threads(1)
    out.mkdir(parents=True, exist_ok=True)
    images = {name: np.load(cache / f"{name}.npy", mmap_mode="r") for name in SOURCES}
    rows = plan(images)
    teacher, second = vit(weights), mobilenet(weights).to(memory_format=torch.channels_last)
    for number, start in enumerate(range(0, len(rows), SHARD)):
        shard = out / f"shard_{number:03d}.npz"
        if number % parts != part or shard.exists():
            continue
        kept: dict[str, list[np.ndarray]] = {"pixels": [], "vit": [], "logits": [], "mobilenet": []}
        for first in range(start, min(start + SHARD, len(rows)), 32):
            views = [cut(images, row) for row in rows[first : min(first + 32, start + SHARD)]]
            large = torch.cat([view[0] for view in views]).round() / 255
            small = F.interpolate(large, (160, 160), mode="bilinear", antialias=True)
            with torch.inference_mode():
                with torch.autocast("cpu", torch.bfloat16):
                    embedding = cls(teacher, normalised(large, HALF)).float()
                    features = second(normalised(small, IMAGENET)).float()
                logits = teacher.head(embedding)
            kept["pixels"].append(torch.cat([view[1] for view in views]).round().byte().permute(0, 2, 3, 1).numpy())
            for name, value in (("vit", embedding), ("logits", logits), ("mobilenet", features)):
                kept[name].append(value.half().numpy())
        temporary = out / f"part_{part}.npz"
        np.savez(temporary, rows=rows[start : start + SHARD], **{name: np.concatenate(v) for name, v in kept.items()})
        temporary.rename(shard)
        print(shard.name, flush=True)


class Views:
    """All shards in memory: `pixels(i)` uint8[N, 192, 192, 3]; rows and what the teachers said as whole arrays."""

    def __init__(self, folder: Path):
        shards = sorted(folder.glob("shard_*.npz"))
        kept: dict[str, list[np.ndarray]] = {"pixels": [], "rows": [], "vit": [], "logits": [], "mobilenet": []}
        for shard in shards:
            with np.load(shard) as data:
                for name, values in kept.items():
                    values.append(data[name])
        self._pixels = [torch.from_numpy(p) for p in kept["pixels"]]
        self._starts = np.cumsum([0] + [len(p) for p in self._pixels])
        self.rows = np.concatenate(kept["rows"])
        self.vit, self.logits, self.mobilenet = (
            torch.from_numpy(np.concatenate(kept[name])).float() for name in ("vit", "logits", "mobilenet")
        )

    def __len__(self) -> int:
        return len(self.rows)

    def pixels(self, index: np.ndarray) -> torch.Tensor:
        """float32[N, 3, 192, 192] in 0..1."""
        shard = np.searchsorted(self._starts, index, side="right") - 1
        stacked = torch.stack([self._pixels[s][i - self._starts[s]] for s, i in zip(shard, index)])
        return stacked.permute(0, 3, 1, 2).float() / 255


if __name__ == "__main__":
    paths = [Path(argument) for argument in sys.argv[1:4]]
    main(*paths, *(int(argument) for argument in (sys.argv[4:6] or ["0", "1"])))
