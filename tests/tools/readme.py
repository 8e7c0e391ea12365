#!/usr/bin/env python3
"""What tools write into README.md stands between <!-- name --> and <!-- /name -->.
As a program: readme.py NAME <TEXT puts the text there."""
import re
import sys
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "README.md"


def pattern(name):
    return re.compile(rf"(<!-- {name} -->\n)(.*?)(<!-- /{name} -->)", re.S)


def between(name):
    found = pattern(name).search(FILE.read_text(encoding="utf-8")) if FILE.exists() else None
    return found[2] if found else None


def replace(name, text):
    if between(name) is None:
        sys.exit(f"README.md has no <!-- {name} --> ... <!-- /{name} -->")
    old = FILE.read_text(encoding="utf-8")
    FILE.write_text(pattern(name).sub(lambda m: m[1] + text.strip("\n") + "\n" + m[3], old, count=1), encoding="utf-8")


if __name__ == "__main__":
    replace(sys.argv[1], sys.stdin.read())
