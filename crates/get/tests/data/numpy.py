#!/usr/bin/env python3
"""Computes what `esmond-ps-get --stats` must compute, with numpy.

    python3 numpy.py > numpy.json      the stored cases, made with numpy 2.4.6
    python3 numpy.py - < values.json   the statistics of a list of numbers
"""
import json
import random
import sys

sys.path.pop(0)  # This file is not numpy.
import numpy


def statistics(values):
    values = numpy.array(values, dtype=float)
    return {
        "count": len(values),
        "min": float(numpy.min(values)),
        "mean": float(numpy.mean(values)),
        "median": float(numpy.median(values)),
        "percentile_95": float(numpy.percentile(values, 95)),
        "max": float(numpy.max(values)),
        "standard_deviation": float(numpy.std(values)),
    }


def cases():
    random.seed(1398965989)
    yield "one", [41.5]
    yield "two", [0.1, 0.2]
    yield "seven with a tie", [3.0, 1.0, 2.0, 2.0, 5.5, -4.25, 0.0]
    yield "eight", [0.1 * n for n in range(8, 0, -1)]
    yield "zeros", [0.0] * 50
    for count in (20, 127, 128, 129, 300):
        yield f"{count} delays", [round(random.lognormvariate(3.7, 0.4), 2) for _ in range(count)]
    yield "large and small", [random.choice((-1, 1)) * 10 ** random.uniform(-12, 12) for _ in range(137)]
    yield "throughput", [random.randrange(10**6, 10**11) for _ in range(201)]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        json.dump(statistics(json.load(sys.stdin)), sys.stdout)
    else:
        lines = (json.dumps({"name": n, "values": v, "numpy": statistics(v)}) for n, v in cases())
        print("[\n" + ",\n".join(lines) + "\n]")
