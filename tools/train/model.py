"""The student: torchvision's ResNet-18 with a quarter of the multiplications (32 base channels instead of 64).

Its parameters carry torchvision's names (`conv1`, `bn1`, `layer1.0.conv1`, ... He et al. 2016, "Deep residual
learning for image recognition"), so whatever reads a ResNet-18 reads it; widths follow from the tensors' shapes.
The embedding is the average-pooled output of layer4: [N, 8 * width]; there is no `fc`.
"""

import torch
from torch import nn
from torchvision.models.resnet import BasicBlock, ResNet

WIDTH = 32


class Student(ResNet):
    """ResNet-18 of `width` base channels that returns pooled features, float32[N, 8 * width]."""

    def __init__(self, width: int = WIDTH):
        super().__init__(BasicBlock, [2, 2, 2, 2])
        self.inplanes = width
        self.conv1 = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = self._make_layer(BasicBlock, width, 2)
        self.layer2 = self._make_layer(BasicBlock, width * 2, 2, stride=2)
        self.layer3 = self._make_layer(BasicBlock, width * 4, 2, stride=2)
        self.layer4 = self._make_layer(BasicBlock, width * 8, 2, stride=2)
        self.fc = nn.Identity()
        self.dimension = width * 8
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, BasicBlock):
                nn.init.zeros_(module.bn2.weight)


class Heads(nn.Module):
    """Linear heads that exist during training only: one for each teacher, one for each set of labels."""

    def __init__(self, dimension: int, teachers: dict[str, int], labels: dict[str, int]):
        super().__init__()
        self.teachers = nn.ModuleDict({name: nn.Linear(dimension, size) for name, size in teachers.items()})
        self.labels = nn.ModuleDict({name: nn.Linear(dimension, size) for name, size in labels.items()})

    def forward(self, features: torch.Tensor, name: str) -> torch.Tensor:
        return (self.teachers if name in self.teachers else self.labels)[name](features)
