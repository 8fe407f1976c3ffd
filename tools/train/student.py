"""A saved student as a user meets it: the folder's weights and preparation, run by PyTorch and Pillow."""

import json
from pathlib import Path

import numpy as np
import torch
from model import Student
from PIL import Image
from safetensors.torch import load_file


def prepare(image: Image.Image, config: dict) -> np.ndarray:
    """transformers' `preprocessor_config.json` in words: resize, centre crop, rescale, normalise. [3, H, W]."""
    image = image.convert("RGB")
    size = config["size"]
    if short := size.get("shortest_edge"):
        width, height = image.size
        across = width <= height
        target = (short, int(short * height / width)) if across else (int(short * width / height), short)
    else:
        target = (size["width"], size["height"])
    image = image.resize(target, config["resample"])
    if config["do_center_crop"]:
        height, width = config["crop_size"]["height"], config["crop_size"]["width"]
        left, top = (image.width - width) // 2, (image.height - height) // 2
        image = image.crop((left, top, left + width, top + height))
    pixels = np.asarray(image, np.float32)
    pixels = pixels * np.float32(config["rescale_factor"])
    pixels = (pixels - np.array(config["image_mean"], np.float32)) / np.array(config["image_std"], np.float32)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


class SavedStudent:
    """Reads `config.json`, `preprocessor_config.json` and `model.safetensors` of a folder."""

    def __init__(self, folder: Path):
        self.preprocessor = json.loads((folder / "preprocessor_config.json").read_text())
        tensors = {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}
        self.network = Student(tensors["conv1.weight"].shape[0])
        missing, unexpected = self.network.load_state_dict(tensors, strict=False)
        assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing), (missing, unexpected)
        self.network.eval()

    def embed(self, images: list[Image.Image]) -> np.ndarray:
        """Pooled features, float32[N, D], not normalised."""
        pixels = torch.from_numpy(np.stack([prepare(image, self.preprocessor) for image in images]))
        with torch.inference_mode():
            return self.network(pixels).numpy()
