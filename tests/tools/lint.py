#!/usr/bin/env python3
"""Checks what no compiler does: the header's table of contents, its sections and comments, banned words and calls,
and that README.md and the header know the same names. Prints FILE:LINE: message; ends in "PASSED n FAILED m"."""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HEADER = "mcptools.h"
TOP = {"mcptools.h", "tests", "examples", "port", "Makefile", "README.md"}
MAX_HEADER, MAX_SECTION = 22900, 900
INCLUDES = {"<stddef.h>", "<stdint.h>", "<stdbool.h>", "<string.h>", "MCPT_CONFIG", "MCPT_JSMN_H", "<assert.h>"}
# Never in ports and examples; the rest of the list holds for the header, which does not touch the C library's state.
BANNED = "sprintf vsprintf strcpy strcat strtok gets atoi alloca setjmp longjmp rand srand tmpnam"
BANNED_HEADER = BANNED + (" malloc calloc realloc free printf snprintf strtod strtol strtoul time localeconv setlocale "
                          "isalpha isdigit isspace tolower toupper qsort bsearch exit abort fopen")
MARKS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")

ANCHOR = re.compile(r"^/\* >>([a-z][a-z0-9-]*)(: implementation)? -{3,}")
CONTENTS = re.compile(r"^(?: \*|/\*)?\s*>>([a-z][a-z0-9-]*)\s\s+(\S.*)$")
NAME = re.compile(r"\b(?:mcpt_+[a-z0-9]\w*|MCPT_[A-Z0-9]\w*|MCPTOOLS_\w+)")
FUNCTION = re.compile(r"^(?:[A-Za-z_][\w \t*]*?[ *])?(mcpt_\w+)\([^;]*$")

checks = 0
problems = []


def problem(file, line, text):
    problems.append(f"{file}:{line}: {text}")


def check(ok, file, line, text):
    global checks
    checks += 1
    if not ok:
        problem(file, line, text)


