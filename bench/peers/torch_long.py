"""The rows of bench/long_bench.cpp in PyTorch, which holds all the scores."""
import math

import torch

from timing import arguments, time_rows, write

HEADS, DIM = 4, 32

options = arguments()


def attention_over(length):
    made = []  # at the first pass: only rows that are asked for take memory

    def run():
        if not made:
            made.extend(torch.randn(HEADS, length, DIM, requires_grad=True) for _ in range(3))
        q, k, v = made
        y = (q @ k.transpose(-2, -1) / math.sqrt(DIM)).softmax(-1) @ v
        y.backward(torch.ones_like(y))
        for each in made:
            each.grad = None
    return run


write(time_rows({f"long/{length}": attention_over(length) for length in (2048, 4096, 8192)},
                options))
