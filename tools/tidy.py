#!/usr/bin/env python3
"""The house rules that compilers do not check: layers, sizes, names, words, dead headers, honest tests.

One line per finding, `file:line: what: what to do`; exit 1 when there is one. A line that must break a rule says so with
`tidy: allow <rule>: <why>` on itself or on the line before. Proof that every rule fires: tests/style/tidy_test.py.
Not here: what clang-format and clang-tidy see.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys

LINES_MAX = 400
FUNCTION_LINES_MAX = 60
FOLDERS = ("balance", "net", "core", "tools", "bench", "tests", "infra")
CODE = {".hpp", ".cpp"}
SCRIPTS = {".py", ".sh", ".mjs", ".js", ".bash"}
TEXT = CODE | SCRIPTS | {".md", ".cmake", ".txt", ".json", ".yml", ".yaml", ".bicep", ".conf", ".service", ".html", ".css", ""}
BANNED_NAMES = {"util", "utils", "common", "helper", "helpers", "manager", "base", "impl", "types", "misc"}
BANNED_ENDINGS = BANNED_NAMES - {"base", "types"}
PLANTED = ("tools/tidy.py", "tests/style/tidy_test.py")  # they spell the violations out


class File:
    """One file of the tree: its lines, and for C++ its code without comments and its comments without code."""

    def __init__(self, root, path):
        self.path = path
        self.name = pathlib.PurePosixPath(path)
        self.folder = path.split("/")[0] if "/" in path else ""
        self.text = (root / path).read_text(encoding="utf-8", errors="replace")
        self.lines = self.text.split("\n")
        self.is_code = self.name.suffix in CODE
        self.is_script = self.name.suffix in SCRIPTS or (not self.name.suffix and self.text.startswith("#!"))
        self.code, self.comments = split_comments(self.text) if self.is_code else (self.lines, self.lines)

    def includes(self):
        """(line, target, quoted) of every #include."""
        for number, line in enumerate(self.lines, 1):
            found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if found:
                yield number, found[2], found[1] == '"'

    def allows(self, number, rule):
        near = self.lines[max(0, number - 2):number]
        return any(re.search(rf"tidy: allow {rule}: \S", line) for line in near)


