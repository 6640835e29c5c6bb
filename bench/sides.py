"""Runs the two sides of a comparison, Gradus (build/release/gradus_bench) and PyTorch
(bench/peers/), and gives their medians by row."""
import ctypes.util
import functools
import json
import os
import pathlib
import re
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build/release/gradus_bench"
DEBIAN_PYTHON = "/usr/bin/python3"  # the one that python3-torch is installed for


def environment(**more):
    """Nothing that pins a BLAS kernel or its blocking."""
    pinned = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
    kept = {name: value for name, value in os.environ.items() if name not in pinned}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **more}


# OpenBLAS's kernels for x86, the fastest first, and what a CPU must have to run them.
BLAS_KERNELS = {"SkylakeX": "avx512f", "Haswell": "avx2"}


@functools.cache
def blas_kernels():
    """The kernel that PyTorch's OpenBLAS picks here, and the one to measure PyTorch with: for a CPU
    newer than itself OpenBLAS falls back to a kernel of 2004, which would flatter Gradus."""
    code = ("import ctypes; blas = ctypes.CDLL('libopenblas.so.0');"
            "blas.openblas_get_corename.restype = ctypes.c_char_p;"
            "print(blas.openblas_get_corename().decode())")
    found = subprocess.run([DEBIAN_PYTHON, "-c", code], env=environment(), capture_output=True,
                           text=True).stdout.strip()
    flags = pathlib.Path("/proc/cpuinfo").read_text().split("flags", 1)[-1].split("\n", 1)[0].split()
    best = next((kernel for kernel, flag in BLAS_KERNELS.items() if flag in flags), found)
    return found, best if found == "Prescott" else found


def blas_pin():
    picked, best = blas_kernels()
    return {} if picked == best else {"OPENBLAS_CORETYPE": best}


def output_of(command, **more):
    done = subprocess.run([str(part) for part in command], env=environment(**more), cwd=ROOT,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"bench: {' '.join(map(str, command))} failed:\n{done.stderr}")
    return done.stdout


def pattern_of(names, suffix=""):
    """A regular expression, for Google Benchmark and for Python, that matches these names alone."""
    escaped = [re.sub(r"([\[\\.*+?^${()|])", r"\\\1", name) for name in names]
    return f"^({'|'.join(escaped)}){suffix}$"


# What Google Benchmark appends to names, by how a row's time is taken.
CLOCKS = "(/process_time)?(/real_time)?"


class Gradus:
    label = "Gradus"
    context = {}

    @staticmethod
    def rows():
        """The names of all rows, "group/..."."""
        listed = output_of([PROGRAM, "--benchmark_list_tests"]).splitlines()
        return [re.sub(CLOCKS + "$", "", name) for name in listed]

    def run(self, names, threads, repetitions):
        report = json.loads(output_of([
            PROGRAM, f"--threads={threads}", f"--benchmark_filter={pattern_of(names, CLOCKS)}",
            f"--benchmark_repetitions={repetitions}", "--benchmark_format=json",
            "--benchmark_min_time=0.02", "--benchmark_min_warmup_time=0.1"]))
        Gradus.context = report["context"]
        runs = {}
        for run in report["benchmarks"]:
            if run["run_type"] == "iteration":
                name = re.sub(CLOCKS + "$", "", run["run_name"])
                runs.setdefault(name, []).append(numbers_of(run))
        return {name: medians(list_) for name, list_ in runs.items()}


SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1}
NOT_COUNTERS = {"family_index", "per_family_instance_index", "repetitions", "repetition_index",
                "threads", "iterations", "real_time", "cpu_time"}


def numbers_of(run):
    """A repetition as Google Benchmark writes it: its time in seconds, cores in use, counters."""
    counters = {name: value for name, value in run.items()
                if isinstance(value, (int, float)) and name not in NOT_COUNTERS}
    return {"time": run["real_time"] * SECONDS[run["time_unit"]],
            "cpu": run["cpu_time"] / run["real_time"], **counters}


class Torch:
    """PyTorch, with the C library's malloc or with tcmalloc, which it is fastest with, and with the
    best BLAS kernel or with the one that it comes with."""

    def __init__(self, script, tcmalloc, best_kernel=True):
        self.script = script
        self.label = "PyTorch, tcmalloc" if tcmalloc else "PyTorch"
        if not best_kernel:
            self.label += ", as it comes"
        self.preload = tcmalloc_library() if tcmalloc else ""
        self.pin = blas_pin() if best_kernel else {}

    def run(self, names, threads, repetitions):
        return json.loads(output_of([
            DEBIAN_PYTHON, ROOT / "bench/peers" / self.script, "--threads", threads,
            "--repetitions", repetitions, "--rows", pattern_of(names)],
            OMP_NUM_THREADS=str(threads), LD_PRELOAD=self.preload, **self.pin))


def tcmalloc_library():
    return ctypes.util.find_library("tcmalloc_minimal") or ""


@functools.cache
def torch_is_installed():
    try:
        found = subprocess.run([DEBIAN_PYTHON, "-c", "import torch, numpy"], capture_output=True)
    except FileNotFoundError:
        return False
    return found.returncode == 0


def medians(runs):
    """[{counter: value}] -> {counter: median}."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def compare(sides, names, threads, rounds, repetitions):
    """The sides in turn, a few rows at a time, for machines drift, `rounds` times:
    {label: {row: {counter: median}}}."""
    at_a_time = 6
    parts = [names[i:i + at_a_time] for i in range(0, len(names), at_a_time)]
    runs = {side.label: {} for side in sides}
    for _ in range(rounds):
        for part in parts:
            for side in sides:
                for name, row in side.run(part, threads, repetitions).items():
                    runs[side.label].setdefault(name, []).append(row)
    return {label: {name: medians(list_) for name, list_ in rows.items()}
            for label, rows in runs.items()}
