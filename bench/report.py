#!/usr/bin/env python3
"""Times Gradus beside PyTorch and prints a report: `./dev bench` builds and runs this."""
import argparse
import os
import pathlib
import statistics
import sys
import time

import sides
import tables

# group -> what runs beside Gradus: (script in bench/peers/, with tcmalloc).
PEERS = {
    "ops": [("torch_ops.py", True)],
    "step": [("torch_step.py", False), ("torch_step.py", True)],
    "tokenizer": [],
    "inference": [],
    "build": [],
}


def parse():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="group",
                        help=f"any of {', '.join(PEERS)} (default: all)")
    parser.add_argument("--filter", default="", metavar="TEXT",
                        help="only rows whose name contains TEXT (a regular expression)")
    parser.add_argument("--threads", type=int, metavar="N", help="default: 1, and all cores")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: rough numbers")
    parser.add_argument("--peers", action="store_true",
                        help="first install PyTorch and tcmalloc (apt)")
    parser.add_argument("--no-peers", action="store_true", help="Gradus alone")
    parser.add_argument("--write", action="store_true",
                        help="write the report to docs/performance.md, too")
    options = parser.parse_args()
    unknown = [group for group in options.groups if group not in PEERS]
    if unknown:
        parser.error(f"there is no group {unknown[0]!r}; there are {', '.join(PEERS)}")
    if options.threads is not None and options.threads < 1:
        parser.error("--threads must be at least 1")
    if options.write and (options.groups or options.filter or options.quick):
        parser.error("--write is for the whole report, without groups, --filter or --quick")
    return options


def peers_of(group, options):
    if options.no_peers or not sides.torch_is_installed():
        return []
    peers = [(script, tcmalloc) for script, tcmalloc in PEERS[group]]
    if not sides.tcmalloc_library():
        peers = sorted({(script, False) for script, _ in peers})
    return [sides.Torch(script, tcmalloc) for script, tcmalloc in peers]


def compile_time(rounds):
    """Seconds that g++ takes for a small program of a user's."""
    command = ["g++", "-std=c++20", "-O2", "-Ibuild/release/include", "-c", "examples/spirals.cpp",
               "-o", "/dev/null"]
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        sides.output_of(command, CCACHE_DISABLE="1")
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def measure(group, options):
    """{threads: {label: {row: {counter: median}}}}."""
    rounds = 2 if options.quick else 3
    repetitions = 3 if options.quick else 9
    if group == "build":
        row = {"compile examples/spirals.cpp": {"time": compile_time(rounds)}}
        return {1: {"Gradus": row}} if not options.filter else {}
    cores = len(os.sched_getaffinity(0))
    counts = [options.threads] if options.threads else sorted({1, cores})
    results = {}
    for threads in counts:
        print(f"{group}, {tables.threads_text(threads)} ...", file=sys.stderr, flush=True)
        results[threads] = sides.compare([sides.Gradus(), *peers_of(group, options)],
                                         f"^{group}/.*{options.filter}", threads, rounds,
                                         repetitions)
    return {threads: result for threads, result in results.items() if result["Gradus"]}


def main():
    options = parse()
    if not options.no_peers and not sides.torch_is_installed():
        print("PyTorch (python3-torch) is not installed: its columns stay empty. "
              "./dev bench --peers installs it.", file=sys.stderr)
    results = {group: measure(group, options) for group in options.groups or PEERS}
    results = {group: result for group, result in results.items() if result}
    if not results:
        raise SystemExit("bench: no row matches")
    text = tables.report(results)
    print(text)
    if options.write:
        path = pathlib.Path(sides.ROOT / "docs/performance.md")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + "\n")
        print(f"Written to {path.relative_to(sides.ROOT)}.", file=sys.stderr)


if __name__ == "__main__":
    main()
