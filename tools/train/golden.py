"""Golden numbers of the bundled models, made by Pillow, transformers, timm and PyTorch.

Writes a golden.json into the models' folders, which the self-test compares with (decoded and resized pixels as SHA-256 of
interleaved 8-bit RGB, embeddings L2-normalised), and a test fixture with the embedding that every bundled model gives to sample
images, to a rendered picture, and to texts, and of every sample image the five that its teacher ViT-Ti/16 finds nearest.

    python golden.py MODELS_FOLDER SAMPLES_FOLDER WEIGHTS_FOLDER FIXTURE.json
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import PIL
import timm
import torch
import transformers
from networks import cls, vit
from PIL import Image
from reference import Reference, prepare
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil

FILES = ("cat-portrait.jpg", "boats-nagasaki.jpg", "emoji-apple-red.png")
TEXTS = ("a photo of a cat", "boats on a river", "a red apple", "a giraffe in the savannah")
FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}


def sha256(image: Image.Image) -> str:
    return hashlib.sha256(np.asarray(image).tobytes()).hexdigest()


def unit(vector: np.ndarray) -> list[float]:
    return [float(f"{number:.7g}") for number in vector / np.linalg.norm(vector)]


def rendered() -> Image.Image:
    """200 x 160: slanted ramps in red, checks in green, a disc in blue. In whole numbers, so that every language draws it."""
    x, y = np.meshgrid(np.arange(200), np.arange(160))
    disc = ((x - 110) ** 2 + (y - 70) ** 2 < 50**2) * 220
    return Image.fromarray(np.stack([(x * 7 + y * 3) % 256, ((x >> 4) ^ (y >> 4)) * 16 % 256, disc], 2).astype(np.uint8))


@torch.inference_mode()
def neighbours(weights: Path, samples: Path) -> dict[str, list[str]]:
    """The five sample images nearest to each by the teacher's cosine."""
    network = vit(weights)
    config = json.loads((weights / "vit_tiny_patch16_224" / "preprocessor_config.json").read_text())
    files = sorted(file for file in samples.iterdir() if file.suffix in (".jpg", ".png"))
    pixels = torch.from_numpy(np.stack([prepare(Image.open(file), config) for file in files]))
    unit_vectors = torch.nn.functional.normalize(cls(network, pixels), dim=1)
    nearest = (unit_vectors @ unit_vectors.T).fill_diagonal_(-2).topk(5, 1).indices
    return {file.name: [files[i].name for i in row] for file, row in zip(files, nearest.tolist())}


def main(models: Path, samples: Path, weights: Path, fixture: Path) -> None:
    torch.set_num_threads(1)
    made_with = {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__,
                 "timm": timm.__version__, "Pillow": PIL.__version__}  # fmt: skip
    images = {name: Image.open(samples / name).convert("RGB") for name in FILES}
    pinned = {}
    for folder in sorted(path for path in models.iterdir() if path.is_dir()):
        reference = Reference(folder)
        vectors = reference.images([*images.values(), rendered()])
        pinned[folder.name] = {name: unit(vector) for name, vector in zip((*FILES, "rendered"), vectors)}
        if folder.name == "mini-clip":
            pinned[folder.name] |= {text: unit(vector) for text, vector in zip(TEXTS, reference.texts(list(TEXTS)))}
            config = {k: v for k, v in reference.preprocessor.items() if k != "image_processor_type"}
            pixels = BitImageProcessorPil(**config)(images[FILES[0]], return_tensors="np")["pixel_values"][0]
            assert np.abs(pixels - prepare(images[FILES[0]], config)).max() < 1e-6
    fixture.parent.mkdir(parents=True, exist_ok=True)
    # A vector a line.
    lines = [f'"{name}": {{\n' + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in found.items()) + "\n}"
             for name, found in [*pinned.items(), ("teacher", neighbours(weights, samples))]]  # fmt: skip
    fixture.write_text("{\n" + ",\n".join(lines) + "\n}\n")

    def resized(image: Image.Image) -> list[dict]:
        sizes = {"width": 224, "height": 224}
        return [{"filter": name, **sizes, "sha256": sha256(image.resize((224, 224), code))} for name, code in FILTERS.items()]

    for name, found in pinned.items():
        if len(found[FILES[0]]) > 2000:  # the reference autoencoder's 8192
            continue
        checks = [
            {"file": file, "decoded": {"width": image.width, "height": image.height, "sha256": sha256(image)},
             "resized": resized(image), "vector": found[file]}
            for file, image in images.items()
        ]  # fmt: skip
        golden = {"reference": made_with, "samples": checks}
        if texts := [{"text": text, "vector": found[text]} for text in TEXTS if text in found]:
            golden["texts"] = texts
        (models / name / "golden.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
