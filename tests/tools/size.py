#!/usr/bin/env python3
"""Flash, RAM and worst stack on Cortex-M: size.py [--update | --check] [--verbose] [--switches] [--sections]

Every tests/size/*.c is a program of one feature set; in its first lines stand
    /* row: the name in the table */      /* cflags: what selects the features */      /* root: function (default main) */
It is linked, with sections nobody uses left out, against the implementation compiled with the same flags. tests/size/ram.txt
has a line "expression | what it is" for each number of bytes worth knowing, indirect.txt (see callgraph.py) says
what calls through pointers reach.

--update writes the tables between <!-- size --> and <!-- /size --> of README.md; --check fails when they are more than
one percent off; --verbose shows the deepest paths, --switches what each feature switch
saves (with --update into >>config of the header), --sections the flash of each section of the header."""
import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

import readme
from callgraph import Graph, plain

CORES = {"m0plus": "cortex-m0plus", "m4": "cortex-m4"}
NAMES = {"m0plus": "M0+", "m4": "M4"}
OUT = Path("build/size")
INDIRECT = Path("tests/size/indirect.txt")
FLAGS = "-mthumb -Os -std=c99 -ffunction-sections -fdata-sections -DNDEBUG -I. -isystem build/include".split()
LINK = "--specs=nano.specs -nostartfiles -Wl,--gc-sections -Wl,-e,main".split()
GCC = "arm-none-eabi-gcc"


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")
    return done.stdout


def heading(source, what):
    found = re.search(rf"^/\* {what}: (.*?) \*/$", source.read_text(encoding="utf-8"), re.M)
    return found[1] if found else ""


def flash_by_object(map_file):
    """{object: bytes of code, constants and initial values} of what the linker kept."""
    text = map_file.read_text(encoding="utf-8").split("Linker script and memory map", 1)[1]
    sizes = {}
    for name, size, object_ in re.findall(r"^ (\.[\w.$*-]+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+) (\S.*)$", text, re.M):
        if re.match(r"\.(text|rodata|data|ARM\.ex|init_array)", name):
            sizes[object_] = sizes.get(object_, 0) + int(size, 16)
    return sizes


def measure(source, core):
    where = OUT / core / source.stem
    where.mkdir(parents=True, exist_ok=True)
    flags = [f"-mcpu={CORES[core]}", *FLAGS, *heading(source, "cflags").split()]
    implementation, program, elf = where / "mcptools.o", where / "program.o", where / "program.elf"
    run(GCC, *flags, "-fcallgraph-info=su", "-c", OUT / "mcptools.c", "-o", implementation)
    run(GCC, *flags, "-fcallgraph-info=su", "-c", source, "-o", program)
    run(GCC, *flags, *LINK, f"-Wl,-Map={where / 'map'}", program, implementation, "-o", elf)
    sizes = flash_by_object(where / "map")
    graph = Graph([implementation.with_suffix(".ci"), program.with_suffix(".ci")])
    linked = {plain(line.split()[-1]) for line in run("arm-none-eabi-nm", elf).splitlines()}
    unknown = graph.annotate(INDIRECT.read_text(encoding="utf-8").split("\n") if INDIRECT.exists() else [], linked)
    cycles = [" -> ".join(plain(n) for n in c + c[:1]) for c in graph.cycles()]
    root = heading(source, "root") or "main"
    stack, path = (0, []) if cycles else graph.deepest(root)
    reached = graph.reached(root)
    return {"ours": sum(size for name, size in sizes.items() if name == str(implementation)),
            "image": sum(sizes.values()), "stack": stack, "path": [(plain(n), graph.frame.get(n, 0)) for n in path],
            "parts": sizes, "cycles": cycles,
            "unknown": sorted({f"{plain(c)} ({', '.join(p)})" for c, p in unknown.items() if c in reached})}


def ram():
    """[(what it is, bytes)]: arrays of that size in an object that is never run."""
    file = Path("tests/size/ram.txt")
    if not file.exists():
        return []
    lines = [line.split("|", 1) for line in file.read_text(encoding="utf-8").split("\n") if "|" in line and line[0] != "#"]
    source = '#include "mcptools.h"\n' + "".join(f"extern char r{i}[];\nchar r{i}[{expression}];\n"
                                                 for i, (expression, _) in enumerate(lines))
    (OUT / "ram.c").write_text(source, encoding="utf-8")
    run(GCC, "-mcpu=cortex-m4", *FLAGS, "-fno-common", "-c", OUT / "ram.c", "-o", OUT / "ram.o")
    sizes = {row.split()[3]: int(row.split()[1], 16) for row in run("arm-none-eabi-nm", "-S", OUT / "ram.o").splitlines()}
    return [(what.strip(), sizes[f"r{i}"]) for i, (_, what) in enumerate(lines)]