def split_comments(text):
    """Lines of code with comments and literals blanked, and lines of comments with code blanked."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'', re.S)

    def blank(part):
        return re.sub(r"[^\n]", " ", part)

    code, comments, at = [], [], 0
    for found in pattern.finditer(text):
        before, part = text[at:found.start()], found[0]
        code += [before, blank(part)]
        comments += [blank(before), part if part[:2] in ("//", "/*") else blank(part)]
        at = found.end()
    code.append(text[at:])
    comments.append(blank(text[at:]))
    return "".join(code).split("\n"), "".join(comments).split("\n")


def search(lines, pattern, flags=0):
    """(line number, match) of the first hit on each line."""
    compiled = re.compile(pattern, flags)
    for number, line in enumerate(lines, 1):
        found = compiled.search(line)
        if found:
            yield number, found


# ---- one function per rule: takes a file (or all of them), yields (file, line, what, what to do) ----

STD_ONLY = r"[a-z_]+"
MAY_INCLUDE = {  # folder: (own folders, patterns of <...>)
    "balance": (("balance",), (STD_ONLY, r"simdjson.*")),
    "net": (("net",), (STD_ONLY, r"liburing.*", r"openssl/.*", r"llhttp\.h", r"(sys|netinet|arpa|linux|net)/.*\.h",
                       r"(unistd|fcntl|poll|signal|sched|netdb|time|pthread|errno|limits|string|stdlib)\.h",
                       r"sanitizer/.*")),
    "core": (("core", "net", "balance"), None),
    "tools/mock_azure": (("tools",), None),
    "tools/load": (("tools",), None),
    "tools": (("tools", "core", "net", "balance"), None),
}


def layers(file):
    """Who may include whom."""
    where = next((folder for folder in ("tools/mock_azure", "tools/load", "balance", "net", "core", "tools")
                  if file.path.startswith(folder + "/")), None)
    for number, target, quoted in file.includes() if file.is_code else ():
        if quoted and not target.startswith(tuple(folder + "/" for folder in FOLDERS)):
            yield file, number, f'include "{target}" is not rooted', 'write it from the root, as "net/loop.hpp"'
        elif quoted and where and target.split("/")[0] not in MAY_INCLUDE[where][0]:
            yield file, number, f"{where} includes {target}", f"{where} may know {' and '.join(MAY_INCLUDE[where][0])} only"
        elif not quoted and where and MAY_INCLUDE[where][1] is not None:
            if not any(re.fullmatch(pattern, target) for pattern in MAY_INCLUDE[where][1]):
                yield file, number, f"{where} includes <{target}>", f"keep {where} to what its folder's row in docs allows"
        elif target.startswith("boost/") and where == "core" and not re.match(r"core/(control/|main\.cpp)", file.path):
            yield file, number, "Boost outside the control thread", "move it to core/control, or use net"


THREADS = (r"\bstd::(jthread|thread|mutex|shared_mutex|recursive_mutex|lock_guard|scoped_lock|unique_lock|shared_lock"
           r"|condition_variable\w*|future|promise|async|this_thread|counting_semaphore|latch|barrier)\b")
CLOCKS = r"::now\s*\(|\b(clock_gettime|gettimeofday|timerfd_create)\s*\(|\bstd::time\s*\(|\brandom_device\b|\bgetrandom\s*\("


def balance_is_pure(file):
    """balance/ has no clock, thread, lock, log or exception: time is an argument."""
    if file.is_code and file.folder == "balance":
        for pattern, what, todo in (
                (CLOCKS, "a clock or random source", "take the time or the seed as an argument"),
                (THREADS, "a thread or lock", "keep it lock-free and let core own threads"),
                (r"\b(throw|try|catch)\b(?!\s*_)", "an exception", "return a value that says so"),
                (r"\bstd::(cout|cerr|clog)\b|\b(printf|fprintf|puts|syslog)\s*\(", "output", "return facts; core/report writes")):
            for number, found in search(file.code, pattern):
                yield file, number, f"balance has {what} ({found[0].strip()})", todo


def net_is_sans_llm(file):
    """net/ moves bytes and knows nothing of what they mean."""
    if file.is_code and file.folder == "net":
        words = r"\b\w*(quota|prompt|openai|azure|deployment|llm|tokens)\w*\b|(?<!stop_)\btoken(?!\w)|\w*\bmodels?\b|\b\w+_model\b"
        for number, found in search(file.lines, words, re.I):
            if not re.search(r"§ ?5\.6\.2|tchar|header token|connection token", file.lines[number - 1], re.I):
                yield file, number, f"net says '{found[0]}'", "name it by what the bytes do, or move it to core or balance"


def loop_owns_time(file):
    """Only a loop implementation reads clocks and random sources, so that the simulator can replace them."""
    if file.is_code and file.folder in ("net", "core") and not re.match(r"net/(loop_|random\.cpp)|core/control/|core/main\.cpp", file.path):
        for number, found in search(file.code, CLOCKS):
            yield file, number, f"{file.folder} reads a clock or random source ({found[0].strip()})", "ask the Loop"


def sizes(file):
    """Files and functions stay small enough to read at once."""
    if not (file.is_code or file.is_script):
        return
    count = len(file.lines) - (file.lines[-1] == "")
    if count > LINES_MAX:
        yield file, LINES_MAX + 1, f"{count} lines, more than {LINES_MAX}", "split it by concept"
    for name, first, last in functions(file) if file.is_code else ():
        if last - first + 1 > FUNCTION_LINES_MAX:
            yield file, first, f"{name}() has {last - first + 1} lines, more than {FUNCTION_LINES_MAX}", "name its parts"


def functions(file):
    """(name, first line, last line) of outermost function bodies, found by their braces."""
    stack, head, line, head_line = [], "", 1, 1
    for char in "\n".join("" if re.match(r"\s*#", code) else code for code in file.code):
        if char == "\n":
            line += 1
        if char in ";}" or (char == "{"):
            if char == "{":
                found = re.search(r"([~\w]+|operator\s*\S+)\s*\([^{}]*\)[^{}()]*(\([^{}]*\))?[^{}()]*$", head, re.S)
                keyword = re.match(r"\s*(namespace|class|struct|enum|union|extern|if|for|while|switch|do|else|try|catch)\b", head)
                inside = any(name for name, _ in stack)
                stack.append((found[1] if found and not keyword and not inside else None, head_line))
            elif char == "}" and stack:
                name, first = stack.pop()
                if name:
                    yield name, first, line
            head = ""
        else:
            if not head.strip():
                head_line = line
            head += char


def names(file):
    """A name says what is inside."""
    for part in file.name.with_suffix("").parts:
        if part.lower() in BANNED_NAMES or re.split(r"[_.-]", part.lower())[-1] in BANNED_ENDINGS:
            yield file, 1, f"'{part}' says nothing about what is inside", "name it after its main type or its job"


def first_line(file):
    """The first line of a file says what it is for."""
    marks = {".hpp": "// ", ".cpp": "// ", ".mjs": "// ", ".js": "// ", ".py": '"""', ".cmake": "# ", ".bicep": "// "}
    mark = marks.get(file.name.suffix, "# " if file.is_script or file.name.name == "CMakeLists.txt" else None)
    if mark is None:
        return
    number = 2 if file.text.startswith("#!") else 1
    line = file.lines[number - 1] if len(file.lines) >= number else ""
    if not line.startswith((mark, '# ' if mark == '"""' else mark)) or len(line.split()) < 4:
        yield file, number, "the first line does not say what the file is for", f"start with '{mark}What it is for.'"


