"""Write trained networks as the bundled models: 8-bit weights with one factor a row, everything else in half precision.

The names are those of transformers (ViT, CLIP) and timm (MobileNetV2). Matrices, convolutions and the table of tokens
become symmetric 8-bit integers, one factor for each output channel (`x.weight`, `x.weight_scale`, as `compressed-tensors`
names them); depthwise and small convolutions, norms, biases, positions stay float16.

    python export.py vit RUN/last.pt MODEL_FOLDER
    python export.py cnn RUN/last.pt MODEL_FOLDER
    python export.py clip ALIGNED.pt MODEL_FOLDER TOKENIZER_FOLDER
    python export.py trained FOLDER_OF_AFTERIMAGE_TRAIN MODEL_FOLDER
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

BLOCKS, WIDTH, HEADS, PATCH = 12, 192, 3, 16


def quantised(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Symmetric integers per row: scale = largest magnitude / 127, of the half precision that is stored."""
    out = {}
    for name, tensor in tensors.items():
        tensor = tensor.detach().float().contiguous()
        depthwise = tensor.ndim == 4 and tensor.shape[1] == 1
        small = depthwise or tensor.numel() < 4096  # little to save, much to lose
        whole = tensor.ndim >= 2 and name.endswith(".weight") and "position" not in name and not small
        if not whole:
            out[name] = tensor.half()
            continue
        rows = tensor.flatten(1)
        scale = (rows.abs().amax(1) / 127).clamp(min=1e-8)
        # Searched per row: clipping a little often costs less than a coarse step.
        best, error = scale, torch.full_like(scale, float("inf"))
        for shrink in torch.linspace(0.7, 1, 31):
            candidate = (scale * shrink).half().float().clamp(min=6e-8)
            back = (rows / candidate[:, None]).round().clamp(-127, 127) * candidate[:, None]
            squared = (back - rows).square().sum(1)
            better = squared < error
            best, error = torch.where(better, candidate, best), torch.where(better, squared, error)
        out[name] = (rows / best[:, None]).round().clamp(-127, 127).to(torch.int8).view_as(tensor)
        out[f"{name}_scale"] = best.half().view(-1, 1)
    return out


def dequantised(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The float32 weights that a reader of the file computes with."""
    out = {}
    for name, tensor in tensors.items():
        if name.removesuffix("_scale") in tensors and name.endswith("_scale"):
            continue
        scale = tensors.get(f"{name}_scale")
        tensor = tensor.float()
        out[name] = tensor if scale is None else tensor * scale.float().view(-1, *[1] * (tensor.ndim - 1))
    return out


def split_qkv(state: dict, i: int, target: str, names: tuple[str, str, str]) -> dict:
    weight, bias = state[f"blocks.{i}.attn.qkv.weight"].chunk(3), state[f"blocks.{i}.attn.qkv.bias"].chunk(3)
    out = {}
    for name, w, b in zip(names, weight, bias):
        out[f"{target}{name}.weight"], out[f"{target}{name}.bias"] = w, b
    return out


def vit_tensors(state: dict, head: dict) -> dict:
    """timm's names to those of transformers' ViTForImageClassification."""
    out = {
        "vit.embeddings.cls_token": state["cls_token"],
        "vit.embeddings.position_embeddings": state["pos_embed"],
        "vit.embeddings.patch_embeddings.projection.weight": state["patch_embed.proj.weight"],
        "vit.embeddings.patch_embeddings.projection.bias": state["patch_embed.proj.bias"],
        "vit.layernorm.weight": state["norm.weight"],
        "vit.layernorm.bias": state["norm.bias"],
        "classifier.weight": head["weight"],
        "classifier.bias": head["bias"],
    }
    for i in range(BLOCKS):
        to = f"vit.encoder.layer.{i}."
        out |= split_qkv(state, i, f"{to}attention.attention.", ("query", "key", "value"))
        for theirs, ours in (("attn.proj", "attention.output.dense"), ("mlp.fc1", "intermediate.dense"),
                             ("mlp.fc2", "output.dense"), ("norm1", "layernorm_before"), ("norm2", "layernorm_after")):  # fmt: skip
            for part in ("weight", "bias"):
                out[f"{to}{ours}.{part}"] = state[f"blocks.{i}.{theirs}.{part}"]
    return out


def clip_vision_tensors(state: dict, projection: torch.Tensor) -> dict:
    """timm's ViT to the names of transformers' CLIP. CLIP's patches have no bias: it joins their positions."""
    positions = state["pos_embed"][0].clone()
    positions[1:] += state["patch_embed.proj.bias"]
    v = "vision_model."
    out = {
        f"{v}embeddings.class_embedding": state["cls_token"].flatten(),
        f"{v}embeddings.position_embedding.weight": positions,
        f"{v}embeddings.patch_embedding.weight": state["patch_embed.proj.weight"],
        f"{v}post_layernorm.weight": state["norm.weight"],
        f"{v}post_layernorm.bias": state["norm.bias"],
        "visual_projection.weight": projection,
    }
    for i in range(BLOCKS):
        to = f"{v}encoder.layers.{i}."
        out |= split_qkv(state, i, f"{to}self_attn.", ("q_proj", "k_proj", "v_proj"))
        for theirs, ours in (("attn.proj", "self_attn.out_proj"), ("mlp.fc1", "mlp.fc1"), ("mlp.fc2", "mlp.fc2"),
                             ("norm1", "layer_norm1"), ("norm2", "layer_norm2")):  # fmt: skip
            for part in ("weight", "bias"):
                out[f"{to}{ours}.{part}"] = state[f"blocks.{i}.{theirs}.{part}"]
    return out


def preprocessor(size: int, kind: str, mean, std) -> dict:
    short = round(size * 12 / 11)
    shape = {"height": size, "width": size}
    return {
        "image_processor_type": kind, "do_convert_rgb": True, "do_resize": True, "size": {"shortest_edge": short},
        "resample": 3, "do_center_crop": True, "crop_size": shape, "do_rescale": True, "rescale_factor": 1 / 255,
        "do_normalize": True, "image_mean": list(mean), "image_std": list(std),
    }  # fmt: skip


def write(folder: Path, tensors: dict, config: dict, prepare: dict) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stored = quantised(tensors)
    error = max(((a - tensors[n].float()).norm() / tensors[n].float().norm().clamp(min=1e-9)).item()
                for n, a in dequantised(stored).items() if tensors[n].ndim >= 2)  # fmt: skip
    save_file({n: t.contiguous() for n, t in stored.items()}, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    (folder / "preprocessor_config.json").write_text(json.dumps(prepare, indent=2) + "\n")
    (folder / "model.safetensors").chmod(0o644)
    size = (folder / "model.safetensors").stat().st_size
    print(f"{folder}: {size / 1e6:.2f} MB, {sum(t.numel() for t in tensors.values()):,} parameters, "
          f"worst relative error of a matrix {error:.4f}")  # fmt: skip


HALF, IMAGENET = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)), ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def vision(size: int) -> dict:
    return {"hidden_size": WIDTH, "intermediate_size": 4 * WIDTH, "num_hidden_layers": BLOCKS, "num_attention_heads": HEADS,
            "image_size": size, "patch_size": PATCH, "hidden_act": "gelu", "layer_norm_eps": 1e-6}  # fmt: skip


