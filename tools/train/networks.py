"""The teachers as PyTorch networks, from their published `.onnx` files, and how the students begin from them.

A student that begins from random weights needs many millions of pictures; these begin where their teachers stand (as in
"Initializing Models with Larger Ones", Xu et al. 2024) and are trained on from there.
"""

from pathlib import Path

import onnx
import timm
import torch
from onnx import numpy_helper
from timm.layers import resample_abs_pos_embed

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def tensors_of(weights: Path, name: str) -> dict[str, torch.Tensor]:
    model = onnx.load(weights / name / f"{name}.onnx")
    return {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in model.graph.initializer}


def vit(weights: Path) -> torch.nn.Module:
    """ViT-Ti/16 at 224 px (Dosovitskiy et al. 2021; weights of Steiner et al. 2022), with its 1000-class head."""
    t = tensors_of(weights, "vit_tiny_patch16_224")
    state = {"cls_token": t["cls"], "pos_embed": t["pos"],
             "patch_embed.proj.weight": t["patch.w"], "patch_embed.proj.bias": t["patch.b"]}  # fmt: skip
    for i in range(12):
        for norm in ("norm1", "norm2"):
            state[f"blocks.{i}.{norm}.weight"] = t[f"blocks.{i}.{norm}.w"]
            state[f"blocks.{i}.{norm}.bias"] = t[f"blocks.{i}.{norm}.b"]
        for linear in ("attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"):
            state[f"blocks.{i}.{linear}.weight"] = t[f"blocks.{i}.{linear}.w"].T.contiguous()
            state[f"blocks.{i}.{linear}.bias"] = t[f"blocks.{i}.{linear}.b"]
    for name in ("norm", "head"):
        weight = t[f"{name}.w"]
        state[f"{name}.weight"], state[f"{name}.bias"] = weight.T.contiguous() if name == "head" else weight, t[f"{name}.b"]
    network = timm.create_model("vit_tiny_patch16_224", pretrained=False)
    network.load_state_dict(state)
    return network.eval()


def small_vit(weights: Path, size: int) -> torch.nn.Module:
    """The same for smaller pictures: positions are resampled, the number of tokens falls with the area."""
    network = vit(weights)
    grid = (size // 16, size // 16)
    network.pos_embed.data = resample_abs_pos_embed(network.pos_embed.data, grid, num_prefix_tokens=1)
    network.patch_embed.strict_img_size = False
    network.patch_embed.img_size = (size, size)
    return network


def cls(network: torch.nn.Module, pixels: torch.Tensor) -> torch.Tensor:
    return network.forward_features(pixels)[:, 0]


def mobilenet(weights: Path) -> torch.nn.Module:
    """MobileNetV2 1.0 (Sandler et al. 2018): 1280 pooled features. Its normalisation was folded into the convolutions."""
    t = tensors_of(weights, "mobilenetv2_1.0_features")
    network = timm.create_model("mobilenetv2_100", pretrained=False, num_classes=0)
    kernels = [name[:-2] for name in t if name.endswith(".w")]
    convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for name, convolution, norm in zip(kernels, convolutions, norms, strict=True):
        convolution.weight.data.copy_(t[f"{name}.w"])
        norm.weight.data.fill_(1)
        norm.bias.data.copy_(t[f"{name}.b"])
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)
    return network.eval()


@torch.no_grad()
def unfold_normalisation(network: torch.nn.Module, pixels: torch.Tensor) -> None:
    """Give the normalisation layers the statistics of `pixels` back; the network computes what it computed before."""
    convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    statistics: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def keep(i: int):
        return lambda _, __, out: statistics.__setitem__(i, (out.mean((0, 2, 3)), out.var((0, 2, 3))))

    hooks = [m.register_forward_hook(keep(i)) for i, m in enumerate(convolutions)]
    before = network(pixels)
    for hook in hooks:
        hook.remove()
    for i, norm in enumerate(norms):
        mean, variance = statistics[i]
        norm.bias.data += mean
        norm.weight.data = (variance + norm.eps).sqrt()
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.momentum = 0.02
    assert (network(pixels) - before).abs().max() < 1e-3


def normalised(pixels: torch.Tensor, constants) -> torch.Tensor:
    """pixels: float32[N, 3, H, W] in 0..1."""
    mean, std = (torch.tensor(c).view(3, 1, 1) for c in constants)
    return (pixels - mean) / std