def tables(rows, objects):
    version = re.search(r"\) (\d[\d.]*)", run(GCC, "--version"))[1]
    text = [f"{GCC} {version}, `-Os`, unused sections left out; bytes. Flash is that of mcptools.h alone / with the C library and the caller;",
            "stack is the deepest path, without interrupts and your handlers.", "",
            "| feature set | " + " | ".join(f"flash {NAMES[c]}" for c in CORES) + " | " +
            " | ".join(f"stack {NAMES[c]}" for c in CORES) + " |", "|---|" + "---:|" * (2 * len(CORES))]
    for name, cores in rows:
        text.append(f"| {name} | " + " | ".join(f"{cores[c]['ours']:,} / {cores[c]['image']:,}" for c in CORES) + " | " +
                    " | ".join(f"{cores[c]['stack']:,}" for c in CORES) + " |")
    if objects:
        text += ["", "| RAM (32-bit) | bytes |", "|---|---:|"] + [f"| {what} | {size:,} |" for what, size in objects]
    return "\n".join(text) + "\n"


def drift(old, new):
    """What differs by more than one percent between two texts of the same shape."""
    strip = re.compile(r"\d[\d,]*")
    if strip.sub("#", old).strip() != strip.sub("#", new).strip():
        return ["the rows of the table in README.md are others; make size UPDATE=1"]
    found = []
    for was, now in zip(old.strip().split("\n"), new.strip().split("\n")):
        pairs = zip(strip.findall(was), strip.findall(now))
        if any(abs(int(a.replace(",", "")) - int(b.replace(",", ""))) * 100 > int(a.replace(",", "")) for a, b in pairs):
            found.append(f"README.md says {was}\n      but it is {now}")
    return found


def sections(source):
    """Flash of one program on Cortex-M4 by sections of the header: what is inlined counts where it is called."""
    flags = ["-mcpu=cortex-m4", *FLAGS, *heading(source, "cflags").split()]
    elf = OUT / "sections.elf"
    run(GCC, *flags, "-g", source, OUT / "mcptools.c", *LINK, "-o", elf)
    anchors = []
    for number, line in enumerate(Path("mcptools.h").read_text(encoding="utf-8").split("\n"), 1):
        found = re.match(r"/\* >>([\w-]+): implementation", line)
        anchors += [(number, found[1])] if found else []
    sizes = {}
    for line in run("arm-none-eabi-nm", "-S", "-l", elf).splitlines():
        found = re.match(r"\w+ (\w+) [tTrRdD] \S+\t.*mcptools\.h:(\d+)$", line)
        if found:
            name = [n for at, n in anchors if at <= int(found[2])][-1:] or ["tables"]
            sizes[name[0]] = sizes.get(name[0], 0) + int(found[1], 16)
    print(f"{heading(source, 'row')}: {sum(sizes.values())} without strings")
    for name, size in sorted(sizes.items(), key=lambda x: -x[1]):
        print(f"  {size:7}  {name}")


def switches(update):
    """What each switch saves, alone, of an object with everything; update: into the comments that say so."""
    header = Path("mcptools.h")
    text = header.read_text(encoding="utf-8")
    config = text.split("/* >>config", 1)[1].split("\n/* >>", 1)[0]
    changed = config
    base = None
    for switch in ["", *dict.fromkeys(re.findall(r"#ifndef (MCPT_(?:NO|ONLY)_\w+)", config))]:
        object_ = OUT / "switch.o"
        run(GCC, "-mcpu=cortex-m4", *FLAGS, *([f"-D{switch}=1"] if switch else []), "-c", OUT / "mcptools.c", "-o", object_)
        size = sum(map(int, run("arm-none-eabi-size", object_).splitlines()[1].split()[:2]))
        base = size if base is None else base
        print(f"{switch or 'everything':24} {size:7}  saves {base - size}", flush=True)
        if switch:
            saves = (base - size + 50) // 100 / 10
            changed = re.sub(rf"(#define {switch} .*Saves )[\d.]+( KB)", rf"\g<1>{saves if saves < 10 else round(saves):g}\g<2>", changed)
    if update:
        header.write_text(text.replace(config, changed, 1), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser()
    for option in ("--update", "--check", "--verbose", "--switches", "--sections"):
        parser.add_argument(option, action="store_true")
    args = parser.parse_args()
    os.chdir(Path(__file__).resolve().parents[2])
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "mcptools.c").write_text('#define MCPTOOLS_IMPLEMENTATION\n#include "mcptools.h"\n', encoding="utf-8")
    if args.switches:
        switches(args.update)
        return 0
    sources = sorted(p for p in Path("tests/size").glob("*.c"))
    if args.sections:
        for source in sources:
            sections(source)
        return 0
    rows = [(heading(s, "row") or s.stem, {core: measure(s, core) for core in CORES}) for s in sources]
    text = tables(rows, ram())
    print(text)
    problems = [] if rows else ["no program in tests/size"]
    for name, cores in rows:
        for core, result in cores.items():
            problems += [f"{name}, {core}: recursion {cycle}" for cycle in result["cycles"]]
            problems += [f"{name}, {core}: not annotated in {INDIRECT}: {call}" for call in result["unknown"]]
            if args.verbose:
                print(f"{name}, {core}: " + " > ".join(f"{n} {b}" for n, b in result["path"]))
                for part, size in sorted(result["parts"].items(), key=lambda x: -x[1]):
                    print(f"  {size:7}  {part}")
    if args.update:
        readme.replace("size", text)
    elif args.check:
        problems += drift(readme.between("size") or "", text)
    for line in problems:
        print(line)
    print(f"PASSED {max(len(rows), 1) if not problems else 0} FAILED {len(problems)}")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
