"""What the learning runs share: arguments, images, schedules, batches by class, nearest neighbours, the line of results."""
import argparse
import json
import math
import pathlib
import time

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import functional


def arguments(description, epochs):
    """A parser with the options that every run has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder that holds omniglot, clothing and flickr8k")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--threads", type=int, default=1)
    return parser


def start(options):
    """Seeds everything random and fixes the number of threads. Returns the generator that batches are drawn from."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    return np.random.default_rng(options.seed)


def square(file, side):
    """RGB pixels [side, side, 3] uint8: shortest side resized (bilinear, antialiased), then the middle cut out."""
    with Image.open(file) as image:
        image = functional.resize(image.convert("RGB"), side)
        return np.asarray(functional.center_crop(image, [side, side]))


def clothing_files(folder, part):
    """Files of one part of the clothing set and the index of each one's class (folders in alphabetical order)."""
    classes = sorted(p for p in (folder / part).iterdir() if p.is_dir())
    pairs = [(file, i) for i, c in enumerate(classes) for file in sorted(c.iterdir())]
    return [file for file, _ in pairs], np.array([i for _, i in pairs])


def cosine_schedule(optimizer, steps):
    """The learning rate falls to 0 over all steps as half a cosine."""
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * step / steps)))


class PerClass:
    """Batches of `m` different items from each of `classes` classes that are drawn anew for every batch."""

    def __init__(self, labels, m, classes, rng):
        self.members = [np.flatnonzero(labels == c) for c in np.unique(labels)]
        self.m, self.classes, self.rng = m, classes, rng
        self.per_epoch = len(labels) // (m * classes)

    def draw(self):
        chosen = self.rng.choice(len(self.members), self.classes, replace=False)
        return np.concatenate([self.rng.choice(self.members[c], self.m, replace=len(self.members[c]) < self.m) for c in chosen])


def nearest_accuracy(gallery, gallery_labels, queries, labels):
    """Part of the queries whose nearest gallery vector (Euclidean) has their label; and the same by cosine."""
    def accuracy(a, b):
        distances = (a * a).sum(1)[None] - 2 * b @ a.T
        return float((gallery_labels[distances.argmin(1)] == labels).mean())

    def unit(x):
        return x / np.linalg.norm(x, axis=1, keepdims=True)

    return accuracy(gallery, queries), accuracy(unit(gallery), unit(queries))


class Clock:
    """Seconds since it was made."""

    def __init__(self):
        self.begin = time.perf_counter()

    def seconds(self):
        return round(time.perf_counter() - self.begin, 1)


def report(options, seconds, columns, values, **more):
    """Prints the line of results: values in the order of the columns, seconds of training alone."""
    print(json.dumps({"seed": options.seed, "epochs": options.epochs, "seconds": seconds, "columns": columns,
                      "values": [round(float(v), 4) for v in values], "torch": torch.__version__, **more}), flush=True)
