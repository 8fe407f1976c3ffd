"""Steps a network with PyTorch: forward, backward and Adam (its fused kernel, the fastest on a CPU).

  python train-pytorch.py TASK PX THREADS
      reads a number of steps a line, answers {"seconds": [one for each], "peak": bytes of memory so far} a line
"""
import json
import os
import resource
import sys
import time

TASK, PX, THREADS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.environ["OMP_NUM_THREADS"] = str(THREADS)
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

torch.set_num_threads(THREADS)
torch.manual_seed(0)


def block(i, o, stride):
    """A basic block of ResNet-18, as torchvision builds it."""
    layers = nn.Module()
    layers.conv1, layers.bn1 = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
    layers.conv2, layers.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
    if stride > 1:
        layers.down = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))

    def forward(x):
        y = layers.bn2(layers.conv2(F.relu(layers.bn1(layers.conv1(x)), inplace=True)))
        return F.relu(y.add_(layers.down(x) if stride > 1 else x), inplace=True)

    layers.forward = forward
    return layers


def resnet18():
    stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    stages = []
    for i, o in ((64, 64), (64, 128), (128, 256), (256, 512)):
        stages += [block(i, o, 1 if i == o else 2), block(o, o, 1)]
    return nn.Sequential(*stem, *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000)).train()


def autoencoder():
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(),
        nn.ConvTranspose2d(32, 16, 3, 2, 1, 1), nn.ReLU(), nn.ConvTranspose2d(16, 3, 3, 2, 1, 1), nn.Sigmoid(),
    )
    x = torch.rand(32, 3, 64, 64)
    return model, [lambda: F.mse_loss(model(x), x)]


def head():
    model = nn.Linear(1000, 128)
    a, b, same = torch.rand(256, 1000), torch.rand(256, 1000), (torch.rand(256) > 0.5).float()

    def loss():
        squared = (model(a) - model(b)).square().sum(1)
        apart = F.relu(1 - torch.sqrt(squared + 1e-12)).square()
        return (same * squared + (1 - same) * apart).mean()

    return model, [loss]


def residual(batch, parts):
    model = resnet18()
    x, target = torch.rand(batch, 3, PX, PX), torch.arange(batch) * 37 % 1000
    return model, [lambda: F.cross_entropy(model(x), target) / parts] * parts


TASKS = {
    "autoencoder": autoencoder,
    "head": head,
    "resnet18": lambda: residual(16, 1),
    "resnet18 in parts": lambda: residual(4, 4),
}
network, losses = TASKS[TASK]()
try:
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
except (TypeError, RuntimeError):  # before PyTorch 2.4
    optimizer = torch.optim.Adam(network.parameters())


def step():
    optimizer.zero_grad()
    total = 0.0
    for loss in losses:
        value = loss()
        value.backward()
        total += value.item()
    optimizer.step()
    return total


for _ in range(3):
    step()
print(json.dumps({"ready": torch.__version__}), flush=True)
for line in sys.stdin:
    seconds = []
    for _ in range(json.loads(line)):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({"seconds": seconds, "peak": peak}), flush=True)
