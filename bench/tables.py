"""The report's tables, in Markdown that also reads well on a terminal.

`results` are {threads: {label: {row: {counter: median}}}} of one group; times are seconds.
"""
import math
import os
import pathlib
import re
import subprocess

import sides
from words import INTRODUCTION, PROFILE, TEXTS, THREADS

NONE = "-"


def threads_text(threads):
    return "1 thread" if threads == 1 else f"{threads} threads"


def significant(x, digits=3):
    """1234.5 -> '1234', 12.345 -> '12.3', 0.012345 -> '0.0123'."""
    if x == 0:
        return "0"
    return f"{x:.{max(0, digits - 1 - math.floor(math.log10(abs(x))))}f}"


def scaled(x, units):
    """units: (name, size), falling."""
    name, size = next(((n, s) for n, s in units if abs(x) >= s), units[-1])
    return f"{significant(x / size)} {name}"


def time_text(seconds):
    if seconds is None:
        return NONE
    return scaled(seconds, (("s", 1), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9)))


def rate_text(row):
    for counter, unit in (("flops", "FLOP/s"), ("bytes_per_second", "B/s"),
                          ("items_per_second", "/s")):
        if counter in row:
            return scaled(row[counter], (("G" + unit, 1e9), ("M" + unit, 1e6), ("k" + unit, 1e3),
                                         (unit, 1)))
    return NONE


def ms(seconds):
    return significant(seconds * 1e3)


def mib(size):
    return significant(size / 2**20)


def ratio(ours, peer):
    return f"{ours / peer:.2f}" if ours and peer else NONE


def table(header, rows):
    """The first column to the left, the others to the right."""
    widths = [max(len(str(row[i])) for row in [header, *rows]) for i in range(len(header))]

    def line(row):
        padded = [str(cell).rjust(width) if i else str(cell).ljust(width)
                  for i, (cell, width) in enumerate(zip(row, widths))]
        return "| " + " | ".join(padded) + " |"

    rule = ["-" * (width - 1) + ":" if i else "-" * width for i, width in enumerate(widths)]
    return "\n".join([line(header), "|" + "|".join(f" {dashes} " for dashes in rule) + "|",
                      *map(line, rows)])


def peers(result):
    """The peers' rows: those with malloc before those with tcmalloc."""
    return [rows for label, rows in result.items() if label != "Gradus"]


def peer_time(result, name):
    """Of the fastest peer; None without one."""
    return min((rows[name]["time"] for rows in peers(result) if name in rows), default=None)


def ratios(result, ending=""):
    """Of all rows with a peer whose names end so."""
    pairs = [(row["time"], peer_time(result, name)) for name, row in result["Gradus"].items()
             if name.endswith(ending)]
    return [mine / theirs for mine, theirs in pairs if theirs]


def geometric_mean(values):
    return f"{math.exp(sum(map(math.log, values)) / len(values)):.2f}" if values else NONE


def ops(results):
    parts = []
    for threads, result in results.items():
        ours, rows = result["Gradus"], []
        for op in dict.fromkeys(name.split("/")[1] for name in ours):
            cells = [op]
            for name in (f"ops/{op}/forward", f"ops/{op}/both"):
                mine, theirs = ours.get(name, {}).get("time"), peer_time(result, name)
                cells += [time_text(mine), time_text(theirs), ratio(mine, theirs)]
            limit = ours.get(f"ops/{op}/forward", {}).get("of_limit")
            rows.append([*cells, f"{limit:.0%}" if limit else NONE])
        rows.append(["geometric mean", "", "", geometric_mean(ratios(result, "/forward")), "",
                     "", geometric_mean(ratios(result, "/both")), ""])
        parts.append(table([threads_text(threads), "forward", "PyTorch", "ratio", "with backward",
                            "PyTorch", "ratio", "of limit"], rows))
    return "\n\n".join(parts)


