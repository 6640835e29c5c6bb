"""The products of bench/limits_bench.cpp in PyTorch: what its BLAS can do."""
import torch

from timing import arguments, time_rows, write


def product(size):
    a, b = torch.ones(size, size), torch.ones(size, size)
    return lambda: a @ b


write(time_rows({f"limits/product [{n},{n}]": product(n) for n in (1024, 2048)}, arguments()))
