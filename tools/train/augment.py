"""Augmentation of whole batches as tensor arithmetic: colour, and other backgrounds for products."""

import torch
import torch.nn.functional as F


def colour(pixels: torch.Tensor, strength: float = 0.4, grey: float = 0.05) -> torch.Tensor:
    """Brightness, contrast, saturation and a little channel gain, each picture its own; `grey` of them lose colour."""
    count = pixels.shape[0]

    def factor(amount: float, channels: int = 1) -> torch.Tensor:
        return torch.empty(count, channels, 1, 1).uniform_(1 - amount, 1 + amount)

    pixels = pixels * (factor(strength) * factor(0.06, 3))
    luma = (pixels * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    saturation = factor(strength) * (torch.rand(count, 1, 1, 1) >= grey)
    pixels = torch.lerp(luma, pixels, saturation)
    mean = luma.mean((2, 3), keepdim=True)
    return torch.lerp(mean, pixels, factor(strength)).clamp_(0, 1)


def replace_background(pixels: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Put product pictures before other pictures: white that reaches an edge in a straight line is background.

    pixels, others: float32[N, 3, H, W] in 0..1. Garments are photographed on white in catalogues and on floors and beds
    at home; a network that saw only catalogues would tell apart the backgrounds.
    """
    white = (pixels.amin(1, keepdim=True) > 0.88).float()
    background = torch.zeros_like(white)
    for axis in (2, 3):
        background = torch.maximum(background, white.cumprod(axis))
        background = torch.maximum(background, white.flip(axis).cumprod(axis).flip(axis))
    soft = F.avg_pool2d(background, 3, 1, 1, count_include_pad=False)
    return torch.lerp(pixels, others, soft * background)
