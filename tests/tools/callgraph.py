#!/usr/bin/env python3
"""Recursion and worst stack from gcc's -fcallgraph-info=su files.

  callgraph.py cycles FILE.ci...                      prints every recursion; exit 1 when there is one
  callgraph.py dynamic FILE.ci...                     prints functions whose frame is not of fixed size (VLA, alloca)
  callgraph.py stack [--indirect FILE] [--root NAME] FILE.ci...   prints the deepest path from NAME (default main)

What a call through a pointer can reach stands in the annotation file, a line "caller: target target...". A caller or
target may be a pattern with *; the target "-" stands for code of the user, which counts nothing. Functions outside of
the files (the C library) count nothing either.
"""
import argparse
import fnmatch
import re
import sys

NODE = re.compile(r'^node: \{ title: "([^"]+)" label: "([^"]*)"')
EDGE = re.compile(r'^edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"(?: label: "([^"]*)")?')
FRAME = re.compile(r'(\d+) bytes \(([a-z,]+)\)')
INDIRECT = "__indirect_call"


def plain(title):
    """The name in the source: without the file of a static function and without the suffix of a clone."""
    return re.sub(r'\.(part|isra|constprop|cold|lto_priv)\b.*', '', title.rsplit(":", 1)[-1])


class Graph:
    def __init__(self, files):
        self.frame, self.dynamic, self.calls, self.indirect = {}, set(), {}, {}
        for file in files:
            with open(file, encoding="utf-8") as lines:
                for line in lines:
                    self.read(line)

    def read(self, line):
        node, edge = NODE.match(line), EDGE.match(line)
        if node:
            frame = FRAME.search(node[2])
            if frame:
                self.frame[node[1]] = int(frame[1])
                if frame[2] == "dynamic":               # "dynamic,bounded": arguments pushed for a call
                    self.dynamic.add(node[1])
        elif edge and edge[2] == INDIRECT:
            self.indirect.setdefault(edge[1], []).append(edge[3] or "?")
        elif edge:
            self.calls.setdefault(edge[1], set()).add(edge[2])

    def annotate(self, lines, linked=None):
        """Turns indirect calls into direct ones, to functions that are linked. Returns the callers for which nothing is said."""
        rules = []
        for line in lines:
            line = line.split("#")[0].strip()
            if line:
                caller, targets = line.split(":", 1)
                rules.append((caller.strip(), targets.split()))
        names = [n for n in self.frame if linked is None or plain(n) in linked]
        unknown = {}
        for caller, places in self.indirect.items():
            said = [t for pattern, targets in rules if fnmatch.fnmatchcase(plain(caller), pattern) for t in targets]
            if not said:
                unknown[caller] = places
            for target in said:
                found = [n for n in names if fnmatch.fnmatchcase(plain(n), target)]
                self.calls.setdefault(caller, set()).update(found)
        return unknown

    def cycles(self):
        """Strongly connected components with an edge inside (Tarjan, without recursion)."""
        index, low, stack, on, found = {}, {}, [], set(), []
        for root in list(self.calls):
            if root in index:
                continue
            work = [(root, iter(sorted(self.calls.get(root, ()))))]
            index[root] = low[root] = len(index)
            stack.append(root)
            on.add(root)
            while work:
                node, targets = work[-1]
                for target in targets:
                    if target not in index:
                        index[target] = low[target] = len(index)
                        stack.append(target)
                        on.add(target)
                        work.append((target, iter(sorted(self.calls.get(target, ())))))
                        break
                    if target in on:
                        low[node] = min(low[node], index[target])
                else:
                    work.pop()
                    if work:
                        low[work[-1][0]] = min(low[work[-1][0]], low[node])
                    if low[node] == index[node]:
                        part = []
                        while not part or part[-1] != node:
                            part.append(stack.pop())
                            on.discard(part[-1])
                        if len(part) > 1 or node in self.calls.get(node, ()):
                            found.append(part[::-1])
        return found

    def reached(self, root):
        """Everything that calls from root lead to, root included."""
        seen, work = set(), [t for t in list(self.frame) + list(self.calls) if plain(t) == root]
        while work:
            node = work.pop()
            if node not in seen:
                seen.add(node)
                work.extend(self.calls.get(node, ()))
        return seen

    def deepest(self, root):
        """(bytes, path) of the deepest chain of calls; the graph must be free of cycles."""
        depth = {}
        order = [(t, False) for t in list(self.frame) + list(self.calls) if plain(t) == root]
        tops = [t for t, _ in order]
        while order:
            node, done = order.pop()
            if node in depth:
                continue
            if not done:
                order.append((node, True))
                order.extend((t, False) for t in self.calls.get(node, ()) if t not in depth)
                continue
            best = max((depth[t] for t in self.calls.get(node, ())), default=(0, []))
            depth[node] = (best[0] + self.frame.get(node, 0), [node] + best[1])
        return max((depth[t] for t in tops), default=(0, []))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["cycles", "dynamic", "stack"])
    parser.add_argument("--indirect")
    parser.add_argument("--root", default="main")
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    graph = Graph(args.files)
    if args.what == "dynamic":
        for name in sorted(graph.dynamic):
            print(f"{plain(name)}: the size of its frame is not fixed")
        return bool(graph.dynamic)
    unknown = {}
    if args.indirect:
        with open(args.indirect, encoding="utf-8") as lines:
            unknown = graph.annotate(lines)
    cycles = graph.cycles()
    for cycle in cycles:
        print("recursion: " + " -> ".join(plain(n) for n in cycle + cycle[:1]))
    if args.what == "cycles" or cycles:
        return bool(cycles)
    depth, path = graph.deepest(args.root)
    print(f"{depth} bytes from {args.root}")
    for name in path:
        print(f"  {graph.frame.get(name, 0):6d}  {plain(name)}")
    reached = graph.reached(args.root)
    for caller, places in sorted((c, p) for c, p in unknown.items() if c in reached):
        print(f"not annotated: {plain(caller)} ({', '.join(places)})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