def step(results):
    rows = []
    for threads, result in results.items():
        best = peer_time(result, "step/padded")
        padded = result["Gradus"].get("step/padded")
        for label, side in result.items():
            for name, row in side.items():
                if label == "Gradus":
                    label_of_row, rate = f"Gradus, {name.split('/')[1]}", row["flops"]
                else:  # the same work as the padded step
                    label_of_row = label
                    rate = padded and padded["flops"] * padded["time"] / row["time"]
                share = padded and rate * padded["of_product"] / padded["flops"]
                share = row.get("of_product", share)
                rows.append([
                    label_of_row, threads, ms(row["time"]), ratio(row["time"], best),
                    ms(row["forward"]), ms(row["backward"]), ms(row["optimizer"]),
                    mib(row["peak"]) if "peak" in row else NONE,
                    significant(row["fresh"]) if "fresh" in row else NONE,
                    f"{row['faults']:.0f}", f"{rate / 1e9:.0f}" if rate else NONE,
                    f"{share:.0%}" if share else NONE])
    header = ["", "threads", "ms a step", "ratio", "forward", "backward", "Adam", "peak MiB",
              "fresh", "page faults", "GFLOP/s", "of product"]
    return "\n\n".join([table(header, rows), THREADS, use_of_threads(results), PROFILE,
                        *profiles(results)])


def profiles(results):
    """Where the padded step's time goes, a table for each number of threads."""
    for threads, result in results.items():
        row = result["Gradus"].get("step/padded")
        if not row:
            continue
        spent = {}  # op: [forward, backward]
        for name, seconds in row.items():
            if name.startswith("profile "):
                op, phase = name.removeprefix("profile ").rsplit(" ", 1)
                spent.setdefault(op, [0, 0])[phase == "backward"] = seconds
        total = sum(map(sum, spent.values()))
        shown = sorted(spent, key=lambda op: -sum(spent[op]))
        rows = []
        for op in [op for op in shown if sum(spent[op]) > total / 100]:
            forward, backward = spent[op]
            least = row.get(f"least {op}")
            rows.append([op, ms(forward), ms(backward), f"{(forward + backward) / total:.0%}",
                         ms(least) if least else NONE])
        least = row["time"] * row["of_product"]
        rows.append(["all", "", ms(total), "100%", ms(least)])
        yield table([threads_text(threads), "forward, ms", "backward, ms", "share",
                     "products alone, ms"], rows)
        best = peer_time(result, "step/padded")
        if best:
            yield (f"Products alone would take {ratio(least, best)} of PyTorch's time with "
                   f"{threads_text(threads)}; the step takes {ratio(row['time'], best)}.")


def use_of_threads(results):
    rows = []
    for threads, result in results.items():
        for label, side in result.items():
            for name, row in side.items():
                text = f"Gradus, {name.split('/')[1]}" if label == "Gradus" else label
                single = results.get(1, {}).get(label, {}).get(name, {}).get("time")
                rows.append([text, threads, f"{row['cpu']:.2f}",
                             f"{single / row['time']:.2f}" if single else NONE])
    return table(["", "threads", "cores used", "speed-up"], rows)


def long(results):
    rows = []
    for threads, result in results.items():
        for name, row in result["Gradus"].items():
            length = int(name.split("/")[1])
            theirs = peer_time(result, name)
            scores = mib(4 * 4 * length**2 * 2) if theirs else NONE  # and their softmax
            rows.append([f"{length} tokens", threads, time_text(row["time"]), time_text(theirs),
                         ratio(row["time"], theirs),
                         mib(row["extra"]) if row["peak"] else NONE, scores])
    return table(["", "threads", "time", "PyTorch", "ratio", "extra MiB", "PyTorch, at least"],
                 rows)


def inference(results):
    rows = []
    for threads, result in results.items():
        for name, row in result["Gradus"].items():
            theirs = peer_time(result, name)
            rows.append([name.split("/")[1], threads, time_text(row["time"]),
                         time_text(row["p99"]), time_text(theirs), ratio(row["time"], theirs),
                         significant(row["items_per_second"])])
    return table(["", "threads", "time", "p99", "PyTorch", "ratio", "reviews/s"], rows)


