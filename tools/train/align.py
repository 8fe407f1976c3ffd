"""Align texts to images: first a text tower to the teacher's frozen embeddings, then both towers together.

Stage `locked` (LiT, Zhai et al. 2022): the images are ViT-Ti's CLS embeddings of the views, already computed; learned are
a CLIP text tower, the projections and the temperature. Stage `both` goes on from there with mini-vit as the image tower,
whose upper half is trained, too, at a small rate that falls with depth. (Embeddings of earlier batches as further wrong
answers made both towers drift apart.)

A batch holds photographs with captions, products with titles or attributes, pictures of named classes in templates. The
loss is CLIP's (Radford et al. 2021), where every text that says the same counts as right. Beside it the teacher's 1,000 classes are named: the
softmax over some of these names follows the teacher's logits, which teaches names that no caption has.

A token's vector is a projection of its GloVe vector plus a difference that is learned and decayed, so that words that are
never trained stay beside their like. Both are one table in the end.

    python align.py locked DATA CACHE WEIGHTS VIEWS TOKENIZER OUT.pt --minutes 22
    python align.py both DATA CACHE WEIGHTS VIEWS TOKENIZER OUT.pt --minutes 33 --vit RUN/last.pt --text LOCKED.pt
"""

import argparse
import copy
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from augment import colour
from distil import VitStudent, agreement, embed
from networks import HALF, normalised, small_vit, vit
from texts import Texts, names_of
from torch import nn
from transformers import AutoTokenizer, CLIPTextConfig, CLIPTextModelWithProjection
from views import SOURCES, Views

SEED, WIDTH, JOINT, LONGEST, FROZEN = 43, 192, 256, 40, 6
SHARES = {"flickr": 0.68, "fashion": 0.1, "tiny": 0.17, "clothing_train": 0.05}


class Words(nn.Module):
    """The table of tokens: GloVe through a learned projection, plus a learned difference."""

    def __init__(self, glove: torch.Tensor):
        super().__init__()
        self.register_buffer("glove", glove)
        self.projection = nn.Parameter(torch.randn(100, WIDTH) * 0.02 * math.sqrt(WIDTH / 100))
        self.difference = nn.Embedding(len(glove), WIDTH)
        nn.init.normal_(self.difference.weight, std=0.02)
        with torch.no_grad():
            self.difference.weight[glove.any(1)] *= 0.1

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return F.embedding(ids, self.glove) @ self.projection + self.difference(ids)

    def table(self) -> torch.Tensor:
        return (self.glove @ self.projection + self.difference.weight).detach()


class Alignment(nn.Module):
    """The text tower, the projection of images, the temperature."""

    def __init__(self, tokenizer, glove: torch.Tensor):
        super().__init__()
        end = tokenizer.eos_token_id
        self.config = CLIPTextConfig(
            vocab_size=len(tokenizer), hidden_size=WIDTH, intermediate_size=4 * WIDTH, num_hidden_layers=4,
            num_attention_heads=3, max_position_embeddings=77, hidden_act="gelu", projection_dim=JOINT,
            bos_token_id=tokenizer.bos_token_id, eos_token_id=end, pad_token_id=end, attention_dropout=0.1,
        )  # fmt: skip
        self.text = CLIPTextModelWithProjection(self.config)
        self.words = self.text.text_model.embeddings.token_embedding = Words(glove)
        self.image = nn.Linear(WIDTH, JOINT, bias=False)
        self.scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.tokenizer, self.end = tokenizer, end

    def ids(self, texts: list[str]) -> list[list[int]]:
        return [ids[:LONGEST] for ids in self.tokenizer(texts)["input_ids"]]

    def encode(self, rows: list[list[int]], parts: int = 2) -> torch.Tensor:
        """Unit embeddings; short texts and long ones apart, since padding costs time."""
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        found = []
        for part in np.array_split(order, parts):
            length = max(len(rows[i]) for i in part)
            ids = torch.tensor([rows[i] + [self.end] * (length - len(rows[i])) for i in part])
            with torch.autocast("cpu", torch.bfloat16):
                found.append(self.text(input_ids=ids).text_embeds)
        return F.normalize(torch.cat(found).float()[torch.argsort(torch.tensor(order))], dim=1)