def clip_tensors(checkpoint: dict) -> dict:
    """Both towers; the table of tokens takes the place of what it was made of."""
    kept, table = checkpoint["alignment"], "text_model.embeddings.token_embedding"
    text = {name.removeprefix("text."): tensor for name, tensor in kept.items() if name.startswith("text.")}
    text = {name: tensor for name, tensor in text.items() if not name.startswith(table) and not name.endswith("position_ids")}
    vision = clip_vision_tensors(checkpoint["net"], checkpoint["projection"])
    return vision | text | {f"{table}.weight": checkpoint["table"], "logit_scale": kept["scale"]}


def tensors_of(kind: str, source: Path) -> dict[str, torch.Tensor]:
    """What training left, under the names of the bundled file."""
    if kind == "trained":
        tensors = load_file(source / "model.safetensors")
        # A head on pooled features has no use for the backbone's classifier.
        return {name: tensor.float() for name, tensor in tensors.items() if not name.startswith("backbone.classifier.")}
    checkpoint = torch.load(source)
    if kind == "vit":
        return vit_tensors(checkpoint["net"], checkpoint["head"])
    if kind == "clip":
        return clip_tensors(checkpoint)
    tensors = {n: t for n, t in checkpoint["net"].items() if not n.endswith("num_batches_tracked")}
    return tensors | {f"classifier.{n}": t for n, t in checkpoint["head"].items()}


def main() -> None:
    kind, source, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    tensors = tensors_of(kind, source)
    if kind == "trained":
        config, prepare = (json.loads((source / f"{name}.json").read_text()) for name in ("config", "preprocessor_config"))
        write(folder, tensors, config, prepare)
        return
    checkpoint = torch.load(source)
    size = checkpoint["size"]
    if kind == "vit":
        config = {"architectures": ["ViTForImageClassification"], "model_type": "vit", **vision(size), "qkv_bias": True,
                  "num_labels": 1000, "license": "apache-2.0"}  # fmt: skip
        write(folder, tensors, config, preprocessor(size, "BitImageProcessor", *HALF))
    elif kind == "cnn":
        config = {"architecture": "mobilenetv2_100", "num_classes": 1000, "num_features": 1280, "image_size": size,
                  "license": "apache-2.0"}  # fmt: skip
        write(folder, tensors, config, preprocessor(size, "BitImageProcessor", *IMAGENET))
    elif kind == "clip":
        joint = len(checkpoint["projection"])
        config = {"architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": joint,
                  "text_config": {k: v for k, v in checkpoint["text_config"].items() if k != "transformers_version"},
                  "vision_config": vision(size) | {"projection_dim": joint}, "license": "apache-2.0"}  # fmt: skip
        write(folder, tensors, config, preprocessor(size, "CLIPImageProcessor", *HALF))
        shutil.copy(Path(sys.argv[4]) / "tokenizer.json", folder / "tokenizer.json")
        tokens = json.loads((Path(sys.argv[4]) / "tokenizer_config.json").read_text()) | {"model_max_length": 77}
        (folder / "tokenizer_config.json").write_text(json.dumps(tokens, indent=2) + "\n")


if __name__ == "__main__":
    main()
