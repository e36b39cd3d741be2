#!/usr/bin/env python3
"""Writes headroom(1): man_page.py PROGRAM >headroom.1, from what the program's own --help and `help settings` say.

So the page cannot disagree with the program. Not here: prose that is not in the program (docs/).
"""
import re
import subprocess
import sys


def said_by(program, *arguments):
    return subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout


def roff(text):
    """Text as it is: what roff would take for commands is escaped."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", escaped, flags=re.M)


def verbatim(text):
    return f".nf\n{roff(text.rstrip())}\n.fi\n"


def sections(help_text):
    """The parts of --help by their headings; the first one is '' and says what the program is."""
    parts, heading = {"": []}, ""
    for line in help_text.split("\n"):
        if re.match(r"^[A-Z][a-z]+:$", line):
            heading = line[:-1]
            parts[heading] = []
        else:
            parts[heading].append(line)
    return {name: "\n".join(lines).strip("\n") for name, lines in parts.items()}


def options(text):
    """`  -x, --flag VALUE   meaning` and lines further in that continue it."""
    page, rest = "", []
    for line in text.split("\n"):
        found = re.match(r"^  (-\S.*?)(?:\s{2,}(.*))?$", line)
        if found:
            page += f".TP\n.B {roff(found[1])}\n{roff((found[2] or '').strip())}\n"
        elif line.startswith("    "):
            page += f".br\n{roff(line.strip())}\n"
        else:
            rest.append(line)
    return page, "\n".join(rest).strip()


def page(program):
    version = said_by(program, "version").split()[1]
    parts = sections(said_by(program, "--help"))
    name, description = parts[""].strip().split("\n")[0].split(": ", 1)
    flags, after = options(parts["Options"])
    examples, _, closing = parts["Examples"].partition("\nClients then use")
    return "".join([
        f'.TH HEADROOM 1 "" "Headroom {version}" "User Commands"\n',
        f".SH NAME\n{name} \\- {roff(description)}\n",
        ".SH SYNOPSIS\n", verbatim(parts["Usage"]),
        ".SH OPTIONS\n", flags, f".PP\n{roff(after)}\n" if after else "",
        ".SH EXAMPLES\n", verbatim(examples), f".PP\n{roff(('Clients then use' + closing).strip())}\n",
        ".SH SETTINGS\n", verbatim(said_by(program, "help", "settings")),
        ".SH FILES\n.TP\n.I /etc/headroom/headroom.yaml\nConfiguration that headroom.service reads.\n"
        ".TP\n.I /etc/headroom/environment\nVariables of headroom.service, keys among them; mode 0600.\n",
    ])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: man_page.py PROGRAM")
    sys.stdout.write(page(sys.argv[1]))
