#!/usr/bin/env python3
"""Measures Gradus, beside PyTorch if it is installed, and prints a report in Markdown."""
import argparse
import datetime
import os
import re
import statistics
import sys
import time

import sides
import tables

# What runs beside a group of Gradus's rows: (script in bench/peers/, with tcmalloc).
PEERS = {
    "ops": [("torch_ops.py", True)],
    "step": [("torch_step.py", False), ("torch_step.py", True)],
    "models": [("torch_models.py", True)],
    "long": [("torch_long.py", True)],
    "adam": [("torch_adam.py", True)],
    "limits": [("torch_limits.py", True)],
    "inference": [("torch_inference.py", False), ("torch_inference.py", True)],
}
SLOW = ("long", "adam")  # fewer repetitions
COMPILING = "build/examples/spirals.cpp, g++ -O2"


def note(text):
    print(text, file=sys.stderr, flush=True)


def groups_of(names):
    """Groups in the order of the report; those that it has no words for come last."""
    found = dict.fromkeys(name.split("/")[0] for name in names)
    return sorted(found, key=lambda group: [*tables.TEXTS, group].index(group))


def parse():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP",
                        help=f"{', '.join(tables.TEXTS)}, or a new file's own (default: all)")
    parser.add_argument("--filter", default="", metavar="TEXT",
                        help="only rows whose name matches TEXT (a regular expression)")
    parser.add_argument("--threads", type=int, metavar="N", help="default: 1, and all cores")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, rougher numbers")
    parser.add_argument("--peers", action="store_true",
                        help="first install PyTorch and tcmalloc (apt)")
    parser.add_argument("--no-peers", action="store_true", help="measure only Gradus")
    parser.add_argument("--write", nargs="?", const="docs/performance.md", metavar="FILE.md",
                        help="also write the report to FILE.md (default: docs/performance.md)")
    options = parser.parse_args()
    if options.threads is not None and options.threads < 1:
        parser.error("--threads must be at least 1")
    try:
        re.compile(options.filter)
    except re.error as error:
        parser.error(f"--filter {options.filter!r} is not a regular expression: {error}")
    if options.peers and options.no_peers:
        parser.error("--peers and --no-peers exclude each other")
    if options.write and not options.write.endswith(".md"):
        parser.error(f"--write {options.write}: the report is Markdown, FILE.md")
    if options.write and (options.groups or options.filter or options.threads):
        parser.error("--write is for the whole report: no GROUP, --filter or --threads")
    return options


def rounds_of(options):
    return 2 if options.quick else 3


def with_peers(options):
    return not options.no_peers and sides.torch_is_installed()


def peers_of(group, options):
    if not with_peers(options):
        return []
    peers = PEERS.get(group, [])
    if not sides.tcmalloc_library():
        peers = dict.fromkeys((script, False) for script, _ in peers)
    torch = [sides.Torch(script, tcmalloc) for script, tcmalloc in peers]
    if group == "step" and sides.blas_pin():
        torch.append(sides.Torch("torch_step.py", False, best_kernel=False))
    return torch


def compile_time(rounds):
    """Seconds that g++ takes for a small program of a user's."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        sides.output_of(["g++", "-std=c++20", "-O2", "-Ibuild/release/include", "-c",
                         "examples/spirals.cpp", "-o", "/dev/null"], CCACHE_DISABLE="1")
        times.append(time.perf_counter() - start)
    return {"time": statistics.median(times)}


def measure(names, group, options):
    """{threads: {label: {row: {counter: median}}}} of the group's rows `names`."""
    rounds = rounds_of(options)
    repetitions = 3 if options.quick or group in SLOW else 9
    if names == [COMPILING]:
        return {1: {"Gradus": {COMPILING: compile_time(rounds)}}}
    cores = len(os.sched_getaffinity(0))
    results = {}
    for threads in [options.threads] if options.threads else sorted({1, cores}):
        # Rows that set the number of threads themselves end with it.
        fitting = [name for name in names
                   if "/threads:" not in name or name.endswith(f"/threads:{threads}")]
        if fitting:
            note(f"{group}, {tables.threads_text(threads)} ...")
            results[threads] = sides.compare([sides.Gradus(), *peers_of(group, options)], fitting,
                                             threads, rounds, repetitions)
    return results


def main():
    options = parse()
    names = [*sides.Gradus.rows(), COMPILING]
    groups = groups_of(names)
    unknown = [group for group in options.groups if group not in groups]
    if unknown:
        raise SystemExit(f"bench: there is no group '{unknown[0]}'; there are {', '.join(groups)}")
    if not options.no_peers and not sides.torch_is_installed():
        note("PyTorch (python3-torch) is not installed: its columns stay empty. "
             "./dev bench --peers installs it.")
    load = os.getloadavg()[0]
    if load > 0.5:
        note(f"The machine is busy (load {load:.1f}): expect noise.")
    measured = f"{datetime.date.today()}, {rounds_of(options)} rounds, load before: {load:.1f}"
    results = {}
    for group in options.groups or groups:
        wanted = [name for name in names
                  if name.split("/")[0] == group and re.search(options.filter, name)]
        if wanted:
            results[group] = measure(wanted, group, options)
            print(tables.section(group, results[group]) + "\n", flush=True)
    if not any(results.values()):
        raise SystemExit("bench: no row matches")
    machine = tables.machine(with_peers(options), measured)
    print(machine)
    if options.write:
        path = sides.ROOT / options.write
        path.parent.mkdir(exist_ok=True)
        path.write_text(tables.report(machine, results))
        note(f"Written to {options.write}.")


if __name__ == "__main__":
    main()