def blanked(text):
    """The same text with comments and literals as blanks, so that line numbers stay."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def banned_calls(file, code, names):
    call = re.compile(r"(?<![\w.>])(" + "|".join(names.split()) + r")\s*\(|(?<![\w.>])(errno)\b" if file == HEADER
                      else r"(?<![\w.>])(" + "|".join(names.split()) + r")\s*\(")
    for number, line in enumerate(code.split("\n"), 1):
        if line.lstrip().startswith("#") and not line.lstrip().startswith("#define"):
            continue
        for found in call.finditer(line):
            problem(file, number, f"banned: {found[0].strip(' (')}")


def text_rules(file, text):
    for number, line in enumerate(text.split("\n"), 1):
        if "\t" in line and not file.endswith("Makefile") and not file.endswith(".sh"):
            problem(file, number, "tab")
        if line != line.rstrip():
            problem(file, number, "blank at the end of the line")
        if "\r" in line:
            problem(file, number, "carriage return")
    check(text.endswith("\n") and not text.endswith("\n\n"), file, text.count("\n"), "must end in one newline")


def sections(text):
    """[(name, is implementation, first line, last line)]"""
    found = []
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        anchor = ANCHOR.match(line)
        if anchor:
            if found:
                found[-1][3] = number - 1
            found.append([anchor[1], bool(anchor[2]), number, len(lines)])
        elif line.startswith("/* >>"):
            problem(HEADER, number, 'not an anchor: "/* >>name ----" or "/* >>name: implementation ----"')
    return found


def header_structure(text):
    lines = text.split("\n")
    found = sections(text)
    first = found[0][2] if found else len(lines)
    contents, at = [], {}
    for number, line in enumerate(lines[:first - 1], 1):
        entry = CONTENTS.match(line)
        if entry:
            check(entry[1] not in at, HEADER, number, f">>{entry[1]} is twice in the table of contents")
            contents.append(entry[1])
            at[entry[1]] = number
    check(contents, HEADER, 1, 'no table of contents: lines ">>name  what it is" above the first section')
    declared = [s[0] for s in found if not s[1]]
    implemented = [s[0] for s in found if s[1]]
    for name in contents:
        check(name in declared or name in implemented, HEADER, at[name], f">>{name} has no anchor")
        check(declared.count(name) <= 1, HEADER, at[name], f">>{name} has two declaration anchors")
        check(implemented.count(name) <= 1, HEADER, at[name], f">>{name} has two implementation anchors")
    for name, half, line, last in found:
        check(name in at, HEADER, line, f">>{name} is not in the table of contents")
        check(last - line + 1 <= MAX_SECTION, HEADER, line, f">>{name} has {last - line + 1} lines, more than {MAX_SECTION}")
    order = [name for name in contents if name in implemented]
    check([name for name in implemented if name in at] == order, HEADER, 1,
          "the implementation is not in the order of the table of contents")
    check(len(lines) - 1 <= MAX_HEADER, HEADER, MAX_HEADER, f"{len(lines) - 1} lines, more than {MAX_HEADER}")
    return found


def forward_references(code, found):
    """A section may use what stands above it: calls of functions that a later section implements are errors."""
    lines = code.split("\n")
    home = {}
    implementation = [(name, first, last) for name, half, first, last in found if half]
    for order, (name, first, last) in enumerate(implementation):
        for number in range(first, last + 1):
            function = FUNCTION.match(lines[number - 1])
            if function and not lines[number - 1].lstrip().startswith("#"):
                home.setdefault(function[1], (order, name))
    for order, (name, first, last) in enumerate(implementation):
        for number in range(first, last + 1):
            for used in re.findall(r"\b(mcpt_\w+)\s*\(", lines[number - 1]):
                if used in home and home[used][0] > order:
                    problem(HEADER, number, f">>{name} uses {used} of >>{home[used][1]}, which stands below it")
    global checks
    checks += len(home)


def public_comments(text, first_implementation):
    """A declaration has a comment on its lines, or right above it, or above the group of lines it stands in."""
    lines = text.split("\n")[:first_implementation - 1]
    number = 0
    covered = False                 # by a comment above
    before_type = None              # the same where a type begins: its comment is that of its functions too
    while number < len(lines):
        line = lines[number]
        if not line.startswith("MCPT_API "):
            stripped = line.strip()
            if line.startswith("typedef ") and ";" not in line:
                before_type = covered
            if line.startswith("}") and before_type is not None:
                covered, before_type = before_type, None
            elif before_type is None:
                covered = stripped.endswith("*/") or (covered and stripped.startswith(("#", "typedef")))
            number += 1
            continue
        first = number
        while ";" not in blanked(lines[number]) and number + 1 < len(lines):
            number += 1
        own = "/*" in "\n".join(lines[first:number + 1])
        check(own or covered, HEADER, first + 1, "no comment: " + line[9:].split("(")[0])
        covered = covered or own
        number += 1


def switches(text, found):
    config = [s for s in found if s[0] == "config" and not s[1]]
    if not config:
        return
    lines = text.split("\n")
    documented = set(re.findall(r"MCPT_(?:NO|ONLY)_\w+", "\n".join(lines[config[0][2] - 1:config[0][3]])))
    for number, line in enumerate(lines, 1):
        if re.match(r"\s*#\s*(el)?if", line):
            for name in re.findall(r"MCPT_(?:NO|ONLY)_\w+", line):
                check(name in documented, HEADER, number, f"{name} is not documented in >>config")


def header():
    text = Path(HEADER).read_text(encoding="utf-8")
    code = blanked(text)
    found = header_structure(text)
    first_implementation = min((s[2] for s in found if s[1]), default=text.count("\n") + 1)
    banned_calls(HEADER, code, BANNED_HEADER)
    forward_references(code, found)
    public_comments(text, first_implementation)
    switches(text, found)
    for number, line in enumerate(text.split("\n"), 1):
        include = re.match(r"#\s*include\s+(\S+)", line)
        if include:
            check(include[1] in INCLUDES, HEADER, number, f"includes {include[1]}")
    return text


def readme(header_text):
    if not Path("README.md").exists():
        problem("README.md", 1, "missing")
        return
    text = Path("README.md").read_text(encoding="utf-8")
    known = set(NAME.findall(header_text))
    for path in sorted(Path("port").glob("*.h")) + sorted(Path("port").glob("*.c")):
        known |= set(NAME.findall(path.read_text(encoding="utf-8")))
    inside, block, begin = False, [], 0
    words = set(re.findall(r"\w+", header_text)) | {w for p in Path("port").glob("*.h") for w in re.findall(r"\w+", p.read_text(encoding="utf-8"))}
    members, ends = re.compile(r"`\.([a-z]\w*)`"), re.compile(r"`(_[a-z]+)`")
    names = re.compile(r"\b(?:mcpt_[a-z0-9]\w*|MCPT_[A-Z0-9]\w*|MCPTOOLS_\w+)(?![\w*.]*\.h)")
    for number, line in enumerate(text.split("\n"), 1):
        for name in names.findall(line):
            if not name.endswith("_") and name != "MCPT_NO_X":
                check(name in known or "your" in line, "README.md", number, f"{name} is not in {HEADER}")
        for name in members.findall(line):
            check(name in words, "README.md", number, f".{name} is no member in {HEADER} or port/")
        for end in ends.findall(line):
            check(any(word.startswith("mcpt_store_") and word.endswith(end) for word in words), "README.md", number, f"no store has {end}")
        if inside and line.startswith("```"):
            inside = False
            if block and re.match(r"/\* compile\b.*\*/", block[0]):
                compile_block("\n".join(block) + "\n", begin)
        elif inside:
            block.append(line)
        elif re.match(r"```c\s*$", line):
            inside, block, begin = True, [], number + 1


def compile_block(source, line):
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "block.c")
        file.write_text(f'#line {line} "README.md"\n' + source, encoding="utf-8")
        command = [os.environ.get("CC", "cc"), "-std=c99", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I.", "-Iport",
                   "-isystem", "build/include", str(file)]
        done = subprocess.run(command, capture_output=True, text=True)
        check(done.returncode == 0, "README.md", line, "does not compile\n" + done.stderr)


def tree():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True)
    files = listed.stdout.split("\n")[:-1] if listed.returncode == 0 else \
        [str(p) for p in Path(".").rglob("*") if p.is_file() and p.parts[0] not in ("build", ".git")]
    for file in sorted(set(f.split("/")[0] for f in files)):
        check(file in TOP or file.startswith("."), file, 1, "does not belong at the top level")
    for file in files:
        path = Path(file)
        if not path.is_file() or "corpus" in path.parts or "vectors" in path.parts:
            continue
        if path.suffix not in (".c", ".h", ".py", ".sh", ".mjs", ".md") and path.name != "Makefile":
            continue
        text = path.read_text(encoding="utf-8")
        text_rules(file, text)
        if file != "tests/tools/lint.py":
            for number, line in enumerate(text.split("\n"), 1):
                if MARKS.search(line):
                    problem(file, number, "unfinished mark: " + MARKS.search(line)[0])
        if path.suffix in (".c", ".h") and path.parts[0] in ("port", "examples"):
            banned_calls(file, blanked(text), BANNED)


def main():
    os.chdir(Path(__file__).resolve().parents[2])
    if Path(HEADER).exists():
        readme(header())
    else:
        problem(HEADER, 1, "missing")
    tree()
    for line in problems:
        print(line)
    print(f"PASSED {max(checks - len(problems), 0)} FAILED {len(problems)}")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
