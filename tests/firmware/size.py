#!/usr/bin/env python3
"""The firmware images in numbers: size.py [--update | --check]   (through "make size", which builds them; environment: FW_CFLAGS)

Flash and RAM of build/firmware/BOARD-device.elf by part, from the linker's map (of an image that is linked with -flto: from the map
of one that is not, BOARD-device.parts); the deepest stack that the tests saw beside the static bound (indirect.txt,
tests/tools/callgraph.py); RAM of one more connection; instructions per request on the board
(BOARD-bench.elf, exact). --update writes them between <!-- firmware --> and <!-- /firmware --> of README.md; --check fails when
flash, RAM or instructions there are more than five percent off, or when a run went deeper than the bound."""
import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/tools"))
import readme
from callgraph import Graph, plain

BOARDS = ["lm3s6965evb", "mps2-an385"]
FW = Path("build/firmware")
GCC = "arm-none-eabi-gcc"
INTERRUPT = 32                          # what the processor pushes
SHOWN = ["server/discover", "tools/list-20", "tools/call", "tools/call-structured", "tools/call-ask", "resources/read", "legacy-tools/call",
         "tools/call-guarded"]
PARTS = [                               # the first that fits an object's path
    ("mcptools.h", r"/mcptools\.o"),
    ("ports: lwIP, flash store, hash", r"/port/"),
    ("the device: tools, tables, memory of connections and hub", r"/(device|settings)\.o"),
    ("startup, drivers, console, short strings, what is emulated", r"/examples/firmware/"),
    ("lwIP", r"/lwip/"),
    ("SHA-256 of mbedTLS", r"/mbedtls/"),
    ("C library, libgcc", r""),
]


TLS_IMAGES = ["device-tls", "device-mbedtls"]
TLS_PARTS = [
    ("mcptools.h", r"/mcptools\.o"),
    ("ports: lwIP, TLS, cryptography, certificate, flash store", r"/port/"),
    ("the device: tools, tables, memory of connections and hub", r"/(device|settings)\.o"),
    ("its key and certificate, pairing, TLS' memory for three connections", r"/protect\.o"),
    ("startup, drivers, console, what is emulated", r"/examples/firmware/"),
    ("lwIP", r"/lwip/"),
    ("BearSSL, mbedTLS", r"firmware/lib/"),
    ("C library, libgcc", r""),
]
CLIENT_PARTS = [
    ("mcptools.h", r"/mcptools\.o"),
    ("ports: lwIP, TLS, cryptography, flash store", r"/port/"),
    ("the device: what it sends, memory of client, authorization and TLS", r"/(client|settings)\.o"),
    ("startup, drivers, what is emulated", r"/examples/firmware/"),
    ("lwIP, with DNS", r"/lwip/"),
    ("BearSSL", r"firmware/lib/"),
    ("C library, libgcc", r""),
]


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout


def by_part(image, names=PARTS):
    """{part: [flash, RAM]} and the bytes of the stack, from the map."""
    text = (FW / f"{image}.map").read_text(encoding="utf-8").split("Linker script and memory map", 1)[1]
    parts = {name: [0, 0] for name, _ in names}
    for section, size, path in re.findall(r"^ (\.?[\w.$*-]+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+) (\S.*)$", text, re.M):
        kind = re.match(r"\.?(text|rodata|vectors|board_vectors|data|bss|COMMON)", section)
        if kind:
            part = parts[next(name for name, pattern in names if re.search(pattern, path))]
            part[0] += int(size, 16) if kind[1] not in ("bss", "COMMON") else 0
            part[1] += int(size, 16) if kind[1] in ("data", "bss", "COMMON") else 0
    return parts, int(re.search(r"^\s+0x([0-9a-f]+)\s+STACK = ", text, re.M)[1], 16)


def totals(file):
    text, data, bss = map(int, run("arm-none-eabi-size", FW / file).splitlines()[1].split()[:3])
    return text + data, data + bss


