"""Trains a Linear 192 -> 128 on the frozen features of ViT-Ti/16 with the supervised contrastive loss, and compares
precision@1 and MAP@R (cosine, each part against itself without the query) with those of the features themselves.

  python clothing.py --data FOLDER --model FOLDER [--seed 0] [--epochs 10] [--cache FILE.npz]
"""
import json
import pathlib

import numpy as np
import onnxruntime
import torch
from PIL import Image
from pytorch_metric_learning.losses import SupConLoss
from torch.nn.functional import normalize

from common import Clock, PerClass, arguments, clothing_files, cosine_schedule, report, start

PARTS = ["train", "validation", "test"]
PER_CLASS, CLASSES = 25, 10


def prepared(file, config):
    """A picture as transformers prepares it by the model's preprocessing (bicubic, middle cut out), [3, H, W]."""
    with Image.open(file) as opened:
        image = opened.convert("RGB")
    short, side = config["size"]["shortest_edge"], config["crop_size"]["height"]
    w, h = image.size
    image = image.resize((short, int(short * h / w)) if w <= h else (int(short * w / h), short), Image.Resampling.BICUBIC)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    pixels = np.asarray(image.crop((left, top, left + side, top + side)), np.float32) * np.float32(config["rescale_factor"])
    return ((pixels - config["image_mean"]) / config["image_std"]).astype(np.float32).transpose(2, 0, 1)


def features(options):
    """By part: features [n, 192] and labels [n]."""
    if options.cache and options.cache.exists():
        stored = np.load(options.cache)
        return {part: (stored[part], stored[f"{part}_labels"]) for part in PARTS}
    config = json.loads((options.model / "preprocessor_config.json").read_text())
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    session = onnxruntime.InferenceSession(next(options.model.glob("*.onnx")), settings)
    result = {}
    for part in PARTS:
        files, labels = clothing_files(options.data / "clothing", part)
        rows = [session.run(["embedding"], {"pixel_values": np.stack([prepared(f, config) for f in files[i:i + 16]])})[0]
                for i in range(0, len(files), 16)]
        result[part] = np.concatenate(rows), labels
    if options.cache:
        np.savez(options.cache, **{p: x for p, (x, _) in result.items()}, **{f"{p}_labels": y for p, (_, y) in result.items()})
    return result


def retrieval(vectors, labels):
    """precision@1 and MAP@R (Musgrave et al., 2020), every item a query against the others."""
    unit = normalize(vectors)
    similarity = unit @ unit.T
    similarity.fill_diagonal_(-2)
    hits = (labels[similarity.argsort(dim=1, descending=True, stable=True)] == labels[:, None]).float()[:, :-1]
    r = torch.bincount(labels)[labels] - 1
    rank = torch.arange(1, hits.shape[1] + 1)
    precision = hits.cumsum(1) / rank
    return hits[:, 0].mean().item(), ((precision * hits * (rank[None] <= r[:, None])).sum(1) / r).mean().item()


def main():
    parser = arguments(__doc__, 10)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--cache", type=pathlib.Path, help="where features are kept")
    options = parser.parse_args()
    data = {part: (torch.from_numpy(x), torch.from_numpy(y)) for part, (x, y) in features(options).items()}
    rng, clock = start(options), Clock()
    x, y = data["train"]
    head, loss = torch.nn.Linear(x.shape[1], 128), SupConLoss(temperature=0.1)
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3, weight_decay=1e-4)
    batches = PerClass(y.numpy(), PER_CLASS, CLASSES, rng)
    steps = options.epochs * batches.per_epoch
    schedule = cosine_schedule(optimizer, steps)
    for _ in range(steps):
        rows = torch.from_numpy(batches.draw())
        optimizer.zero_grad()
        loss(head(x[rows]), y[rows]).backward()
        optimizer.step()
        schedule.step()
    seconds = clock.seconds()
    with torch.no_grad():
        frozen, learned = ({p: retrieval(f(data[p][0]), data[p][1]) for p in PARTS[1:]} for f in (lambda v: v, head))
    report(options, seconds, ["precision@1", "MAP@R"], learned["test"], validation=learned["validation"],
           baseline={"name": "the frozen features", "values": frozen["test"], "validation": frozen["validation"]})


main()
