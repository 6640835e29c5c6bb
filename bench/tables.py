"""The report's words and tables, in Markdown that also reads well on a terminal.

`results` are {group: {threads: {label: {row: {counter: median}}}}}; times are seconds.
"""
import math

import sides

NONE = "-"


def threads_text(threads):
    return "1 thread" if threads == 1 else f"{threads} threads"


def significant(x, digits=3):
    """1234.5 -> '1234', 12.345 -> '12.3', 0.012345 -> '0.0123'."""
    if x == 0:
        return "0"
    return f"{x:.{max(0, digits - 1 - math.floor(math.log10(abs(x))))}f}"


def time_text(seconds):
    for unit, size in (("s", 1), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9)):
        if seconds >= size or unit == "ns":
            return f"{significant(seconds / size)} {unit}"


def ms(seconds):
    return significant(seconds * 1e3)


def mib(size):
    return significant(size / 2**20) if size else "0"


def ratio_text(ours, peer):
    return f"{ours / peer:.2f}" if peer else NONE


def table(header, rows):
    """First column to the left, the others to the right."""
    cells = [header, *rows]
    widths = [max(len(str(row[i])) for row in cells) for i in range(len(header))]

    def line(row):
        padded = [str(cell).ljust(width) if i == 0 else str(cell).rjust(width)
                  for i, (cell, width) in enumerate(zip(row, widths))]
        return "| " + " | ".join(padded) + " |"

    rule = ["-" * width if i == 0 else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    return "\n".join([line(header), "| " + " | ".join(rule) + " |", *map(line, rows)])


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def peer_rows(result):
    """The rows of the last peer (with tcmalloc, where it is there), or none."""
    labels = [label for label in result if label != "Gradus"]
    return result[labels[-1]] if labels else {}


def ops(results):
    parts = []
    for threads, result in results.items():
        ours, peer = result["Gradus"], peer_rows(result)
        rows, ratios = [], {"forward": [], "both": []}
        for name in dict.fromkeys(row.split("/")[1] for row in ours):
            cells = [name]
            for one_pass in ratios:
                key = f"ops/{name}/{one_pass}"
                if key not in ours:
                    cells += [NONE] * 3
                    continue
                mine, theirs = ours[key]["time"], peer.get(key, {}).get("time")
                if theirs:
                    ratios[one_pass].append(mine / theirs)
                cells += [time_text(mine), time_text(theirs) if theirs else NONE,
                          ratio_text(mine, theirs)]
            limit = ours.get(f"ops/{name}/forward", {}).get("of_limit")
            rows.append([*cells, f"{limit:.2f}" if limit else NONE])
        means = [f"{geometric_mean(list_):.2f}" if list_ else NONE for list_ in ratios.values()]
        rows.append(["geometric mean", "", "", means[0], "", "", means[1], ""])
        header = [threads_text(threads), "forward", "PyTorch", "ratio", "with backward", "PyTorch",
                  "ratio", "of limit"]
        parts.append(table(header, rows))
    return "\n\n".join(parts)


def step(results):
    header = ["", "threads", "ms a step", "ratio", "forward", "backward", "Adam", "peak MiB",
              "fresh", "page faults", "GFLOP/s", "of product"]
    rows = []
    for threads, result in results.items():
        padded = result["Gradus"].get("step/padded")
        useful = padded["flops"] * padded["time"] if padded else None
        times = [rows_["step/padded"]["time"] for label, rows_ in result.items()
                 if label != "Gradus" and "step/padded" in rows_]
        best = min(times, default=None)
        for label, rows_ in result.items():
            for name, row in rows_.items():
                text = f"{label}, {name.split('/')[1]}" if label == "Gradus" else label
                rate = row.get("flops", useful / row["time"] if useful else None)
                product = padded["flops"] / padded["of_product"] if padded else None
                share = row.get("of_product", rate / product if product else None)
                rows.append([text, threads, ms(row["time"]), ratio_text(row["time"], best),
                             ms(row["forward"]), ms(row["backward"]), ms(row["optimizer"]),
                             mib(row["peak"]) if "peak" in row else NONE,
                             significant(row["fresh"]) if "fresh" in row else NONE,
                             f"{row['faults']:.0f}", f"{rate / 1e9:.0f}" if rate else NONE,
                             f"{share:.0%}" if share else NONE])
    return table(header, rows)


def plain(results):
    """For groups that have no table of their own: time, ratio, and rates where there are any."""
    header, rows = ["", "threads", "time", "PyTorch", "ratio", "rate"], []
    for threads, result in results.items():
        peer = peer_rows(result)
        for name, row in result["Gradus"].items():
            theirs = peer.get(name, {}).get("time")
            rates = {"FLOP/s": row.get("flops"), "B/s": row.get("bytes_per_second"),
                     "items/s": row.get("items_per_second")}
            rate = next((f"{significant(value / 1e9)} G{unit}" if value >= 1e9 else
                         f"{significant(value / 1e6)} M{unit}"
                         for unit, value in rates.items() if value), NONE)
            rows.append([name.split("/", 1)[1], threads, time_text(row["time"]),
                         time_text(theirs) if theirs else NONE,
                         ratio_text(row["time"], theirs), rate])
    return table(header, rows)


TABLES = {"ops": ops, "step": step}


def report(results):
    parts = []
    for group, result in results.items():
        parts.append(f"## {group}\n\n{TABLES.get(group, plain)(result)}")
    return "\n\n".join(parts)
