"""Train mini-cnn: distillation from ViT-Ti/16 together with the labels that come with the pictures.

Losses on pooled features z, with t the teacher's CLS embedding of the same box (its mean taken off):
- cosine: 1 - cos(W z, t), the projection W being dropped afterwards;
- relational: KL between the rows of softmax(cos(t_i, t_j) / 0.1) and softmax(cos(z_i, z_j) / 0.1), which shapes the
  very similarities that a nearest-neighbour search uses (Park et al. 2019; Tung & Mori 2019);
- cross-entropy with label smoothing 0.1 on Tiny ImageNet's 200 classes and on the fashion pictures' article, gender, colour.

AdamW, one warm-up and cosine, an exponential average of the weights (that is what is kept), bfloat16 convolutions,
resolution growing from 80 to 96. Progress is counted in steps or, with --minutes, in time.

    python distil.py CACHE_FOLDER RUN_FOLDER --minutes 78 --lr 1.5e-3
"""

import argparse
import copy
import math
import signal
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from augment import colour, replace_background, sample_boxes
from model import Heads, Student

SEED = 22
SOURCES = ("flickr", "fashion", "houses", "tiny")
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
# (until this share of the run, resolution, batch size)
STAGES = ((0.35, 80, 128), (1.01, 96, 64))
TEMPERATURE = 0.1


class Views:
    """The cached pictures, their labels, and the teacher's views that exist so far."""

    def __init__(self, cache: Path, random: np.random.Generator):
        self.cache, self.random = cache, random
        self.images = [torch.from_numpy(np.load(cache / f"{name}.npy")) for name in SOURCES]
        self.tiny_labels = torch.from_numpy(np.load(cache / "tiny_labels.npy"))
        self.fashion_labels = torch.from_numpy(np.load(cache / "fashion_labels.npy"))
        self.sizes = {"tiny": 200}
        for column, name in enumerate(("article", "gender", "colour")):
            self.sizes[name] = int(self.fashion_labels[:, column].max()) + 1
        # Every twentieth Tiny ImageNet picture is held out, to state an accuracy.
        self.tiny_train = np.flatnonzero(np.arange(len(self.tiny_labels)) % 20)
        self.shards: set[Path] = set()
        self.rows = np.zeros((0, 5), np.int64)
        self.features = torch.zeros(0, 192)

    def refresh(self) -> None:
        """Pick up shards that appeared since the last call."""
        for shard in sorted(set(self.cache.glob("shard_????.npz")) - self.shards):
            with np.load(shard) as data:
                rows = data["views"].astype(np.int64)
                kept = ~((rows[:, 0] == 3) & (rows[:, 1] % 20 == 0))
                self.rows = np.concatenate([self.rows, rows[kept]])
                self.features = torch.cat([self.features, torch.from_numpy(data["features"][kept]).float()])
            self.shards.add(shard)
        self.mean = self.features.mean(0) if len(self.features) else torch.zeros(192)
        self.of_source = [np.flatnonzero(self.rows[:, 0] == source) for source in range(len(SOURCES))]

    def batch(self, size: int, resolution: int, taught: float):
        """A batch: a share `taught` of teacher's views of all sources, the rest Tiny ImageNet with labels only."""
        # While the teacher has said little, the labels carry more of the batch.
        with_teacher = round(size * taught * min(1, 0.2 + len(self.rows) / 20000)) if len(self.rows) else 0
        # Views are drawn by source, so that the few photographs are seen as often as the many small pictures.
        picks = [self.random.choice(rows, round(with_teacher * share))
                 for rows, share in zip(self.of_source, (0.3, 0.35, 0.08, 0.27)) if len(rows)] if with_teacher else []
        index = np.concatenate(picks) if picks else np.zeros(0, np.int64)
        rows = self.rows[index]
        free = size - len(rows)
        if free:
            pick = self.random.choice(self.tiny_train, free)
            whole = np.stack([np.full(free, 3), pick, np.zeros(free, int), np.zeros(free, int), np.full(free, 64)], 1)
            rows = np.concatenate([rows, whole])
        pixels = torch.empty(len(rows), 3, resolution, resolution)
        for source in range(len(SOURCES)):
            where = np.flatnonzero(rows[:, 0] == source)
            if len(where):
                images = self.images[source][torch.from_numpy(rows[where, 1])]
                boxes = torch.from_numpy(rows[where, 2:]).float()
                pixels[where] = sample_boxes(images, boxes, resolution, 0.6)
        # Half of the product pictures stand before another picture; what the teacher said of them on white holds on.
        products = np.flatnonzero((rows[:, 0] == 1) & (self.random.random(len(rows)) < 0.5))
        scenes = np.flatnonzero((rows[:, 0] == 0) | (rows[:, 0] == 2))
        if len(products) and len(scenes):
            pixels[products] = replace_background(pixels[products], pixels[self.random.choice(scenes, len(products))])
        labels = {name: torch.full((len(rows),), -1) for name in self.sizes}
        tiny, fashion = rows[:, 0] == 3, rows[:, 0] == 1
        labels["tiny"][tiny] = self.tiny_labels[rows[tiny, 1]]
        for column, name in enumerate(("article", "gender", "colour")):
            labels[name][fashion] = self.fashion_labels[rows[fashion, 1], column]
        return pixels, self.features[torch.from_numpy(index)] - self.mean, labels


