"""The networks of bench_test.go in PyTorch: python3 pytorch.py THREADS"""

import sys
import time

import torch
from torch import nn
from torch.nn import functional

THREADS, BATCH, CLASSES = int(sys.argv[1]), 32, 5
NETWORKS = {
    "A": (3, [(16, True), (32, True), (64, True), (128, True)]),
    "V": (12, [(32, True), (64, False), (64, True), (128, False), (128, True), (256, False), (256, False)]),
}


def network(channels, levels):
    layers = []
    for out, pool in levels:
        layers += [nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True)]
        if pool:
            layers.append(nn.MaxPool2d(2))
        channels = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, CLASSES))


def measure(what, images, run):
    """Prints the median of nine runs, in images per second and per second of one processor."""
    run()
    wall, cpu = [], []
    for _ in range(9):
        begin, used = time.perf_counter(), time.process_time()
        run()
        wall.append(time.perf_counter() - begin)
        cpu.append(time.process_time() - used)
    print("%-8s %7.1f images/s %7.1f images/cpu-s" % (what, images / sorted(wall)[4], images / sorted(cpu)[4]), flush=True)


torch.set_num_threads(THREADS)
for name, (channels, levels) in NETWORKS.items():
    model = network(channels, levels).to(memory_format=torch.channels_last)
    images = torch.randn(BATCH, channels, 64, 64).contiguous(memory_format=torch.channels_last)
    classes = torch.arange(BATCH) % CLASSES
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)

    def train():
        optimizer.zero_grad()
        functional.cross_entropy(model(images), classes).backward()
        optimizer.step()

    def infer(batch):
        with torch.inference_mode():
            model(batch)

    measure("train/" + name, BATCH, train)
    model.eval()
    measure("infer/" + name, BATCH, lambda: infer(images))
    one = images[:1].contiguous(memory_format=torch.channels_last)
    measure("one/" + name, 1, lambda: infer(one))