class Sampler:
    """Views and what is said about them."""

    def __init__(self, views: Views, texts: Texts, random: np.random.Generator):
        self.views, self.texts, self.random = views, texts, random
        self.of = {name: np.flatnonzero(views.rows[:, 0] == i) for i, name in enumerate(SOURCES)}
        pictures = views.rows[self.of["flickr"], 1]
        self.photographs = [self.of["flickr"][pictures == i] for i in range(pictures.max() + 1)]
        self.queue: list[int] = []

    def batch(self, size: int) -> tuple[np.ndarray, list[str], np.ndarray]:
        """Indices of views, a text for each, and the keys of the texts."""
        index, texts, keys = [], [], []
        for source, share in SHARES.items():
            count = round(size * share)
            if source == "flickr":  # every photograph once in a pass, one of its views
                if len(self.queue) < count:
                    self.queue = list(self.random.permutation(len(self.photographs)))
                some = np.array([self.random.choice(self.photographs[self.queue.pop()]) for _ in range(count)])
            else:
                some = self.random.choice(self.of[source], count, replace=False)
            said, key = self.texts.about(source, self.views.rows[some, 1])
            index.append(some)
            texts += said
            keys += key
        return np.concatenate(index), texts, np.array(keys)

    def class_names(self, index: np.ndarray, likely: int, others: int) -> tuple[list[int], list[str]]:
        """Classes of the teacher that this batch may show, some that it does not, and texts that name them."""
        shown = (self.views.logits[index] / 2).softmax(1).sum(0).topk(likely).indices.tolist()
        classes = list(set(shown + list(self.random.integers(0, 1000, others))))
        return classes, [self.texts.named(self.texts.imagenet[c]) for c in classes]


def recalls(alignment: Alignment, images: torch.Tensor, rows: list[list[list[int]]]) -> str:
    """Text to image over the held-out photographs: the share of captions whose photograph is among the first k."""
    alignment.eval()
    with torch.inference_mode():
        own = torch.tensor([i for i, captions in enumerate(rows) for _ in captions])
        texts = alignment.encode([ids for captions in rows for ids in captions], 20)
        similar = texts @ F.normalize(alignment.image(images), dim=1).T
        rank = (similar > similar.gather(1, own[:, None])).sum(1)
    alignment.train()
    return " ".join(f"recall@{k} {(rank < k).float().mean():.3f}" for k in (1, 5, 10))


def text_groups(alignment: Alignment, rate: float, decay: float) -> list[dict]:
    difference = alignment.words.difference.weight
    named = [p for p in alignment.parameters() if p is not difference]
    return [
        {"params": [p for p in named if p.ndim > 1], "weight_decay": decay, "base": rate},
        {"params": [difference], "weight_decay": 5 * decay, "base": rate},
        {"params": [p for p in named if p.ndim <= 1], "weight_decay": 0.0, "base": rate},
    ]


