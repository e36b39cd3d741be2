#!/usr/bin/env python3
"""Runs clang-tidy over the sources of a build folder, two at a time, and remembers which ones were clean.

A source is checked again when it, one of the headers it includes, .clang-tidy, its flags or clang-tidy itself changed.
What is remembered lives in the user's cache folder, so a fresh clone on the same machine is quick. Exit 1 on a finding.
With --budget, tests, benches and tools that are still waiting when the time is up wait for the next run; the product never does.
Not here: the house rules (tools/tidy.py) and what to check (.clang-tidy).
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "headroom" / "lint"
CLANG_TIDY = "clang-tidy-19"


class Fingerprints:
    """What identifies a file: its content in our tree, its size and time elsewhere. Each is looked at once."""

    def __init__(self):
        self.known = {}

    def of(self, path):
        if path not in self.known:
            self.known[path] = self.look(pathlib.Path(path))
        return self.known[path]

    @staticmethod
    def look(path):
        if not path.is_file():
            return "absent"
        if path.is_relative_to(ROOT):
            return hashlib.sha256(path.read_bytes()).hexdigest()
        status = path.stat()
        return f"{status.st_size} {status.st_mtime_ns}"


PRODUCT = ("balance/", "net/", "core/")


def sources(build):
    """{source: compile arguments} of the build folder, each source once."""
    with open(build / "compile_commands.json", encoding="utf-8") as file:
        commands = json.load(file)
    found = {}
    for command in commands:
        arguments = shlex.split(command["command"])
        compiler = next(at for at, part in enumerate(arguments) if "clang++" in os.path.basename(part))
        source = os.path.relpath(command["file"], ROOT)
        if not source.startswith(".."):
            found.setdefault(source, arguments[compiler:])
    return found


def dependencies(build, arguments):
    """Every file that a compilation reads, ours relative to the root."""
    cut = arguments.index("-o")
    quiet = [part for part in arguments[:cut] + arguments[cut + 2:] if part not in ("-c", "-MD")]
    for flag in ("-MT", "-MF"):
        while flag in quiet:
            del quiet[quiet.index(flag):quiet.index(flag) + 2]
    listed = subprocess.run(quiet + ["-M"], capture_output=True, text=True, check=False, cwd=build).stdout
    paths = listed.replace("\\\n", " ").split()[1:]
    return sorted({os.path.relpath(path, ROOT) if pathlib.Path(path).is_relative_to(ROOT) else path for path in paths})


class Linter:
    """Checks one source at a time; safe to call from several threads."""

    def __init__(self, build):
        self.build = build
        self.prints = Fingerprints()
        version = subprocess.run([CLANG_TIDY, "--version"], capture_output=True, text=True, check=True).stdout
        self.rules = hashlib.sha256((version + (ROOT / ".clang-tidy").read_text()).encode()).hexdigest()

    def memory(self, source, arguments):
        flags = " ".join(arguments).replace(str(self.build), "BUILD").replace(str(ROOT), "ROOT")
        return CACHE / (hashlib.sha256(f"{self.rules} {source} {flags}".encode()).hexdigest() + ".json")

    def seen(self, paths):
        return {path: self.prints.of(str(ROOT / path)) for path in paths}

    def remembers(self, source, arguments):
        try:
            remembered = json.loads(self.memory(source, arguments).read_text())
        except (OSError, ValueError):
            return False
        return self.seen(remembered) == remembered

    def check(self, source, arguments):
        """(source, findings as text; empty when clean)."""
        ran = subprocess.run([CLANG_TIDY, "--quiet", str(ROOT / source), "--", *arguments[1:]],
                             capture_output=True, text=True, check=False, cwd=self.build)
        if ran.returncode:
            return source, (ran.stdout + ran.stderr).replace(str(ROOT) + "/", "")
        memory = self.memory(source, arguments)
        memory.parent.mkdir(parents=True, exist_ok=True)
        partial = memory.with_suffix(f".{os.getpid()}.{hash(source)}")
        partial.write_text(json.dumps(self.seen(dependencies(self.build, arguments))))
        partial.rename(memory)
        return source, ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-p", "--build", type=pathlib.Path, default=ROOT / "build" / "tidy", help="folder with compile_commands.json")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count(), help="how many at once")
    parser.add_argument("source", nargs="*", help="only sources whose path starts so, for example net/")
    parser.add_argument("--budget", type=float, default=float("inf"), help="seconds after which only the product is still checked")
    options = parser.parse_args()

    linter = Linter(options.build.resolve())
    wanted = {source: arguments for source, arguments in sources(options.build).items()
              if not options.source or source.startswith(tuple(options.source))}
    todo = [(source, arguments) for source, arguments in wanted.items() if not linter.remembers(source, arguments)]
    print(f"lint: {len(wanted)} sources, {len(wanted) - len(todo)} unchanged since they were clean", flush=True)

    todo.sort(key=lambda one: not one[0].startswith(PRODUCT))
    bad, late, start = 0, 0, time.monotonic()

    def check(one):
        spent = time.monotonic() - start > options.budget and not one[0].startswith(PRODUCT)
        return (one[0], None) if spent else linter.check(*one)

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for done, (source, text) in enumerate(pool.map(check, todo), 1):
            late += text is None
            bad += bool(text)
            if text is not None:
                print(f"[{done}/{len(todo)}] {source} {time.monotonic() - start:.0f} s" + (f"\n{text}" if text else ""), flush=True)
    if late:
        print(f"lint: {late} sources of tests and tools wait for the next run: the budget of {options.budget:.0f} s is spent")
    print(f"lint: {bad} sources with findings" if bad else "lint: clean")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