def relational(features: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """KL between the rows of the two softened cosine matrices, each picture's similarity to itself left out."""
    count = len(target)
    off = ~torch.eye(count, dtype=torch.bool)

    def rows(x: torch.Tensor) -> torch.Tensor:
        x = F.normalize(x, dim=1)
        return (x @ x.T)[off].view(count, count - 1) / TEMPERATURE

    return F.kl_div(rows(features).log_softmax(1), rows(target).log_softmax(1), reduction="batchmean", log_target=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("cache", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--minutes", type=float, help="length of the run in time")
    parser.add_argument("--steps", type=int, help="length of the run in steps")
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--decay", type=float, default=0.05)
    parser.add_argument("--taught", type=float, default=0.7)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(SEED)
    args.run.mkdir(parents=True, exist_ok=True)
    views = Views(args.cache, np.random.default_rng(SEED))
    views.refresh()

    student = Student(args.width).to(memory_format=torch.channels_last)
    heads = Heads(student.dimension, {"vit": 192}, views.sizes)
    average = copy.deepcopy(student).eval()
    matrices = [p for p in [*student.parameters(), *heads.parameters()] if p.ndim > 1]
    vectors = [p for p in [*student.parameters(), *heads.parameters()] if p.ndim == 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": args.decay}, {"params": vectors, "weight_decay": 0.0}], lr=args.lr
    )
    step, seen, elapsed = 0, 0, 0.0
    checkpoint = args.run / "last.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint)
        student.load_state_dict(state["student"])
        average.load_state_dict(state["average"])
        heads.load_state_dict(state["heads"])
        optimizer.load_state_dict(state["optimizer"])
        step, seen, elapsed = state["step"], state["seen"], state["elapsed"]
        views.random = np.random.default_rng([SEED, step])
        torch.manual_seed(SEED + step)

    def save() -> None:
        state = {"student": student.state_dict(), "average": average.state_dict(), "heads": heads.state_dict(),
                 "optimizer": optimizer.state_dict(), "step": step, "seen": seen, "elapsed": elapsed, "width": args.width}
        torch.save(state, args.run / "last.part")
        (args.run / "last.part").rename(checkpoint)

    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    totals: dict[str, float] = {}
    last_log = last_save = time.monotonic()
    last_step = step
    while True:
        progress = step / args.steps if args.steps else elapsed / (args.minutes * 60)
        if progress >= 1 or stop:
            break
        started = time.monotonic()
        _, resolution, size = next(stage for stage in STAGES if progress < stage[0])
        warm = 0.04
        rate = progress / warm if progress < warm else 0.5 * (1 + math.cos(math.pi * (progress - warm) / (1 - warm)))
        for group in optimizer.param_groups:
            group["lr"] = args.lr * max(rate, 1e-3)

        pixels, target, labels = views.batch(size, resolution, args.taught)
        pixels = ((colour(pixels, 0.25) - MEAN) / STD).contiguous(memory_format=torch.channels_last)
        student.train()
        with torch.autocast("cpu", torch.bfloat16):
            features = student(pixels)
        features = features.float()
        losses: dict[str, torch.Tensor] = {}
        if len(target):
            z = features[: len(target)]
            losses["cosine"] = 4 * (1 - F.cosine_similarity(heads(z, "vit"), target)).mean()
            losses["relational"] = 1.0 * relational(z, target)
        for name, weight in (("tiny", 0.5), ("article", 0.25), ("gender", 0.05), ("colour", 0.1)):
            known = labels[name] >= 0
            if known.any():
                losses[name] = weight * F.cross_entropy(heads(features[known], name), labels[name][known], label_smoothing=0.1)
        optimizer.zero_grad(set_to_none=True)
        sum(losses.values()).backward()
        torch.nn.utils.clip_grad_norm_([*student.parameters(), *heads.parameters()], 5.0)
        optimizer.step()
        step, seen = step + 1, seen + size
        keep = min(0.998, (1 + step) / (10 + step))
        with torch.no_grad():
            for mine, theirs in zip(average.state_dict().values(), student.state_dict().values()):
                if mine.dtype.is_floating_point:
                    mine.lerp_(theirs, 1 - keep)
                else:
                    mine.copy_(theirs)
        for name, loss in losses.items():
            totals[name] = totals.get(name, 0.0) + float(loss.detach())
        now = time.monotonic()
        elapsed += now - started
        if now - last_log > 60 or step == args.steps:
            mean = " ".join(f"{name} {total / (step - last_step):.3f}" for name, total in totals.items())
            print(f"{progress:.3f} step {step} seen {seen} views {len(views.rows)} res {resolution} {mean}", flush=True)
            totals, last_log, last_step = {}, now, step
            views.refresh()
        if now - last_save > 240:
            save()
            last_save = now
    save()
    print(f"done: {step} steps, {seen} pictures, {elapsed / 60:.1f} minutes", flush=True)


if __name__ == "__main__":
    main()
