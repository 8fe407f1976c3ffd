"""Distil the teachers into mini-cnn or mini-vit.

mini-vit begins from ViT-Ti/16 with its positions resampled to 176 px, mini-cnn from MobileNetV2. Losses on an embedding z
of a view, t being ViT-Ti's CLS embedding of the same view:
- relational: KL between the softmax of t's cosines to a bank of earlier views and that of z's, which shapes the very
  similarities that a nearest-neighbour search uses (SEED, Fang et al. 2021); the CNN's temperature is learned;
- cosine: 1 - cos(z, t), for the CNN after a projection that is dropped afterwards; for the ViT squared error as well;
- logits: KL to the teacher's softened 1,000 classes (Hinton et al. 2015);
- MobileNetV2's features, predicted from z by a linear layer that is dropped afterwards.

AdamW, one warm-up and cosine, bfloat16 where PyTorch's autocast has it, mirroring and light colour, for the CNN pictures
of 128, 160 and 192 px; an exponential average of the weights is what is kept. The CNN's first convolutions stay as they
are (--freeze): most of a step's time goes there, little of what is to be learned.

    python distil.py vit CACHE WEIGHTS VIEWS RUN --minutes 22
    python distil.py cnn CACHE WEIGHTS VIEWS RUN --minutes 50
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
from augment import colour
from networks import HALF, IMAGENET, cls, mobilenet, normalised, small_vit, unfold_normalisation, vit
from views import Views

SEED, SIZE = 41, {"vit": 176, "cnn": 192}
BANK, TEMPERATURE = 4096, 0.07


class MobileStudent(torch.nn.Module):
    """MobileNetV2 whose first stages may be frozen."""

    def __init__(self, network: torch.nn.Module, frozen: int):
        super().__init__()
        self.network, self.frozen = network, frozen
        self.fixed = [network.conv_stem, network.bn1, *network.blocks[:frozen]] if frozen else []
        for module in self.fixed:
            module.requires_grad_(False)

    def train(self, mode: bool = True):
        super().train(mode)
        for module in self.fixed:
            module.eval()
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n = self.network
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            x = n.bn1(n.conv_stem(x))
            for block in n.blocks[: self.frozen]:
                x = block(x)
        for block in n.blocks[self.frozen :]:
            x = block(x)
        return n.forward_head(n.bn2(n.conv_head(x)))


class VitStudent(torch.nn.Module):
    def __init__(self, network: torch.nn.Module):
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return cls(self.network, x)


class Heads(torch.nn.Module):
    """Layers beside the embedding; only `logits` is kept."""

    def __init__(self, width: int, logits: torch.nn.Linear, temperature: float, same_space: bool):
        super().__init__()
        self.logits = logits
        self.to_vit = torch.nn.Identity() if same_space else torch.nn.Linear(width, 192)
        self.to_mobilenet = torch.nn.Linear(width, 1280)
        self.log_temperature = torch.nn.Parameter(torch.tensor(math.log(temperature)))


class Bank:
    """Unit embeddings of earlier views, the student's and the teacher's."""

    def __init__(self, width: int):
        self.student, self.teacher = torch.zeros(0, width), torch.zeros(0, 192)

    def loss(self, z: torch.Tensor, t: torch.Tensor, temperature: torch.Tensor) -> torch.Tensor:
        z, t = F.normalize(z, dim=1), F.normalize(t, dim=1)
        students, teachers = torch.cat([z, self.student]), torch.cat([t, self.teacher])
        itself = torch.eye(len(z), len(students), dtype=torch.bool)
        ours = (z @ students.T / temperature).masked_fill(itself, -1e4).log_softmax(1)
        theirs = (t @ teachers.T / TEMPERATURE).masked_fill(itself, -1e4).log_softmax(1)
        self.student, self.teacher = students[:BANK].detach(), teachers[:BANK]
        return F.kl_div(ours, theirs, reduction="batchmean", log_target=True)


def agreement(a: torch.Tensor, b: torch.Tensor, k: int = 10) -> float:
    """Share of b's k nearest (cosine) that are among a's k nearest."""
    def nearest(v: torch.Tensor) -> torch.Tensor:
        v = F.normalize(v, dim=1)
        return (v @ v.T).fill_diagonal_(-2).topk(k, 1).indices

    return (nearest(a)[:, :, None] == nearest(b)[:, None, :]).any(1).float().mean().item()


@torch.inference_mode()
def embed(network: torch.nn.Module, pictures: np.ndarray, short: int, size: int, constants) -> torch.Tensor:
    """Embeddings of uint8[N, S, S, 3], resized to `short` and cut to `size`."""
    out, edge = [], (short - size) // 2
    for part in np.array_split(pictures, max(1, len(pictures) // 50)):
        pixels = torch.from_numpy(np.ascontiguousarray(part)).permute(0, 3, 1, 2).float()
        pixels = F.interpolate(pixels, (short, short), mode="bicubic", antialias=True).clamp(0, 255) / 255
        pixels = pixels[:, :, edge : edge + size, edge : edge + size]
        with torch.autocast("cpu", torch.bfloat16):
            out.append(network(normalised(pixels, constants)).float())
    return torch.cat(out)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("student", choices=("vit", "cnn"))
    for name in ("cache", "weights", "views", "run"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--lr", type=float)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--init", type=Path, help="go on from the average of an earlier run")
    parser.add_argument("--freeze", type=int, default=2, help="stages of the CNN that stay as they are")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    random = np.random.default_rng(SEED)
    args.run.mkdir(parents=True, exist_ok=True)
    views, is_vit, size = Views(args.views), args.student == "vit", SIZE[args.student]
    rate = args.lr or (2e-4 if is_vit else 8e-4)

    if is_vit:
        network = small_vit(args.weights, size)
        student, constants, sizes, width = VitStudent(network), HALF, [size], 192
        heads = Heads(width, network.head, TEMPERATURE, True)
    else:
        network = mobilenet(args.weights)
        sample = F.interpolate(views.pixels(np.arange(256)), (160, 160), mode="bilinear", antialias=True)
        unfold_normalisation(network, normalised(sample, IMAGENET))
        network = network.to(memory_format=torch.channels_last)
        student, constants, sizes, width = MobileStudent(network, args.freeze), IMAGENET, [128, 160, 192], 1280
        heads = Heads(width, torch.nn.Linear(width, 1000), 0.03, False)
    if args.init:
        earlier = torch.load(args.init)
        network.load_state_dict(earlier["net"])
        heads.logits.load_state_dict(earlier["head"])
    average = copy.deepcopy(student).eval()
    average_logits = copy.deepcopy(heads.logits)
    own = [p for p in network.parameters() if p.requires_grad]
    mine = {id(p) for p in own}
    beside = [p for p in heads.parameters() if id(p) not in mine]
    groups = [
        {"params": [p for p in own if p.ndim > 1], "weight_decay": 0.03, "factor": 1},
        {"params": [p for p in own if p.ndim <= 1], "weight_decay": 0.0, "factor": 1},
        {"params": beside, "weight_decay": 0.01, "factor": 5 if is_vit else 4},
    ]
    optimizer = torch.optim.AdamW(groups, lr=rate)
    bank, second_mean = Bank(width), views.mobilenet.mean(0)
    held_out = np.load(args.cache / "flickr_held_out.npy")
    reference = embed(VitStudent(vit(args.weights)).eval(), held_out, 248, 224, HALF)

    def report(when: str) -> None:
        found = embed(average, held_out, round(size * 12 / 11), size, constants)
        print(f"{when}: recall@10 of the teacher's neighbours {agreement(found, reference):.3f}", flush=True)

    def save() -> None:
        state = {"net": average.network.state_dict(), "head": average_logits.state_dict(), "size": size}
        torch.save(state, args.run / "last.part")
        (args.run / "last.part").rename(args.run / "last.pt")

    stop: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    order, at, step, seen = random.permutation(len(views)), 0, 0, 0
    totals: dict[str, float] = {}
    started = last_log = last_report = time.monotonic()
    logged = 0
    report("before")
    while (progress := (time.monotonic() - started) / 60 / args.minutes) < 1 and not stop:
        factor = min(1, progress / 0.03) * 0.5 * (1 + math.cos(math.pi * max(0, progress - 0.03) / 0.97))
        for group in optimizer.param_groups:
            group["lr"] = rate * group["factor"] * max(factor, 1e-3)
        if at + args.batch > len(order):
            order, at = random.permutation(len(views)), 0
        index, at = order[at : at + args.batch], at + args.batch
        pixels = views.pixels(index)
        mirrored = torch.rand(len(pixels)) < 0.5
        pixels[mirrored] = pixels[mirrored].flip(3)
        side = sizes[random.integers(len(sizes))] if progress < 0.8 else size
        pixels = F.interpolate(pixels, (side, side), mode="bicubic", antialias=True).clamp(0, 1)
        pixels = normalised(colour(pixels, 0.2, 0.02), constants)
        student.train()
        with torch.autocast("cpu", torch.bfloat16):
            z = student(pixels if is_vit else pixels.contiguous(memory_format=torch.channels_last))
        z, t = z.float(), views.vit[index]
        logits = heads.logits(z)
        losses = {
            "relational": (1 if is_vit else 2) * bank.loss(z, t, heads.log_temperature.exp()),
            "cosine": (4 if is_vit else 2) * (1 - F.cosine_similarity(heads.to_vit(z), t)).mean(),
            "logits": 0.5 * F.kl_div((logits / 2).log_softmax(1), (views.logits[index] / 2).log_softmax(1),
                                     reduction="batchmean", log_target=True),
            "mobilenet": 0.5 * (1 - F.cosine_similarity(heads.to_mobilenet(z), views.mobilenet[index] - second_mean)).mean(),
        }  # fmt: skip
        if is_vit:
            losses["squared"] = 0.2 * F.mse_loss(z, t)
        optimizer.zero_grad(set_to_none=True)
        sum(losses.values()).backward()
        torch.nn.utils.clip_grad_norm_([*own, *beside], 2.0)
        optimizer.step()
        step, seen = step + 1, seen + len(index)
        keep = min(0.995, (1 + step) / (10 + step))
        with torch.no_grad():
            for kept, live in ((average, student), (average_logits, heads.logits)):
                for a, b in zip(kept.state_dict().values(), live.state_dict().values()):
                    a.lerp_(b, 1 - keep) if a.dtype.is_floating_point else a.copy_(b)
        for name, loss in losses.items():
            totals[name] = totals.get(name, 0.0) + float(loss.detach())
        now = time.monotonic()
        if now - last_log > 60:
            means = " ".join(f"{name} {total / (step - logged):.3f}" for name, total in totals.items())
            print(f"{progress:.3f} step {step} seen {seen} {means}", flush=True)
            totals, last_log, logged = {}, now, step
        if now - last_report > 480:
            save()
            report(f"{progress:.3f}")
            last_report = time.monotonic()
    save()
    report(f"done, {step} steps, {seen} views")


if __name__ == "__main__":
    main()