def image_groups(network: torch.nn.Module, rate: float) -> list[dict]:
    """Each block at 0.8 of the rate of the one above it; the lower half stays."""
    groups = []
    for name, p in network.named_parameters():
        depth = int(name.split(".")[1]) if name.startswith("blocks") else 11 if name.startswith("norm") else -1
        if depth < FROZEN:
            p.requires_grad_(False)
            continue
        groups.append({"params": [p], "weight_decay": 0.05 if p.ndim > 1 else 0.0, "base": rate * 0.8 ** (11 - depth)})
    return groups


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("stage", choices=("locked", "both"))
    for name in ("data", "cache", "weights", "views", "tokenizer", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--vit", type=Path)
    parser.add_argument("--text", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    random = np.random.default_rng(SEED)
    both = args.stage == "both"
    views, texts = Views(args.views), Texts(args.data, args.cache, random)
    sampler = Sampler(views, texts, random)
    tokenizer = AutoTokenizer.from_pretrained(args.tokenizer)
    alignment = Alignment(tokenizer, torch.from_numpy(np.load(args.tokenizer / "glove.npy")))
    held_out = [alignment.ids(texts.captions[name.split("/")[-1]]) for name in names_of(args.cache, "flickr_held_out")]
    pictures = np.load(args.cache / "flickr_held_out.npy")
    groups, kept = text_groups(alignment, 1e-4 if both else 1e-3, 0.1), copy.deepcopy(alignment)
    size, kd, drop, batch = 176, 0.2 if both else 0.3, 0.1, 128 if both else 256
    if both:
        alignment.load_state_dict(torch.load(args.text)["alignment"])
        tower = VitStudent(small_vit(args.weights, size))
        tower.network.load_state_dict(torch.load(args.vit)["net"])
        kept, average = copy.deepcopy(alignment), copy.deepcopy(tower).eval()
        groups += image_groups(tower.network, 6e-5)
        old = embed(average, pictures, 192, size, HALF)
    else:
        old = embed(VitStudent(vit(args.weights)).eval(), pictures, 248, 224, HALF)
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.98))
    learned = [p for group in groups for p in group["params"]]

    def report(when: str) -> None:
        images = embed(average, pictures, 192, size, HALF) if both else old
        print(f"{when}: {recalls(kept, images, held_out)}, neighbours kept {agreement(images, old):.3f}", flush=True)

    def save() -> None:
        torch.save({
            "alignment": kept.state_dict(), "table": kept.words.table(), "projection": kept.image.weight.detach(),
            "text_config": kept.config.to_diff_dict(), "size": size,
            **({"net": average.network.state_dict()} if both else {}),
        }, args.out)  # fmt: skip

    started = last_log = last_report = time.monotonic()
    step, total, logged = 0, 0.0, 0
    while (progress := (time.monotonic() - started) / 60 / args.minutes) < 1:
        factor = min(1, progress / 0.05) * 0.5 * (1 + math.cos(math.pi * max(0, progress - 0.05) / 0.95))
        for group in optimizer.param_groups:
            group["lr"] = group["base"] * max(factor, 1e-3)
        index, said, keys = sampler.batch(batch)
        classes, names = sampler.class_names(index, *((32, 16) if both else (64, 32)))
        count = len(index)
        target = views.vit[index]
        if both:
            pixels = views.pixels(index)
            mirrored = torch.rand(count) < 0.5
            pixels[mirrored] = pixels[mirrored].flip(3)
            top, left = torch.randint(0, 192 - size + 1, (2,))
            pixels = pixels[:, :, top : top + size, left : left + size]
            with torch.autocast("cpu", torch.bfloat16):
                z = tower.train()(normalised(colour(pixels, 0.2, 0.02), HALF)).float()
        else:
            z = target + torch.randn_like(target) * 0.1 * target.std()
        rows = [[ids[0], *(i for i in ids[1:-1] if random.random() > drop), ids[-1]] for ids in alignment.ids(said)]
        encoded = alignment.encode(rows + alignment.ids(names))
        images, scale = F.normalize(alignment.image(z), dim=1), alignment.scale.exp().clamp(max=100)
        same = torch.from_numpy(keys[:, None] == keys[None]).float()
        same /= same.sum(1, keepdim=True)
        captions, named = encoded[:count], encoded[count:]
        similar = scale * images @ captions.T
        nce = -(same * (similar.log_softmax(1) + similar.T.log_softmax(1))).sum(1).mean() / 2
        follow = F.kl_div((scale * images @ named.T).log_softmax(1), (views.logits[index][:, classes] / 1.5).softmax(1),
                          reduction="batchmean")  # fmt: skip
        loss = nce + kd * follow
        if both:
            loss = loss + (1 - F.cosine_similarity(z, target)).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        step, total = step + 1, total + nce.item()
        keep = min(0.99, (1 + step) / (10 + step))
        with torch.no_grad():
            for mine, theirs in ((kept, alignment), *(((average, tower),) if both else ())):
                for a, b in zip(mine.parameters(), theirs.parameters()):
                    a.lerp_(b, 1 - keep)
        now = time.monotonic()
        if now - last_log > 60:
            print(f"{progress:.2f} step {step} loss {total / (step - logged):.3f} scale {scale.item():.1f}", flush=True)
            total, last_log, logged = 0.0, now, step
        if now - last_report > 420:
            save()
            report(f"{progress:.2f}")
            last_report = time.monotonic()
    save()
    report(f"done, {step} steps")


if __name__ == "__main__":
    main()
