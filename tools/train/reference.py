"""The bundled models as Python runs them: transformers, timm and plain PyTorch over a model's folder.

What a folder's weights become here is what the product must compute: 8-bit integers times the factor of their row, float16
widened, everything in float32.
"""

import json
from pathlib import Path

import numpy as np
import timm
import torch
import transformers
from export import dequantised
from PIL import Image
from safetensors.torch import load_file


def prepare(image: Image.Image, config: dict) -> np.ndarray:
    """transformers' `preprocessor_config.json` in words: resize, centre crop, rescale, normalise. [3, H, W]."""
    image = image.convert("RGB")
    size = config["size"]
    if short := size.get("shortest_edge"):
        width, height = image.size
        target = (short, int(short * height / width)) if width <= height else (int(short * width / height), short)
    else:
        target = (size["width"], size["height"])
    if target != image.size:
        image = image.resize(target, config["resample"])
    if config["do_center_crop"]:
        height, width = config["crop_size"]["height"], config["crop_size"]["width"]
        left, top = (image.width - width) // 2, (image.height - height) // 2
        image = image.crop((left, top, left + width, top + height))
    pixels = np.asarray(image, np.float32) * np.float32(config["rescale_factor"])
    if config["do_normalize"]:
        pixels = (pixels - np.array(config["image_mean"], np.float32)) / np.array(config["image_std"], np.float32)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def encoder(config: dict) -> torch.nn.Sequential:
    """The encoder of an autoencoder: strided convolutions, the layers numbered as in the file."""
    layers: list[torch.nn.Module] = []
    channels = [3, *config["channels"]]
    for before, after in zip(channels, channels[1:]):
        layers.append(torch.nn.Conv2d(before, after, config["kernel"], 2, 1, bias=not config["batch_norm"]))
        layers += [torch.nn.BatchNorm2d(after)] * config["batch_norm"] + [torch.nn.ReLU()]
    return torch.nn.Sequential(*layers)


def part(tensors: dict, prefix: str) -> dict:
    return {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}


class Reference:
    """`images(list of PIL images)` and, for CLIP, `texts(list of str)`: float32 arrays, not normalised."""

    def __init__(self, folder: Path, tensors: dict[str, torch.Tensor] | None = None):
        """tensors: other weights than the folder's."""
        self.config = json.loads((folder / "config.json").read_text())
        self.preprocessor = json.loads((folder / "preprocessor_config.json").read_text())
        tensors = tensors or dequantised(load_file(folder / "model.safetensors"))
        kind = self.config.get("model_type", "timm")
        self.network = getattr(self, f"_{kind.replace('afterimage-', '')}")(tensors)
        if kind == "clip":
            self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder)

    def _vit(self, tensors: dict):
        model = transformers.ViTForImageClassification(transformers.ViTConfig(**self.config)).eval()
        load(model, tensors)
        return lambda pixels: model.vit(pixels).last_hidden_state[:, 0]

    def _clip(self, tensors: dict):
        model = transformers.CLIPModel(transformers.CLIPConfig(**self.config)).eval()
        model.vision_model.pre_layrnorm = torch.nn.Identity()  # mini-clip has no norm before the first block
        load(model, tensors)
        self.model = model
        return lambda pixels: model.visual_projection(model.vision_model(pixels).pooler_output)

    def _timm(self, tensors: dict):
        return self._mobilenet(tensors)

    def _mobilenet(self, tensors: dict):
        model = timm.create_model("mobilenetv2_100", num_classes=1000 if "classifier.weight" in tensors else 0).eval()
        load(model, tensors)
        return lambda pixels: model.forward_head(model.forward_features(pixels), pre_logits=True)

    def _siamese(self, tensors: dict):
        backbone, head = self._mobilenet(part(tensors, "backbone.")), part(tensors, "head.")
        return lambda pixels: torch.nn.functional.linear(backbone(pixels), head["weight"], head.get("bias"))

    def _autoencoder(self, tensors: dict):
        convolutions = encoder(self.config).eval()
        load(convolutions, part(tensors, "encoder."))
        narrow = part(tensors, "encode.")

        def latent(pixels: torch.Tensor) -> torch.Tensor:
            flat = convolutions(pixels).flatten(1)
            return torch.nn.functional.linear(flat, narrow["weight"], narrow["bias"]) if narrow else flat

        return latent

    @torch.inference_mode()
    def images(self, images: list[Image.Image]) -> np.ndarray:
        return self.network(torch.from_numpy(np.stack([prepare(image, self.preprocessor) for image in images]))).numpy()

    @torch.inference_mode()
    def texts(self, texts: list[str]) -> np.ndarray:
        rows = [self.tokenizer(text, return_tensors="pt")["input_ids"] for text in texts]
        towers = (self.model.text_model(input_ids=row).pooler_output for row in rows)
        return torch.cat([self.model.text_projection(tower) for tower in towers]).numpy()


def load(model: torch.nn.Module, tensors: dict) -> None:
    """All of the file's tensors, under transformers' names of its published files or of its classes."""
    own = model.state_dict()
    renamed = {}
    for name, tensor in tensors.items():
        if name not in own:  # transformers 5 calls ViT's layers otherwise than its files do
            for old, new in (("encoder.layer.", "layers."), ("attention.attention.query", "attention.q_proj"),
                             ("attention.attention.key", "attention.k_proj"), ("attention.attention.value", "attention.v_proj"),
                             ("attention.output.dense", "attention.o_proj"), ("intermediate.dense", "mlp.fc1"),
                             ("output.dense", "mlp.fc2")):  # fmt: skip
                name = name.replace(old, new)
        renamed[name] = tensor
    missing, unexpected = model.load_state_dict(renamed, strict=False)
    left = [name for name in missing if not name.endswith(("num_batches_tracked", "position_ids"))]
    assert not left and not unexpected, (left, unexpected)
