"""Applies what the programs tell pages by docs/client.py, which is written from PROTOCOL.md alone.

Each line of the standard input is a list: the ops, and what pages show then; null begins anew.
"""

import importlib.util
import json
import sys

spec = importlib.util.spec_from_file_location("client", sys.argv[1])
client = importlib.util.module_from_spec(spec)
spec.loader.exec_module(client)

state, applied = None, 0
for line in sys.stdin:
    told = json.loads(line)
    if told is None:
        state = None
        continue
    ops, shown = told
    if state is None:
        state = shown
        continue
    for op in ops:
        client.apply(state, op)
    if state != shown:
        sys.exit(f"{ops}\nled to {json.dumps(state)}\ninstead of {json.dumps(shown)}")
    applied += 1
print(applied)