def bound(image):
    """The deepest stack from main(), and what the graph does not know."""
    linked_as_one = FW / f"{image}.elf.ltrans0.ltrans.ci"      # with -flto
    graph = Graph([linked_as_one] if linked_as_one.exists() else sorted((FW / "o" / image).rglob("*.ci")))
    linked = {plain(line.split()[-1]) for line in run("arm-none-eabi-nm", FW / f"{image}.elf").splitlines()}
    rules = [line for file in ("tests/size/indirect.txt", "tests/firmware/indirect.txt")
             for line in Path(file).read_text(encoding="utf-8").split("\n")]
    unknown = graph.annotate(rules, linked)
    problems = [f"{image}: recursion " + " -> ".join(plain(n) for n in c) for c in graph.cycles()]
    reached = graph.reached("board_start")
    problems += sorted({f"{image}: not in tests/firmware/indirect.txt: {plain(c)} ({', '.join(p)})" for c, p in unknown.items()
                        if c in reached and plain(c) in linked})
    if problems:
        return 0, problems
    return graph.deepest("board_start")[0] + INTERRUPT + max(graph.deepest(f)[0] for f in ("board_tick", "board_on_interrupt")), []


def measured(image, test, *args):
    """The deepest stack of all runs of this image; without one, the test is run."""
    file = FW / f"{image}.stack"
    if not file.exists():
        run("node", f"tests/firmware/{test}", *args)
    return int(file.read_text(encoding="utf-8"))


def objects():
    """Sizes of C objects on the board: constants of an object that is never run."""
    rows = ["sizeof(mcpt_lwip_slot)", "sizeof(struct tcp_pcb)", "1536 + 1024 + 64 * sizeof(mcpt_tok)"]
    source = '#include "port/lwip.h"\n#include <lwip/tcp.h>\n' + "".join(
        f"extern char r{i}[];\nchar r{i}[{row}];\n" for i, row in enumerate(rows))
    (FW / "objects.c").write_text(source, encoding="utf-8")
    run(GCC, *os.environ["FW_CFLAGS"].split(), "-fno-lto", "-c", FW / "objects.c", "-o", FW / "objects.o")
    names = {line.split()[3]: int(line.split()[1], 16) for line in run("arm-none-eabi-nm", "-S", FW / "objects.o").splitlines()}
    return [names[f"r{i}"] for i in range(len(rows))]


def instructions():
    out = run("qemu-system-arm", "-M", BOARDS[0], "-display", "none", "-monitor", "none", "-serial", "null", "-icount", "shift=0",
              "-semihosting-config", "enable=on,target=native", "-kernel", FW / f"{BOARDS[0]}-bench.elf", timeout=120)
    found = re.findall(r"^instructions (\S+) (\d+) (\d+) (\d+)$", out, re.M)
    return sorted((row for row in found if row[0] in SHOWN), key=lambda row: SHOWN.index(row[0])) or sys.exit(f"no instructions: {out}")


def tables():
    problems, head, stacks = [], [], []
    rows = {name: [] for name, _ in PARTS}
    rows["stack"], rows["all of these"], rows["the whole image"] = [], [], []
    for board in BOARDS:
        image = f"{board}-device"
        parts, stack = by_part(image)
        for name, _ in PARTS:
            rows[name] += parts[name]
        rows["stack"] += [0, stack]
        rows["all of these"] += totals(f"{image}.parts")
        rows["the whole image"] += totals(f"{image}.elf")
        static, found = bound(image)
        problems += found
        seen = max(measured(image, "device.mjs", board), measured(f"{board}-conformance", "soak.mjs", board, "1000"))
        stacks.append(f"{board} {seen:,} of {static:,}")
        if static < seen and not found:
            problems.append(f"{board}: a run used {seen} bytes of stack, the bound is {static}")
        head.append(f"{board} flash | {board} RAM")
    slot, pcb, buffer = objects()
    text = [f"{GCC}, `-Os`, Cortex-M3, newlib-nano, lwIP 2.1 (TCP/IPv4, ICMP); bytes. Four HTTP connections with two buffers, a UART",
            "connection, three sessions, two listeners, three tasks, the flash store; no TLS, no access tokens. The parts are as long as they are",
            "when nothing is optimized across files; the whole image is linked with `-flto`.", "",
            "| part of the device image | " + " | ".join(head) + " |", "|---|" + "---:|" * (2 * len(BOARDS))]
    for name, numbers in rows.items():
        shown = [f"**{n:,}**" if name.startswith("the whole") else f"{n:,}" if n else "–" for n in numbers]
        text.append(f"| {name} | " + " | ".join(shown) + " |")
    text += ["", f"One more connection: {slot + pcb:,} bytes of RAM ({slot:,} here, {pcb:,} in lwIP); one more buffer: {buffer:,}. "
             f"Deepest stack seen, of the static bound: {', '.join(stacks)}.", "",
             "| request on the board | bytes in | bytes out | Thumb-2 instructions |", "|---|---:|---:|---:|"]
    text += [f"| `{name}` | {int(i):,} | {int(o):,} | {int(n):,} |" for name, i, o, n in instructions()]
    return "\n".join(text + with_tls()) + "\n", problems


