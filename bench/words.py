"""What the report says: an introduction, and of each group a title and what its table means."""

INTRODUCTION = """# Performance

How fast Gradus is, compared with PyTorch on the same machine. Ratios are Gradus's time divided by PyTorch's:
**below 1, Gradus is faster**. Compare ratios, not milliseconds, between machines.

Gradus and PyTorch run in turn, several times, with one thread and with all. A figure is the median of the
medians of these runs, each over several repetitions after a warm-up. PyTorch runs with tcmalloc, with which it
is fastest; where the C library's malloc is measured too, it has its own row. OpenBLAS chooses its own kernels,
except where it does not know the CPU and falls back to an old kernel: there it is told its best one, and *as it
comes* is PyTorch without that.

On a CPU with AMX, Gradus multiplies f32 matrices in bf16 pieces, as precisely as without
(`backends/cpu/amx.h`, `tests/cpu_precision_test.cpp`); this OpenBLAS does not use AMX.
`GRADUS_SIMD=AVX3 ./dev bench` measures Gradus without it.

Rows called *bf16* allow products to round numbers to bf16 (`tensor/precision.h`, `gradus --precision bf16`).
All other rows, and PyTorch, multiply all digits of f32.

There are pages for five machines: Intel Xeons [with AMX](performance.md) and [with AVX-512
only](performance-cascade-lake.md), and AMD EPYCs [Zen 3](performance-zen3.md), which has only AVX2,
[Zen 4](performance-zen4.md) and [Zen 5](performance-zen5.md). On all but the first, Gradus and PyTorch multiply
with the same instructions. Each page says when it was measured; some are older than the latest kernels.

`./dev bench --peers --write` measures and writes this page; `./dev bench --help` lists groups and options, such
as `./dev bench step --quick`.
"""

# In the order of the report: group -> (title, text).
TEXTS = {
    "step": ("A training step", """\
A transformer classifier with 20,000 words, 128 features, 4 heads and 2048 hidden units: forward,
backward and Adam on 32 texts of 100 to 256 tokens. *Padded* computes [32, 256] with a mask, as the
PyTorch program does (`bench/step_bench.cpp`, `bench/peers/torch_step.py`); *ragged* packs the same
texts without padding. The ratio is to the fastest PyTorch with as many threads. *Peak* is the most memory
in use beyond parameters, Adam's state and the data; *fresh* counts buffers requested from the system and
*page faults* pages touched for the first time, both per step. *GFLOP/s* counts only useful work: a product
[m, k] x [k, n] is 2mkn, and each of its two gradients as much again. For n tokens in all, in texts whose
squared lengths add up to s, that is 3 (4 · 2n · 128² + 2 · 2n · 128 · 2048 + 2 · 2s · 128 + pooling);
attention is two products forward and four backward. *Of product* divides by the rate of a 1024³ product in
the same process."""),
    "models": ("Small models", """\
A step of training, written as one writes it: forward, backward and Adam (`bench/models_bench.cpp`,
`bench/peers/torch_models.py`). Small tensors make calls count."""),
    "ops": ("Operations", """\
Operations through the public API, forward without a graph and forward with backward, on the shapes of
the same classifier. *Of limit* is the shortest possible time of a forward pass, from the rate of a
product or a plain copy in the same process, divided by the time it took; data that fits a cache can beat
the copy."""),
    "long": ("Attention over one long text", """\
Forward and backward, packed, 4 heads of 32, by the length of the text. Time grows with the square of the
length, memory only with the length: Gradus computes the scores tile by tile, PyTorch holds them all at
once. *Extra* is the most memory that a pass uses beyond inputs, output and gradients; for PyTorch, the
least that the scores take."""),
    "adam": ("Adam on a large table", """\
A step on a [1,000,000, 64] table, with the gradient of a batch that touches 20,000 rows, and with a
dense gradient. The first costs in proportion to the rows. PyTorch runs SparseAdam and Adam."""),
    "text": ("Texts", """\
From texts to batches of word numbers; rates count bytes of text. GRADUS_BENCH_TEXT names the texts, as for
`gradus train --data`; the default is WordNet's definitions."""),
    "inference": ("Inference", """\
A trained classifier of the training step's size, on reviews of 230 words. *Text to label* includes everything
that `gradus predict` does, from splitting into words to the most likely class; *model* is from word numbers to
logits, as in the PyTorch program (`bench/inference_bench.cpp`, `bench/peers/torch_inference.py`). 99 of 100
passes take at most *p99*. *Start to first answer* is a whole run of `gradus predict`: loading libraries, a model
file of 14 MB and 20,000 words, and one review."""),
    "build": ("Compiling", """\
How long g++ takes for a user's program: one file with `#include <gradus/gradus.h>`."""),
    "limits": ("What the machine can do", """\
Multiply-adds in vector registers, f32 products by the default backend (with AMX they use other instructions,
and can be faster), and a copy of 64 MiB (bytes read and written). The other tables refer to these rates. Cores
may share the memory's bandwidth."""),
}

THREADS = """\
The step by the number of threads. *Cores used* is the process's CPU time divided by the time passed; with
one thread it must not exceed 1. *Speed-up* is relative to one thread."""

PROFILE = """\
Where the padded step's time goes, by operation (`autograd/profile.h`), for those above one percent.
*Products alone* is the time that the useful products of these operations would take, forward and backward, at
the rate of a 1024³ product in the same process: a lower bound for a step in f32."""
