#!/bin/sh
# json_python.sh [COUNT [SEED]]   json-check against Python's json module: valid documents and mutations of them.
cd "$(dirname "$0")/../.." || exit 1
exec python3 - "${1:-3000}" "${2:-1}" <<'PYTHON'
import json
import os
import random
import subprocess
import sys
import tempfile

count, random = int(sys.argv[1]), random.Random(int(sys.argv[2]))
BYTES = b'{}[]:,"\\u0123456789abcdefABCDEF+-.eEtrnls \n\r\t\x00\x1f\x7f\x80\xbf\xc0\xc3\xe2\xed\xa0\xf0\x9f\xf4\x90\xff'


def number(text):
    """A number as it stands, so that no size is too much for Python."""
    return text


def refuse(text):
    raise ValueError(text)


def depth_and_surrogates(value, depth=0):
    if isinstance(value, (dict, list)):
        depth += 1
    if depth > 32:
        raise ValueError("depth")
    if isinstance(value, list):
        for item in value:
            depth_and_surrogates(item, depth)
    elif isinstance(value, dict):
        for pairs in value["pairs"]:
            for item in pairs:
                depth_and_surrogates(item, depth)
    elif isinstance(value, str):
        value.encode()


def valid(data):
    try:
        depth_and_surrogates(json.loads(data.decode(), parse_int=number, parse_float=number, parse_constant=refuse,
                                        object_pairs_hook=lambda pairs: {"pairs": pairs}))
    except (ValueError, RecursionError):
        return False
    return True


def value(depth):
    kind = random.randrange(9 if depth < 34 else 7)
    if kind == 0:
        return random.choice([b"true", b"false", b"null"])
    if kind < 3:
        return random.choice([b"0", b"-0", b"17", b"-1.5", b"1e9", b"2E-07", b"0.000", b"123456789012345678901234567890", b"1e+400"])
    if kind < 7:
        parts = [b"a", b"\xc3\xa9", b"\xe2\x82\xac", b"\xf0\x9f\x98\x80", b'\\"', b"\\\\", b"\\/", b"\\n", b"\\u0041", b"\\u0000",
                 b"\\ud83d\\ude00", b"\\uD7FF", b"\\uffff", b" ", b"plain text of some length", b"\x7f", b"\xed\x9f\xbf"]
        return b'"' + b"".join(random.choice(parts) for _ in range(random.randrange(6))) + b'"'
    blank = [b"", b"", b"", b" ", b"\n\t", b"\r\n  "]
    items = []
    for _ in range(random.choice([0, 1, 1, 1, 2, 4])):
        item = random.choice(blank) + value(depth + 1) + random.choice(blank)
        if kind == 8:
            item = random.choice(blank) + b'"k%d"' % len(items) + random.choice(blank) + b":" + item
        items.append(item)
    body = b",".join(items) or random.choice(blank)
    return b"{" + body + b"}" if kind == 8 else b"[" + body + b"]"


def mutated(data):
    for _ in range(random.choice([0, 0, 1, 1, 2, 3])):
        at = random.randrange(len(data) + 1)
        new = bytes([random.choice(BYTES)])
        data = random.choice([data[:at] + new + data[at:], data[:at] + new + data[at + 1:], data[:at] + data[at + 1:], data[:at]])
    return data


def nested(depth):
    return b"[" * depth + value(30) + b"]" * depth


passed = failed = accepted = 0
with tempfile.TemporaryDirectory() as folder:
    file = os.path.join(folder, "document.json")
    for i in range(count):
        data = mutated(nested(random.randrange(28, 34)) if i % 10 == 0 else value(0))
        with open(file, "wb") as f:
            f.write(data)
        ours = subprocess.run(["build/json-check", file], capture_output=True, check=False).returncode
        accepted += ours == 0
        if ours == (0 if valid(data) else 1):
            passed += 1
        else:
            failed += 1
            print("json-check", ours, data)
print(f"{accepted} of {count} accepted")
print(f"PASSED {passed} FAILED {failed}")
sys.exit(failed != 0)
PYTHON
