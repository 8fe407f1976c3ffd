"""Golden numbers of the bundled model on sample images, made by Pillow, transformers' image processor and PyTorch.

Writes MODEL_FOLDER/golden.json, which the self-test compares with (decoded and resized pixels as SHA-256 of interleaved
8-bit RGB, embeddings L2-normalised), and a test fixture with the raw embeddings.

    python golden.py MODEL_FOLDER SAMPLES_FOLDER FIXTURE.json
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import PIL
import torch
import transformers
from PIL import Image
from student import SavedStudent, prepare
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

FILES = ("cat-portrait.jpg", "boats-nagasaki.jpg", "emoji-apple-red.png")
FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}


def sha256(image: Image.Image) -> str:
    return hashlib.sha256(np.asarray(image).tobytes()).hexdigest()


def seven(vector: np.ndarray) -> list[float]:
    return [float(f"{number:.7g}") for number in vector]


def main(folder: Path, samples: Path, fixture: Path) -> None:
    student = SavedStudent(folder)
    config = student.preprocessor
    kind = BitImageProcessorPil if config["image_processor_type"].startswith("Bit") else ViTImageProcessorPil
    processor = kind(**{name: value for name, value in config.items() if name != "image_processor_type"})
    torch.set_num_threads(1)
    reference = {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__, "Pillow": PIL.__version__}
    checks, raw = [], []
    for name in FILES:
        image = Image.open(samples / name).convert("RGB")
        pixels = processor(image, return_tensors="pt")["pixel_values"]
        assert np.abs(pixels[0].numpy() - prepare(image, config)).max() < 1e-6
        with torch.inference_mode():
            vector = student.network(pixels.float())[0].numpy()
        resized = [
            {"filter": filter, "width": 224, "height": 224, "sha256": sha256(image.resize((224, 224), code))}
            for filter, code in FILTERS.items()
        ]
        decoded = {"width": image.width, "height": image.height, "sha256": sha256(image)}
        checks.append({"file": name, "decoded": decoded, "resized": resized,
                       "vector": seven(vector / np.linalg.norm(vector))})  # fmt: skip
        raw.append({"file": name, "vector": seven(vector)})
    (folder / "golden.json").write_text(json.dumps({"reference": reference, "samples": checks}) + "\n")
    fixture.parent.mkdir(parents=True, exist_ok=True)
    fixture.write_text(json.dumps({"made_by": "tools/train/golden.py", "output": "pooled", "samples": raw}) + "\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