def part_table(first, images, names):
    """A table of images by part, in pairs of columns, and the stack that each has."""
    rows, reserved = {name: [] for name, _ in names} | {"stack": [], "the whole image": []}, []
    for image in images:
        parts, stack = by_part(image, names)
        for name, _ in names:
            rows[name] += parts[name]
        rows["stack"] += [0, stack]
        rows["the whole image"] += totals(f"{image}.elf")
        reserved.append(stack)
    kinds = [image.removeprefix(f"{BOARDS[0]}-") for image in images]
    text = [f"| {first} | " + " | ".join(f"{k} flash | {k} RAM" for k in kinds) + " |", "|---|" + "---:|" * (2 * len(images))]
    for name, numbers in rows.items():
        text.append(f"| {name} | " + " | ".join(f"**{n:,}**" if name.startswith("the whole") else f"{n:,}" if n else "–" for n in numbers) + " |")
    return text, reserved


def with_tls():
    """The images with TLS on the smaller board: those that serve, and the one that uses a server."""
    images = [f"{BOARDS[0]}-{kind}" for kind in TLS_IMAGES]
    text, reserved = part_table(f"part of the image with TLS, {BOARDS[0]}", images, TLS_PARTS)
    stacks = [f"{kind} {measured(image, 'pairing.mjs', BOARDS[0]):,} of {stack:,}" for kind, image, stack in zip(TLS_IMAGES, images, reserved)]
    client, own = part_table(f"part of the client image, {BOARDS[0]}", [f"{BOARDS[0]}-client"], CLIENT_PARTS)
    seen = measured(f"{BOARDS[0]}-client", "client.mjs", BOARDS[0])
    return ["", "The same device with TLS and pairing, for three TLS connections at once with records of 2 KB in and 1 KB out (mbedTLS 768 bytes):", "",
            *text, "", f"Deepest stack seen, of what is reserved: {', '.join(stacks)}.", "",
            "The client with its authorization, for one TLS connection with records of 2 KB in and 1 KB out:", "",
            *client, "", f"Deepest stack seen, of what is reserved: {seen:,} of {own[0]:,}."]


def drift(old, new):
    number = re.compile(r"\d[\d,]*")
    plain_text = [re.sub(r"Deepest stack.*", "", t) for t in (old.strip(), new.strip())]
    if number.sub("#", plain_text[0]) != number.sub("#", plain_text[1]):
        return ["the rows of the firmware tables in README.md are others; make size UPDATE=1"]
    pairs = [[int(n.replace(",", "")) for n in number.findall(t)] for t in plain_text]
    return [f"README.md says {a:,} in the firmware tables, but it is {b:,}; make size UPDATE=1" for a, b in zip(*pairs) if abs(a - b) * 20 > a]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    os.chdir(ROOT)
    os.environ["PATH"] = f"{ROOT}/build/node/node_modules/.bin:{os.environ['PATH']}"
    text, problems = tables()
    print(text)
    if args.update:
        readme.replace("firmware", text)
    elif args.check:
        problems += drift(readme.between("firmware") or "", text)
    for line in problems:
        print(line)
    print(f"PASSED {0 if problems else 1} FAILED {len(problems)}")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
