"""Compute what the teachers say about the training pictures, shard by shard.

A *view* is a square box of one cached picture; the student later sees the same box, so teacher and student always
speak of the same pixels (Beyer et al. 2022, "Knowledge distillation: a good teacher is patient and consistent").
Each shard holds views and the concatenated teacher embeddings, and training picks up shards as they appear.
The first pass takes whole pictures, later passes random boxes.

    python teachers.py CACHE_FOLDER WEIGHTS_FOLDER [--passes 3] [--threads 1]
"""

import argparse
from pathlib import Path

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F

SEED = 21
SHARD = 1024
SOURCES = ("flickr", "fashion", "houses", "tiny")
# file, mean, std: both were trained on ImageNet by their publishers, with 224 x 224 input.
TEACHERS = {
    "vit": ("vit_tiny_patch16_224", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "mobilenet": ("mobilenetv2_1.0_features", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}


def views(cache: Path, passes: int, tiny: int):
    """Rows (source, index, top, left, side) in cache pixels, in an order that mixes the sources, pass by pass."""
    random = np.random.default_rng(SEED)
    for number in range(passes):
        rows = []
        for source, name in enumerate(SOURCES):
            shape = np.load(cache / f"{name}.npy", mmap_mode="r").shape
            index = random.permutation(shape[0])
            if name == "tiny":
                index = index[:tiny] if number == 0 else index[:0]
            side = np.full(len(index), shape[1])
            if number:
                side = np.round(shape[1] * np.sqrt(random.uniform(0.2, 0.9, len(index)))).astype(int)
            top, left = (np.floor(random.uniform(0, 1, len(index)) * (shape[1] - side + 1)).astype(int) for _ in range(2))
            rows.append(np.stack([np.full(len(index), source), index, top, left, side], 1))
        rows = np.concatenate(rows)
        yield from rows[random.permutation(len(rows))]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("cache", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--teachers", default="vit")
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--tiny", type=int, default=20000, help="Tiny ImageNet pictures shown to the teachers")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    sessions = []
    for name in args.teachers.split(","):
        file, mean, std = TEACHERS[name]
        session = onnxruntime.InferenceSession(args.weights / file / f"{file}.onnx", options)
        sessions.append((session, torch.tensor(mean).view(3, 1, 1), torch.tensor(std).view(3, 1, 1)))
    images = [np.load(cache_file, mmap_mode="r") for cache_file in (args.cache / f"{name}.npy" for name in SOURCES)]

    rows = np.array(list(views(args.cache, args.passes, args.tiny)))
    for start in range(0, len(rows), SHARD):
        shard = args.cache / f"shard_{start // SHARD:04d}.npz"
        if shard.exists():
            continue
        part = rows[start : start + SHARD]
        out = []
        for batch in np.array_split(part, max(1, len(part) // 16)):
            pixels = []
            for source, index, top, left, side in batch:
                box = images[source][index, top : top + side, left : left + side]
                box = torch.from_numpy(np.ascontiguousarray(box)).permute(2, 0, 1)[None].float()
                pixels.append(F.interpolate(box, (224, 224), mode="bicubic", antialias=True).clamp(0, 255) / 255)
            pixels = torch.cat(pixels)
            features = []
            for session, mean, std in sessions:
                feed = {session.get_inputs()[0].name: ((pixels - mean) / std).numpy()}
                features.append(session.run(["embedding"], feed)[0].reshape(len(batch), -1))
            out.append(np.concatenate(features, 1))
        temporary = shard.with_suffix(".part.npz")
        np.savez(temporary, views=part, features=np.concatenate(out).astype(np.float16))
        temporary.rename(shard)
        print(shard.name, flush=True)


if __name__ == "__main__":
    main()
