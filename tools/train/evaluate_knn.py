"""1-nearest-neighbour accuracy on photographs that training never saw: baselines, the bundled model, its teacher.

Gallery: the train split; queries: the chosen split; cosine unless the name says otherwise. The interval is a 95 %
percentile bootstrap over queries.

    python evaluate_knn.py CLOTHING_FOLDER MODEL_FOLDER [--teachers WEIGHTS_FOLDER] [--split test] [--no-baselines]
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from student import SavedStudent, prepare

BOOTSTRAP_SEED, BOOTSTRAP_ROUNDS = 23, 10_000
TEACHERS = {
    "ViT-Ti/16 (teacher)": "vit_tiny_patch16_224",
    "MobileNetV2 1.0": "mobilenetv2_1.0_features",
    "SqueezeNet 1.1": "squeezenet1.1",
}


def pixels(image: Image.Image, side: int) -> np.ndarray:
    return np.asarray(image.resize((side, side), Image.BOX), np.float32).ravel()


def histogram(image: Image.Image, mode: str) -> np.ndarray:
    """8 x 8 x 8 bins over all pixels, sums to 1."""
    bins = np.asarray(image.convert(mode).resize((128, 128), Image.BOX)).reshape(-1, 3) >> 5
    counts = np.bincount(bins @ np.array([64, 8, 1]), minlength=512)
    return (counts / counts.sum()).astype(np.float32)


def nearest(queries: np.ndarray, gallery: np.ndarray, measure: str = "cosine") -> np.ndarray:
    """The gallery row nearest to each query."""
    if measure == "intersection":
        return np.array([np.minimum(query, gallery).sum(1).argmax() for query in queries])
    if measure == "centred":
        mean = gallery.mean(0)
        queries, gallery = queries - mean, gallery - mean
    if measure == "euclidean":
        return ((gallery**2).sum(1) - 2 * queries @ gallery.T).argmin(1)
    queries, gallery = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (queries, gallery))
    return (queries @ gallery.T).argmax(1)


def report(name: str, right: np.ndarray) -> None:
    random = np.random.default_rng(BOOTSTRAP_SEED)
    means = right[random.integers(0, len(right), (BOOTSTRAP_ROUNDS, len(right)))].mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    print(f"{name:42s} {right.mean():.3f}  [{low:.3f}, {high:.3f}]", flush=True)


def teacher(folder: Path, images: list[Image.Image]) -> np.ndarray:
    import json

    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / f"{folder.name}.onnx", options)
    config = json.loads((folder / "preprocessor_config.json").read_text())
    name = session.get_inputs()[0].name
    out = []
    for start in range(0, len(images), 16):
        batch = np.stack([prepare(image, config) for image in images[start : start + 16]])
        out.append(session.run(["embedding"], {name: batch})[0].reshape(len(batch), -1))
    return np.concatenate(out)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--teachers", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--no-baselines", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    images, labels = {}, {}
    for split in ("train", args.split):
        files = sorted((args.data / split).glob("*/*"))
        images[split] = [Image.open(file).convert("RGB") for file in files]
        labels[split] = np.array([file.parent.name for file in files])
    print(f"{len(labels[args.split])} queries ({args.split}), {len(labels['train'])} gallery pictures (train)")

    def score(name, embed, *measures):
        gallery, queries = embed(images["train"]), embed(images[args.split])
        for measure in measures or ("cosine",):
            found = labels["train"][nearest(queries, gallery, measure)]
            report(f"{name}, {measure}" if measures else name, found == labels[args.split])

    if not args.no_baselines:
        for side in (32, 64):
            score(f"raw pixels {side}x{side}", lambda x, s=side: np.stack([pixels(i, s) for i in x]),
                  "cosine", "centred", "euclidean")  # fmt: skip
        for mode in ("RGB", "HSV"):
            score(f"histogram 8x8x8 {mode}", lambda x, m=mode: np.stack([histogram(i, m) for i in x]),
                  "cosine", "intersection")  # fmt: skip
    student = SavedStudent(args.model)
    batches = lambda x: np.concatenate([student.embed(x[i : i + 32]) for i in range(0, len(x), 32)])  # noqa: E731
    score("mini-cnn", batches)
    score("mini-cnn", batches, "centred")
    for name, folder in TEACHERS.items() if args.teachers else ():
        score(name, lambda x, f=folder: teacher(args.teachers / f, x))


if __name__ == "__main__":
    main()
