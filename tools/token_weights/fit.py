#!/usr/bin/env python3
"""Fits the weights of balance/tokens/token_regression.cpp: what each feature of a text adds to its tokens.

    token_weights <folder> | tools/token_weights/fit.py

Even lines are fitted, odd ones judged. Least squares of the relative error, no weight below zero: so that a text unlike
those of the fit cannot cost less than nothing. Every script must be in the folder, and code, prose, JSON and tables.
Prints the weights as C++ and the errors per category.
"""
import sys

FEATURES = 27
ENCODINGS = ("o200k_base", "cl100k_base")
ROUNDS = 3000


def fit(rows):
    """Weights w >= 0 of the least sum of (1 - x·w)² by coordinate descent; x are features per true token."""
    gram = [[0.0] * FEATURES for _ in range(FEATURES)]
    target = [0.0] * FEATURES
    for x in rows:
        present = [i for i in range(FEATURES) if x[i]]
        for i in present:
            target[i] += x[i]
            line = gram[i]
            for j in present:
                line[j] += x[i] * x[j]
    weights = [0.0] * FEATURES
    for _ in range(ROUNDS):
        for i in range(FEATURES):
            if gram[i][i]:
                rest = target[i] - sum(g * w for g, w in zip(gram[i], weights)) + gram[i][i] * weights[i]
                weights[i] = max(0.0, rest / gram[i][i])
    return weights


def report(name, errors):
    absolute = sorted(abs(error) for error in errors)
    at = lambda share: 100 * absolute[min(len(absolute) - 1, int(share * len(absolute)))]
    print(f"{name:24} {len(errors):6} documents  mean {100 * sum(absolute) / len(absolute):5.2f} %  p50 {at(.5):5.2f}"
          f"  p95 {at(.95):6.2f}  p99 {at(.99):6.2f}  bias {100 * sum(errors) / len(errors):+6.2f}", file=sys.stderr)


def main():
    documents = []
    for line in sys.stdin:
        fields = line.rstrip("\n").split("\t")
        numbers = [int(field) for field in fields[1:]]
        if numbers[1] and numbers[2]:
            documents.append((fields[0], numbers[1:3], numbers[3:]))
    for index, encoding in enumerate(ENCODINGS):
        weights = fit([[f / tokens[index] for f in features] for _, tokens, features in documents[0::2]])
        print(f"// {encoding}\n    {{" + ", ".join(f"{weight:.4f}" for weight in weights) + "},")
        errors = {}
        for category, tokens, features in documents[1::2]:
            estimate = sum(f * w for f, w in zip(features, weights))
            for name in (category.split("_")[0], "all"):
                errors.setdefault(name, []).append(estimate / tokens[index] - 1)
        for name in sorted(errors):
            report(f"{encoding} {name}", errors[name])


if __name__ == "__main__":
    main()
