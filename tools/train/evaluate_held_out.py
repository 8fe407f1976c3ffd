"""What the student learned, on pictures held out of training: Tiny ImageNet classes and agreement with the teacher.

- top-1 of the training head on every twentieth Tiny ImageNet picture (200 classes, 64 px originals);
- over 1,000 held-out Flickr8k photographs: how often the student's nearest neighbour is among the teacher's ten nearest.

    python evaluate_held_out.py CACHE_FOLDER RUN/last.pt WEIGHTS_FOLDER [--size 96]
"""

import argparse
from pathlib import Path

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F
from model import Student

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


def resized(images: np.ndarray, size: int) -> torch.Tensor:
    pixels = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float()
    return F.interpolate(pixels, (size, size), mode="bicubic", antialias=True).clamp(0, 255) / 255


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("cache", type=Path)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--size", type=int, default=96)
    args = parser.parse_args()
    torch.set_num_threads(1)
    state = torch.load(args.checkpoint)
    student = Student(state["width"])
    student.load_state_dict(state["average"])
    student.eval()

    def embed(images: np.ndarray) -> torch.Tensor:
        with torch.inference_mode():
            parts = np.array_split(images, max(1, len(images) // 50))
            return torch.cat([student((resized(part, args.size) - MEAN) / STD) for part in parts])

    images = np.load(args.cache / "tiny.npy", mmap_mode="r")[::20]
    labels = torch.from_numpy(np.load(args.cache / "tiny_labels.npy")[::20])
    logits = embed(images) @ state["heads"]["labels.tiny.weight"].T + state["heads"]["labels.tiny.bias"]
    print(f"Tiny ImageNet top-1 on {len(labels)} held out: {(logits.argmax(1) == labels).float().mean():.3f}")

    images = np.load(args.cache / "flickr_held_out.npy")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    name = "vit_tiny_patch16_224"
    session = onnxruntime.InferenceSession(args.weights / name / f"{name}.onnx", options)
    feeds = (((resized(part, 224) - 0.5) / 0.5).numpy() for part in np.array_split(images, len(images) // 20))
    teacher = torch.cat([torch.from_numpy(session.run(["embedding"], {"pixel_values": feed})[0]) for feed in feeds])
    similar = []
    for vectors in (embed(images), teacher):
        unit = F.normalize(vectors, dim=1)
        similar.append((unit @ unit.T).fill_diagonal_(-2))
    student_first, teacher_ten = similar[0].argmax(1, keepdim=True), similar[1].topk(10, 1).indices
    print(f"Flickr8k, {len(images)} held out: nearest is among the teacher's ten nearest for "
          f"{(student_first == teacher_ten).any(1).float().mean():.3f} (chance {10 / (len(images) - 1):.3f})")


if __name__ == "__main__":
    main()
