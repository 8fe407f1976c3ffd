"""Trains the four-block convolutional network of few-shot learning on Omniglot from random weights with the supervised
contrastive loss, and measures 20-way 1-shot accuracy on alphabets that only the other zip has. Every character in four
directions, mirrored or not, is a class of its own (after Santoro et al., 2016).

  python omniglot.py --data FOLDER [--seed 0] [--epochs 5] [--train-zip small2]
"""
import io
import zipfile

import numpy as np
import torch
from PIL import Image, ImageOps
from pytorch_metric_learning.losses import SupConLoss
from torch import nn
from torchvision.transforms import InterpolationMode, RandomAffine
from torchvision.transforms import functional

from common import Clock, PerClass, arguments, cosine_schedule, report, start

SIDE, PER_CLASS, CLASSES = 32, 4, 32
WAYS, EPISODES = 20, 1000


def drawings(data, name):
    """Pictures [SIDE, SIDE] RGB, the character (alphabet/character) and the drawer of each."""
    images, characters, drawers = [], [], []
    with zipfile.ZipFile(data / "omniglot" / f"images_background_{name}.zip") as archive:
        for member in sorted(n for n in archive.namelist() if n.endswith(".png")):
            image = Image.open(io.BytesIO(archive.read(member))).convert("RGB")
            images.append(functional.resize(image, [SIDE, SIDE]))
            _, alphabet, character, file = member.split("/")
            characters.append(f"{alphabet}/{character}")
            drawers.append(file.split("_")[1])
    return images, np.array(characters), np.array(drawers)


def network():
    """Four times convolution, normalisation, ReLU, pooling: 3 x 32 x 32 to 256 numbers, and a Linear to 128."""
    layers, channels = [], 3
    for _ in range(4):
        layers += [nn.Conv2d(channels, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2)]
        channels = 64
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * channels, 128))


def tensor(images):
    pixels = torch.from_numpy(np.stack([np.asarray(i) for i in images])).permute(0, 3, 1, 2)
    return (pixels.float() / 255 - 0.5) / 0.5


def accuracy(vectors, characters, drawers, within):
    """One example and one query of each of 20 characters an episode. Within an alphabet (at least 20 characters) the
    examples are by one drawer and the queries by another, as Lake et al. (2015) have it."""
    rng = np.random.default_rng(0)
    alphabet = np.array([c.split("/")[0] for c in characters])
    large = [a for a in np.unique(alphabet) if len(np.unique(characters[alphabet == a])) >= WAYS]
    right = []
    for _ in range(EPISODES):
        rows = np.flatnonzero(alphabet == rng.choice(large)) if within else np.arange(len(characters))
        chosen = rng.choice(np.unique(characters[rows]), WAYS, replace=False)
        members = [rows[characters[rows] == c] for c in chosen]
        if within:
            two = rng.choice(np.unique(drawers), 2, replace=False)
            pairs = np.array([[m[drawers[m] == d][0] for d in two] for m in members])
        else:
            pairs = np.array([rng.choice(m, 2, replace=False) for m in members])
        right.append(((vectors[pairs[:, 1]] @ vectors[pairs[:, 0]].T).argmax(1) == np.arange(WAYS)).mean())
    return float(np.mean(right))


def main():
    parser = arguments(__doc__, 5)
    parser.add_argument("--train-zip", choices=["small1", "small2"], default="small2")
    options = parser.parse_args()
    other = "small2" if options.train_zip == "small1" else "small1"
    images, characters, _ = drawings(options.data, options.train_zip)
    test, test_characters, test_drawers = drawings(options.data, other)
    seen = {c.split("/")[0] for c in characters}
    fresh = [i for i, c in enumerate(test_characters) if c.split("/")[0] not in seen]
    test, test_characters, test_drawers = [test[i] for i in fresh], test_characters[fresh], test_drawers[fresh]
    classes, labels = np.unique(characters, return_inverse=True)
    images += [ImageOps.mirror(image) for image in images]
    images = [image.rotate(90 * k) for k in range(4) for image in images]
    labels = np.concatenate([labels + k * len(classes) for k in range(8)])

    rng, clock = start(options), Clock()
    augment = RandomAffine(15, (0.08, 0.08), (0.8, 1.2), 15, InterpolationMode.BILINEAR, fill=255)
    net, loss = network(), SupConLoss(temperature=0.1)
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.05)
    batches = PerClass(labels, PER_CLASS, CLASSES, rng)
    steps = options.epochs * batches.per_epoch
    schedule = cosine_schedule(optimizer, steps)
    for _ in range(steps):
        rows = batches.draw()
        optimizer.zero_grad()
        loss(net(tensor([augment(images[i]) for i in rows])), torch.from_numpy(labels[rows])).backward()
        optimizer.step()
        schedule.step()
    seconds = clock.seconds()
    net.eval()
    with torch.no_grad():
        vectors = torch.cat([nn.functional.normalize(net(part)) for part in tensor(test).split(256)]).numpy()
    values = [accuracy(vectors, test_characters, test_drawers, within) for within in (False, True)]
    report(options, seconds, ["any alphabets", "within an alphabet"], values, steps=steps, classes=[len(classes), len(np.unique(test_characters))])


main()
