"""What storing weights as 8-bit integers, or as float16, costs: against the float32 weights that training ended with.

Over 300 held-out photographs: the cosine of each vector to its float32 one, and how many of the ten nearest stay; for CLIP
also of 500 captions. Sizes are of the tensors.

    python quantisation.py vit RUN/last.pt MODEL_FOLDER CACHE
    python quantisation.py cnn RUN/last.pt MODEL_FOLDER CACHE
    python quantisation.py clip BOTH.pt MODEL_FOLDER CACHE DATA
    python quantisation.py trained FOLDER_OF_AFTERIMAGE_TRAIN MODEL_FOLDER CACHE
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from distil import agreement
from export import dequantised, quantised, tensors_of
from PIL import Image
from reference import Reference


def cosines(a: np.ndarray, b: np.ndarray) -> str:
    similar = torch.nn.functional.cosine_similarity(torch.from_numpy(a), torch.from_numpy(b))
    return f"cosine {similar.mean():.6f}, at least {similar.min():.6f}"


def main() -> None:
    kind, source, folder, cache = sys.argv[1], *map(Path, sys.argv[2:5])
    torch.set_num_threads(1)
    images = [Image.fromarray(picture) for picture in np.load(cache / "flickr_held_out.npy", mmap_mode="r")[:300]]
    texts = pd.read_csv(Path(sys.argv[5]) / "flickr8k" / "captions.csv").caption[:500].tolist() if kind == "clip" else []
    exact = tensors_of(kind, source)
    stored = {
        "float32": {name: tensor.float() for name, tensor in exact.items()},
        "float16": {name: tensor.half() for name, tensor in exact.items()},
        "int8": quantised(exact),
    }
    found = {}
    for form, tensors in stored.items():
        model = Reference(folder, dequantised(tensors))
        found[form] = model.images(images), model.texts(texts) if texts else None
        size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
        line = f"{folder.name} {form}: {size / 1e6:.2f} MB"
        if form != "float32":
            (images_then, texts_then), (images_now, texts_now) = found["float32"], found[form]
            kept = agreement(*(torch.from_numpy(v) for v in (images_now, images_then)))
            line += f"; images: {cosines(images_now, images_then)}, {kept:.3f} of the ten nearest stay"
            line += f"; texts: {cosines(texts_now, texts_then)}" if texts else ""
        print(line, flush=True)


if __name__ == "__main__":
    main()
