"""The rows of bench/adam_bench.cpp in PyTorch."""
import torch

from timing import arguments, time_rows, write

WORDS, DIM, TOUCHED = 1000000, 64, 20000

options = arguments()


def step_with(optimizer_of, gradient_of):
    made = []

    def run():
        if not made:
            table = torch.nn.Parameter(torch.zeros(WORDS, DIM))
            table.grad = gradient_of()
            made.append(optimizer_of([table]))
        made[0].step()
    return run


def sparse():
    rows = torch.arange(TOUCHED) * 7919 % WORDS
    return torch.sparse_coo_tensor(rows[None], torch.randn(TOUCHED, DIM), (WORDS, DIM))


write(time_rows({
    "adam/20,000 rows of 1,000,000": step_with(torch.optim.SparseAdam, sparse),
    "adam/all rows": step_with(torch.optim.Adam, lambda: torch.randn(WORDS, DIM)),
}, options))
