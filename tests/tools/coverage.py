#!/usr/bin/env python3
"""Branch coverage of mcptools.h by section: coverage.py [--min PERCENT] [--sections "a b"] [--gaps] EXPORT.json...

The files come from `llvm-cov export -format=text`; a branch counts as taken when one of them took it. The lines of a
section are those between its implementation anchor and the next one. What a feature switch decides at compile time is no
branch. With --sections only these are held to --min."""
import argparse
import json
import re
import sys
from pathlib import Path

ANCHOR = re.compile(r"^/\* >>([a-z][a-z0-9-]*)(: implementation)? -{3,}")
SWITCH = re.compile(r"!?MCPT_NO_[A-Z]+")
SWITCHED_OFF = re.compile(r"(^|[^!])\bMCPT_NO_[A-Z]+ && $")


def section_lines(lines):
    """A list with the section's name for each line of the implementation half, or None."""
    names, current = [None], None
    for line in lines:
        anchor = ANCHOR.match(line)
        if anchor:
            current = anchor[1] if anchor[2] else None
        names.append(current)
    return names


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--min", type=float, default=0)
    parser.add_argument("--sections", default="")
    parser.add_argument("--gaps", action="store_true", help="print the lines with a side never taken")
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    header = Path(__file__).resolve().parents[2] / "mcptools.h"
    lines = header.read_text(encoding="utf-8").split("\n")
    names = section_lines(lines)
    taken = {}                                          # (line, column, end line, end column) -> [true, false]
    for file in args.files:
        for entry in json.loads(Path(file).read_text(encoding="utf-8"))["data"][0]["files"]:
            if not entry["filename"].endswith("mcptools.h"):
                continue
            for branch in entry.get("branches", []):
                sides = taken.setdefault(tuple(branch[:4]), [False, False])
                sides[0] |= branch[4] > 0
                sides[1] |= branch[5] > 0
    rows = {}
    for place, sides in taken.items():
        name = names[place[0]] if place[0] < len(names) else None
        line = lines[place[0] - 1]
        text = line[place[1] - 1:place[3] - 1 if place[2] == place[0] else None]
        if name and not SWITCH.fullmatch(text) and not SWITCHED_OFF.search(line[:place[1] - 1]):
            row = rows.setdefault(name, [0, 0, []])
            row[0] += sum(sides)
            row[1] += 2
            if not all(sides):
                what = "never reached" if not any(sides) else "never true" if not sides[0] else "never false"
                row[2].append((place[0], f"{what}: {text}"))
    wanted = set(args.sections.split())
    passed = failed = 0
    print(f"{'section':16} {'branches':>9} {'taken':>7} {'':>7}")
    for name in sorted(rows, key=names.index):
        hit, total, gaps = rows[name]
        percent = 100.0 * hit / total
        held = name in wanted
        if wanted and not held and hit == 0:
            continue
        bad = held and percent < args.min
        passed += held and not bad
        failed += bad
        print(f"{name:16} {total:9} {hit:7} {percent:6.1f} %{'' if held else '  (not what these inputs are for)'}"
              f"{f'  below {args.min:g} %' if bad else ''}")
        if args.gaps and (held or not wanted):
            for line, what in sorted(gaps):
                print(f"    mcptools.h:{line}: {what}")
    for name in sorted(wanted - set(rows)):
        failed += 1
        print(f"{name:16} has no branches, or no implementation anchor")
    print(f"PASSED {passed} FAILED {failed}")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