def plain(results):
    rows = []
    for threads, result in results.items():
        for name, row in result["Gradus"].items():
            theirs = peer_time(result, name)
            text = re.sub("^[^/]*/|/threads:[0-9]+$", "", name)
            rows.append([text, threads, time_text(row["time"]), time_text(theirs),
                         ratio(row["time"], theirs), rate_text(row)])
    header = ["", "threads", "time", "PyTorch", "ratio", "rate"]
    for column in (5, 4, 3):  # without columns that say nothing
        if all(row[column] == NONE for row in rows):
            for row in [header, *rows]:
                del row[column]
    return table(header, rows)


TABLES = {"ops": ops, "step": step, "long": long, "inference": inference}


def section(group, results):
    title, text = TEXTS.get(group, (group.capitalize(), ""))
    return "\n\n".join(filter(None, [f"## {title}", text, TABLES.get(group, plain)(results)]))


def version_of(package):
    found = subprocess.run(["dpkg-query", "-W", "-f=${Version}", package], capture_output=True,
                           text=True)
    return f"{package} {found.stdout}" if found.returncode == 0 else f"no {package}"


def blas_text():
    picked, best = sides.blas_kernels()
    if picked == best:
        return f"OpenBLAS, kernel {best}"
    return (f"OpenBLAS, told to use its kernel {best}; by itself it would use {picked}, as it does not "
            "know this CPU, and PyTorch would be slower")


def machine(with_peers, measured):
    """What was measured, on what, and when."""
    model = re.search("model name\\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    compiler = subprocess.run(["g++", "--version"], capture_output=True, text=True).stdout
    backend = re.sub(", [0-9]+ threads?", "", sides.Gradus.context.get("backend", NONE))
    peers_text = ", ".join(map(version_of, ("python3-torch", "python3-numpy",
                                            "libtcmalloc-minimal4")))
    return "\n".join([
        f"- CPU: {model[1] if model else 'unknown'}, {len(os.sched_getaffinity(0))} cores",
        f"- Gradus: {backend}; memory: freed buffers are kept for the next request",
        f"- Compiler: {compiler.splitlines()[0]}, -O3",
        f"- PyTorch: {peers_text if with_peers else 'not run, so its columns are empty'}",
        f"- Texts: {pathlib.Path(os.environ.get('GRADUS_BENCH_TEXT', 'WordNet')).name}",
        *([f"- BLAS of PyTorch: {blas_text()}"] if with_peers else []),
        f"- Measured: {measured}"])


def summary(results):
    """The first table of the page: a line for each thing that has a peer."""
    rows = []
    for threads, result in results.get("step", {}).items():
        for name, row in result["Gradus"].items():
            rows.append([f"training step, {name.split('/')[1]}", threads,
                         ratio(row["time"], peer_time(result, "step/padded"))])
    for threads, result in results.get("models", {}).items():
        rows.append(["small models, geometric mean", threads, geometric_mean(ratios(result))])
    for threads, result in results.get("ops", {}).items():
        for one_pass, text in (("forward", "forward"), ("both", "with backward")):
            rows.append([f"operations {text}, geometric mean", threads,
                         geometric_mean(ratios(result, "/" + one_pass))])
    for group, what in (("long", "attention over {} tokens"), ("adam", "Adam, {}"),
                        ("inference", "predicting: {}")):
        for threads, result in results.get(group, {}).items():
            for name, row in result["Gradus"].items():
                if group == "inference" and not peer_time(result, name):
                    continue
                rows.append([what.format(name.split("/")[1]), threads,
                             ratio(row["time"], peer_time(result, name))])
    return table(["Gradus's time / PyTorch's", "threads", "ratio"], rows)


def report(machine_text, results):
    """The page: `results` of each group."""
    sections = [section(group, result) for group, result in results.items()]
    return "\n\n".join([INTRODUCTION.rstrip(), machine_text, summary(results), *sections]) + "\n"
