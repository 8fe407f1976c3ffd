"""Trains an autoencoder at 64 x 64 on pixels in 0..1.

  python autoencoder.py --data FOLDER --task reference    Flickr8k; PSNR of 600 photographs held out (--train FILE lists the others)
  python autoencoder.py --data FOLDER --task bottleneck   clothing; variational, 128-d; the nearest neighbour's class
                                                          (train -> test) against PCA to 128-d of the same pixels
"""
import pathlib

import numpy as np
import torch
from PIL import Image
from sklearn.decomposition import PCA
from torch import nn
from torchvision.transforms import Compose, PILToTensor, RandomHorizontalFlip, RandomResizedCrop

from common import Clock, arguments, clothing_files, cosine_schedule, nearest_accuracy, report, square, start

SIDE, BATCH, LATENT = 64, 32, 128
HELD_OUT = 600
EPOCHS = {"reference": 8, "bottleneck": 8}
LR = {"reference": 3e-3, "bottleneck": 2e-3}
CHANNELS = [16, 32, 64, 128]
BETA = 0.12288
CROP = {"scale": (0.4, 1.0), "ratio": (0.8, 1.25)}


def pixels(files):
    return torch.from_numpy(np.stack([square(f, SIDE) for f in files])).permute(0, 3, 1, 2).contiguous()


def decoded(file):
    with Image.open(file) as image:
        return image.convert("RGB")


def unit(batch):
    return batch.float() / 255


class Reference(nn.Module):
    """To 16 and 32 channels and back: a latent of 32 x 16 x 16."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU())
        self.decoder = nn.Sequential(nn.ConvTranspose2d(32, 16, 3, 2, 1, 1), nn.ReLU(),
                                     nn.ConvTranspose2d(16, 3, 3, 2, 1, 1), nn.Sigmoid())

    def loss(self, x):
        return nn.functional.mse_loss(self(x), x)

    def forward(self, x):
        return self.decoder(self.encoder(x))


class Bottleneck(nn.Module):
    """Variational (Kingma & Welling, 2014), batch normalisation after every convolution but the last."""

    def __init__(self):
        super().__init__()
        ins, last = [3, *CHANNELS], CHANNELS[-1]
        self.map = (last, SIDE >> len(CHANNELS), SIDE >> len(CHANNELS))
        wide = int(np.prod(self.map))
        self.encoder = nn.Sequential(*[layer for a, b in zip(ins, CHANNELS) for layer in
                                       (nn.Conv2d(a, b, 3, 2, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU())], nn.Flatten())
        self.mean, self.log_variance = nn.Linear(wide, LATENT), nn.Linear(wide, LATENT)
        self.decode = nn.Linear(LATENT, wide)
        down = CHANNELS[::-1]
        self.decoder = nn.Sequential(*[layer for a, b in zip(down, down[1:]) for layer in
                                       (nn.ConvTranspose2d(a, b, 3, 2, 1, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU())],
                                     nn.ConvTranspose2d(down[-1], 3, 3, 2, 1, 1), nn.Sigmoid())

    def loss(self, x):
        """Mean squared error plus beta times the divergence, both per pixel value."""
        h = self.encoder(x)
        mean, log_variance = self.mean(h), self.log_variance(h)
        z = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
        divergence = (-0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(1)).mean()
        y = self.decoder(torch.relu(self.decode(z)).view(-1, *self.map))
        return nn.functional.mse_loss(y, x) + BETA / (3 * SIDE * SIDE) * divergence

    def embed(self, x):
        return self.mean(self.encoder(x))


VARY = Compose([RandomResizedCrop(SIDE, CROP["scale"], CROP["ratio"]), RandomHorizontalFlip(), PILToTensor()])


def train(net, count, batch_of, options, rng):
    """Adam with a cosine schedule over `count` pictures, of which `batch_of` gives rows; returns the seconds it took."""
    clock, per_epoch = Clock(), count // BATCH
    optimizer = torch.optim.Adam(net.parameters(), lr=LR[options.task])
    schedule = cosine_schedule(optimizer, per_epoch * options.epochs)
    for _ in range(options.epochs):
        order = rng.permutation(count)
        for i in range(per_epoch):
            loss = net.loss(unit(batch_of(order[i * BATCH:(i + 1) * BATCH])))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    net.eval()
    return clock.seconds()


def reference(options):
    files = sorted(f for f in (options.data / "flickr8k" / "images").iterdir() if f.suffix == ".webp")
    if options.train:
        kept = set(options.train.read_text().splitlines())
        files = [f for f in files if str(f) not in kept] + [f for f in files if str(f) in kept]
    else:
        files = [files[i] for i in np.random.default_rng(0).permutation(len(files))]
    x = pixels(files)
    rng, net = start(options), Reference()
    seconds = train(net, len(x) - HELD_OUT, lambda rows: x[torch.from_numpy(rows + HELD_OUT)], options, rng)
    with torch.no_grad():
        test = unit(x[:HELD_OUT])
        psnr = -10 * torch.log10(((net(test) - test) ** 2).mean((1, 2, 3)))
    report(options, seconds, ["PSNR"], [psnr.mean()], held_out=HELD_OUT)


def bottleneck(options):
    parts = {}
    for part in ("train", "validation", "test"):
        files, labels = clothing_files(options.data / "clothing", part)
        parts[part] = pixels(files), labels
        if part == "train":
            pictures = [decoded(f) for f in files]
    rng, net = start(options), Bottleneck()
    seconds = train(net, len(pictures), lambda rows: torch.stack([VARY(pictures[i]) for i in rows]), options, rng)

    def measured(vectors):
        gallery = vectors(parts["train"][0])
        return {p: nearest_accuracy(gallery, parts["train"][1], vectors(parts[p][0]), parts[p][1]) for p in ("validation", "test")}

    def embedded(x):
        with torch.no_grad():
            return torch.cat([net.embed(unit(b)) for b in x.split(256)]).numpy()

    def flat(x):
        return unit(x).flatten(1).numpy()

    baselines = {}
    for name, whiten in (("PCA", False), ("PCA, whitened", True)):
        pca = PCA(LATENT, whiten=whiten, random_state=0).fit(flat(parts["train"][0]))
        baselines[name] = measured(lambda x: pca.transform(flat(x)))
    found = measured(embedded)
    report(options, seconds, ["1-NN accuracy", "1-NN accuracy, cosine"], found["test"], validation=found["validation"],
           baseline={"name": "PCA to 128-d", "values": baselines["PCA"]["test"]}, baselines=baselines)


def main():
    parser = arguments(__doc__, None)
    parser.add_argument("--task", choices=list(EPOCHS), default="reference")
    parser.add_argument("--train", type=pathlib.Path, help="list of the photographs to train on; the other 600 are held out")
    options = parser.parse_args()
    options.epochs = options.epochs or EPOCHS[options.task]
    {"reference": reference, "bottleneck": bottleneck}[options.task](options)


main()