def header_form(file):
    """Headers are guarded; code of a folder is in its namespace."""
    if file.name.suffix == ".hpp" and "#pragma once" not in file.text:
        yield file, 1, "no #pragma once", "add it after the comment"
    if file.is_code and file.folder in ("balance", "net", "core") and file.name.name != "main.cpp":
        if not re.search(rf"namespace headroom::{file.folder}\b", file.text):
            yield file, 1, f"not in namespace headroom::{file.folder}", "a folder is a namespace"


PLANS = r"\b(TODO|FIXME|XXX|HACK|TBD)\b"
TICKETS = r"(?<![\w&/-])#\d{1,4}\b(?![-\w])|\bissue \d+|\bpull request\b|@author\b|\bAuthors?:"
DATES = r"\b20[12]\d-[01]\d-[0-3]\d\b"


def words(file):
    """Comments explain the software; plans, tickets, authors and dates belong elsewhere."""
    if file.is_code or file.is_script:
        for number, found in search(file.lines if file.is_script else file.comments, PLANS):
            yield file, number, f"'{found[0]}' is a plan", "do it, or leave it out"
        comments = file.comments if file.is_code else [
            line if re.match(r"\s*(#|//|\*|/\*)", line) else "" for line in file.lines]
        for number, found in search(comments, TICKETS):
            yield file, number, f"'{found[0]}' points at a ticket or an author", "say the reason itself"
        for number, found in search(comments, DATES):
            if not re.search(r"version|api", file.lines[number - 1], re.I):
                yield file, number, f"date {found[0]}", "say what holds now"


def places(file):
    """Nothing names a machine: no absolute work paths, no registry hosts."""
    if file.name.suffix in TEXT:
        pattern = r"/work/(main|shared)\b|/home/\w+/|/tmp/build|\bdeb\.debian\.org|\bregistry\.npmjs\.org|snapshot\.debian\.org"
        for number, found in search(file.lines, pattern):
            yield file, number, f"names a place of one machine or a registry ({found[0]})", "derive it, or make it an option"


