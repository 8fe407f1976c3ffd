"""Make `golden.json`, the numbers that `afterimage doctor` compares with: samples decoded and resized by Pillow, and
embedded by PyTorch with the bundled weights.

    python make_golden.py SAMPLES_FOLDER MODEL_FOLDER
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import PIL
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent / "train"))
from student import SavedStudent  # noqa: E402

FILES = ["cat-portrait.jpg", "boats-nagasaki.jpg", "rocket-launch.jpg", "emoji-strawberry.png"]
RESIZED = [("bilinear", Image.Resampling.BILINEAR, (224, 224)), ("bicubic", Image.Resampling.BICUBIC, (144, 97)),
           ("lanczos", Image.Resampling.LANCZOS, (61, 83)), ("box", Image.Resampling.BOX, (32, 32))]


def sha256(image: Image.Image) -> str:
    return hashlib.sha256(np.asarray(image).tobytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("samples", type=Path)
    parser.add_argument("model", type=Path)
    args = parser.parse_args()
    student = SavedStudent(args.model)
    samples = []
    for file in FILES:
        image = Image.open(args.samples / file).convert("RGB")
        resized = [
            {"filter": name, "width": size[0], "height": size[1], "sha256": sha256(image.resize(size, code))}
            for name, code, size in RESIZED
        ]
        vector = student.embed([image])[0].astype(np.float64)
        vector /= np.linalg.norm(vector)
        samples.append(
            {
                "file": file,
                "decoded": {"width": image.width, "height": image.height, "sha256": sha256(image)},
                "resized": resized,
                "vector": [float(f"{x:.7g}") for x in vector],
            }
        )
    reference = {"Pillow": PIL.__version__, "PyTorch": torch.__version__.split("+")[0]}
    text = json.dumps({"reference": reference, "samples": samples})
    (args.model / "golden.json").write_text(text.replace('{"file"', '\n{"file"') + "\n")


if __name__ == "__main__":
    main()
