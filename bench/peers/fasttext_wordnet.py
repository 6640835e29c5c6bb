"""fastText on WordNet's definitions, for docs/accuracy.md: what `gradus train --data DICTIONARY` learns.

    python3 bench/peers/fasttext_wordnet.py [/usr/share/wordnet]

Prints accuracy on a random fifth held out, and the seconds that training took. Needs Debian's packages
fasttext and wordnet-base.
"""
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def definitions(dictionary):
    """(number of the lexicographer file, words) of each different definition; wndb(5WN)."""
    seen = set()
    for part in ("noun", "verb", "adj", "adv"):
        for line in (dictionary / f"data.{part}").read_text(encoding="utf-8").splitlines():
            if line.startswith("  "):  # the licence
                continue
            text = line.split("| ", 1)[1].strip()
            if text not in seen:
                seen.add(text)
                yield line.split(" ", 2)[1], re.findall(r"\w+(?:'\w+)?|[^\w\s]", text.lower())


def main():
    dictionary = Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/wordnet")
    lines = [f"__label__{label} {' '.join(words)}\n" for label, words in definitions(dictionary)]
    random.Random(1).shuffle(lines)
    fifth = len(lines) // 5
    with tempfile.TemporaryDirectory() as folder:
        test, train, model = (f"{folder}/{name}" for name in ("test", "train", "model"))
        Path(test).write_text("".join(lines[:fifth]), encoding="utf-8")
        Path(train).write_text("".join(lines[fifth:]), encoding="utf-8")
        begin = time.monotonic()
        subprocess.run(["fasttext", "supervised", "-input", train, "-output", model, "-wordNgrams", "2",
                        "-epoch", "25", "-lr", "0.5", "-thread", "2"], check=True, capture_output=True)
        seconds = time.monotonic() - begin
        result = subprocess.run(["fasttext", "test", f"{model}.bin", test], check=True,
                                capture_output=True, text=True).stdout
    accuracy = re.search(r"P@1\s+(\S+)", result)[1]
    print(f"accuracy {accuracy}, {seconds:.1f} s")


if __name__ == "__main__":
    main()