def memory_orders(file):
    """Every memory order that is not relaxed says what it orders."""
    if file.is_code and file.folder in ("balance", "net", "core"):
        for number, found in search(file.code, r"memory_order(_|::)(acquire|release|acq_rel|seq_cst|consume)"):
            near = file.comments[max(0, number - 3):number]
            if not any(line.strip() for line in near):
                yield file, number, f"{found[0]} without a reason", "say in a comment what it orders against what"


def test_waits(file):
    """Tests wait for events, never for time."""
    if file.folder == "tests" and (file.is_code or file.is_script):
        lines = file.code if file.is_code else file.lines
        pattern = (r"\b(sleep_for|sleep_until|usleep|nanosleep)\s*\(|\b(time\.sleep|sleep)\s*\(|\bsleep [\d.]"
                   r"|await\s+(setTimeout|sleep|delay)\s*\(|=>\s*setTimeout\s*\(")
        for number, found in search(lines, pattern):
            yield file, number, f"a sleep in a test ({found[0].strip()})", "wait for the event, or use virtual time"


def test_ports(file):
    """Tests bind port 0."""
    if file.folder == "tests" and (file.is_code or file.is_script):
        pattern = r"\blisten\(\s*[1-9]\d+|\bhtons\(\s*[1-9]\d*|--(listen|port|admin)[\w-]*[ =,'\"]+(\S*:)?[1-9]\d{2,}\b|\bport:\s*[1-9]\d{2,}"
        for number, found in search(file.lines, pattern):
            yield file, number, f"a fixed port ({found[0].strip()})", "bind port 0 and ask which it became"


def dead_headers(files):
    """Every header is included by someone."""
    included = {target for file in files if file.is_code for _, target, quoted in file.includes() if quoted}
    for file in files:
        if file.name.suffix == ".hpp" and file.path not in included:
            yield file, 1, "nothing includes this header", "use it or delete it"


FILE_RULES = (layers, balance_is_pure, net_is_sans_llm, loop_owns_time, sizes, names, first_line, header_form, words, places,
              memory_orders, test_waits, test_ports)
TREE_RULES = (dead_headers,)


def tree(root):
    """Paths of the tree: what git knows or would add, else everything outside build folders."""
    listed = subprocess.run(["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            capture_output=True, check=False)
    if listed.returncode == 0:
        paths = [path for path in listed.stdout.decode().split("\0") if path]
    else:
        paths = []
        for folder, below, names_here in os.walk(root):
            below[:] = [name for name in below if name not in ("build", "node_modules", ".git", "__pycache__")]
            paths += [os.path.relpath(os.path.join(folder, name), root) for name in names_here]
    return sorted(path for path in paths if (root / path).is_file())


def findings(root):
    """Every finding of the tree as (path, line, rule, what, what to do)."""
    root = pathlib.Path(root)
    files = [File(root, path) for path in tree(root) if pathlib.PurePosixPath(path).suffix in TEXT]
    found = [(rule.__name__, hit) for rule in FILE_RULES for file in files for hit in rule(file)
             if file.path not in PLANTED or rule not in (words, places, test_waits, test_ports)]
    found += [(rule.__name__, hit) for rule in TREE_RULES for hit in rule(files)]
    return sorted((file.path, line, rule, what, todo) for rule, (file, line, what, todo) in found
                  if not file.allows(line, rule))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=pathlib.Path(__file__).resolve().parent.parent, help="the tree to check")
    parser.add_argument("--rules", action="store_true", help="list the rules and stop")
    options = parser.parse_args()
    if options.rules:
        print("\n".join(f"{rule.__name__:16} {rule.__doc__.splitlines()[0]}" for rule in FILE_RULES + TREE_RULES))
        return 0
    found = findings(options.root)
    for path, line, rule, what, todo in found:
        print(f"{path}:{line}: {what}: {todo} [{rule}]")
    print(f"tidy: {len(found)} findings" if found else "tidy: clean", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
