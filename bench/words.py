"""What the report says: an introduction, and of each group a title and what its table means."""

INTRODUCTION = """# Performance

How long Gradus takes, beside PyTorch on the same machine. `./dev bench --peers --write` measures and
writes this page; `./dev bench --help` lists groups of rows and options, such as `./dev bench step
--quick`.

Gradus and PyTorch run in turn, several times, at one thread and at all; a figure is the median of the
medians of these runs, each over several repetitions after a warm-up. Ratios are Gradus's time divided by PyTorch's:
**below 1, Gradus is faster**. PyTorch runs with tcmalloc, which it is fastest with; where the C
library's malloc is measured too, it is a row of its own. No environment variable pins the kernels or
the blocking of OpenBLAS, but where it does not know the CPU and falls back to an old kernel, it is told
its best one; *as it comes* is PyTorch without that. Compare ratios, not milliseconds, between machines.

On a CPU with AMX, Gradus multiplies matrices of f32 in pieces of bf16, as precisely as without
(`backends/cpu/amx.h`, `tests/cpu_precision_test.cpp`); this OpenBLAS does not know AMX.
`GRADUS_SIMD=AVX3 ./dev bench` measures Gradus without it.

There are pages of five machines: Intel Xeons [with AMX](performance.md) and [with AVX-512
alone](performance-cascade-lake.md), and AMD EPYCs [of Zen 3](performance-zen3.md), which stops at AVX2,
[of Zen 4](performance-zen4.md) and [of Zen 5](performance-zen5.md). On all but the first, both multiply with
the same instructions. Each says when it was measured: some are older than the latest kernels.
"""

# In the order of the report: group -> (title, text).
TEXTS = {
    "step": ("A training step", """\
A transformer classifier of 20,000 words, 128 features, 4 heads and 2048 hidden units: forward,
backward and Adam on 32 texts of 100 to 256 tokens. *Padded* computes [32, 256] with a mask, as the
PyTorch program does (`bench/step_bench.cpp`, `bench/peers/torch_step.py`); *ragged* computes the same
texts one after another, without padding. The ratio is to the fastest PyTorch with as many threads.
*Peak* is memory at the most above what parameters, Adam and the data take; *fresh* counts buffers
asked from the system, *page faults* pages touched for the first time, both a step. *GFLOP/s* counts
the useful work alone: a product [m, k] x [k, n] is 2mkn, and as much again for each of its two
gradients; so, over n tokens of which the sum of the squared lengths s see each other, 3 (4 · 2n · 128²
+ 2 · 2n · 128 · 2048 + 2 · 2s · 128 + pooling), attention being two products forward and four backward.
*Of product* divides by the rate of a 1024³ product in the same process."""),
    "ops": ("Operations", """\
Operations through the public API, forward without a graph and forward with backward, on the shapes of
the same classifier. *Of limit* is the least time that a forward pass can take, by the rate of a
product or of a plain copy in the same process, over the time it took; what fits a cache can beat the
copy."""),
    "long": ("Attention over one long text", """\
Forward and backward, packed, 4 heads of 32, by the length of the text. Time grows with its square;
memory only with the length, since the scores, which PyTorch holds all at once, are made tile by tile.
*Extra* is what a pass holds at the most besides inputs, output and gradients; of PyTorch it is the
least that the scores of the pass take."""),
    "adam": ("Adam on a large table", """\
A step on a [1,000,000, 64] table, with the gradient of a batch that touches 20,000 rows, and with a
dense gradient. The first costs in proportion to the rows. PyTorch's are SparseAdam and Adam."""),
    "text": ("Texts", """\
From texts to batches of word numbers; the rate is of bytes of text. The texts are those that
GRADUS_BENCH_TEXT names, as `gradus train --data` takes them, or WordNet's definitions."""),
    "inference": ("Inference", """\
A trained classifier of the training step's size, on reviews of 230 words: *text to label* is all of it,
from splitting into words to the likeliest class, as `gradus predict` does it; *model* is from word
numbers to logits, as the PyTorch program does it (`bench/inference_bench.cpp`,
`bench/peers/torch_inference.py`). 99 of 100 passes keep within *p99*. *Start to first answer* is all of
`gradus predict`, from the start of the program to its end: loading libraries, a model file of 14 MB and
20,000 words, one review."""),
    "build": ("Compiling", """\
What g++ takes for a program of a user's: one file with `#include <gradus/gradus.h>`."""),
    "limits": ("What the machine can do", """\
Multiply-adds in vector registers, f32 products by the default backend (with AMX they are not made of
these, and can be faster), and a copy of 64 MiB (bytes read and written), whose rates the other tables
refer to. Cores may share the memory's bandwidth."""),
}

THREADS = """\
The step by the number of threads: *cores used* is the process's CPU time over the time passed; with
one thread, no other must work. *Speed-up* is over one thread."""

PROFILE = """\
Where the padded step's time goes, by operation (`autograd/profile.h`; those above one percent).
*Products alone* is what the useful products of these operations would take, forward and backward, at the
rate of a 1024³ product in the same process: it bounds what a step in f32 can reach."""
