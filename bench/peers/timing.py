"""What the peers share: they time rows as Google Benchmark does for Gradus, and print one JSON
object, {name: {"time": seconds, ...}}."""
import argparse
import json
import re
import resource
import sys
import time

import torch


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--rows", default="", help="a regular expression for their names")
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    return options


def median(values):
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def passes(body, repetitions, least=0.02):
    """Seconds a pass, `repetitions` times: each over as many passes as fill `least` seconds. Two
    passes before are not counted."""
    body()
    start = time.perf_counter()
    body()
    count = max(1, int(least / (time.perf_counter() - start)))
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        for _ in range(count):
            body()
        times.append((time.perf_counter() - start) / count)
    return times


def time_rows(rows, options):
    """rows: name -> function."""
    wanted = {name: body for name, body in rows.items() if re.search(options.rows, name)}
    return {name: {"time": median(passes(body, options.repetitions))}
            for name, body in wanted.items()}


def usage():
    return resource.getrusage(resource.RUSAGE_SELF)


def write(rows):
    json.dump(rows, sys.stdout)
