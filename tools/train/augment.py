"""Augmentation on whole uint8 batches: one bilinear sampling per picture, then colour, all as tensor arithmetic."""

import math

import torch
import torch.nn.functional as F


def sample_boxes(images: torch.Tensor, boxes: torch.Tensor, size: int, least: float, flip: bool = True) -> torch.Tensor:
    """Cut a random part of every box and resample it.

    images: uint8[N, S, S, 3]; boxes: float[N, 3] as (top, left, side) in pixels; the part covers `least`..1 of the
    box's area at an aspect ratio of 3/4..4/3. Returns float32[N, 3, size, size] in 0..1.
    """
    count, extent = images.shape[0], images.shape[1]
    area = torch.empty(count).uniform_(least, 1)
    ratio = torch.exp(torch.empty(count).uniform_(math.log(3 / 4), math.log(4 / 3)))
    height = (area / ratio).sqrt().clamp(max=1) * boxes[:, 2]
    width = (area * ratio).sqrt().clamp(max=1) * boxes[:, 2]
    top = boxes[:, 0] + torch.rand(count) * (boxes[:, 2] - height)
    left = boxes[:, 1] + torch.rand(count) * (boxes[:, 2] - width)
    mirror = torch.where(torch.rand(count) < 0.5, -1.0, 1.0) if flip else torch.ones(count)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0] = mirror * width / extent
    theta[:, 1, 1] = height / extent
    theta[:, 0, 2] = (2 * left + width) / extent - 1
    theta[:, 1, 2] = (2 * top + height) / extent - 1
    pixels = images.permute(0, 3, 1, 2).float().div_(255)
    grid = F.affine_grid(theta, (count, 3, size, size), align_corners=False)
    return F.grid_sample(pixels, grid, mode="bilinear", padding_mode="border", align_corners=False)


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
