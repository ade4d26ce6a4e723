#!/usr/bin/env python3
"""A client of an Undercurrent server, written from PROTOCOL.md and with Python's standard library.

It opens a page for its cookie, follows states over the event stream, applies the ops to plain JSON,
and when the stream ends goes on from where it was. It sends events, too.

    docs/client.py http://127.0.0.1:3000 --follow posts,uc_tasks --send posts/count '{}'

Each change of a state is one line of JSON on the standard output:

    {"state": "posts", "at": "5kq2m8x1-17", "how": "ops", "value": {...}}

--cut N ends the connection after every N changes, without a word, and resumes. Its tests do that.
"""

import argparse
import http.client
import json
import sys
import time
import urllib.parse
from http.cookies import SimpleCookie


class Gap(Exception):
    """A frame is missing, or does not fit."""


# ---- Positions -------------------------------------------------------------------------------


def parse_position(text):
    """'5kq2m8x1-17' is an epoch and an offset in it."""
    epoch, offset = text.split("-")
    return epoch, int(offset)


def write_position(position):
    return f"{position[0]}-{position[1]}"


# ---- Ops -------------------------------------------------------------------------------------


def step_into(value, step):
    if isinstance(step, int) and isinstance(value, list) and 0 <= step < len(value):
        return value[step]
    if isinstance(step, str) and isinstance(value, dict) and step in value:
        return value[step]
    raise Gap(f"the step {step!r} leads nowhere")


def apply(state, op):
    """Applies one op to a state, a JSON object, in place."""
    code, path, *args = op
    *ahead, last = [path] if isinstance(path, str) else path
    parent = state
    for step in ahead:
        parent = step_into(parent, step)
    if code == "=":
        if isinstance(last, int):
            step_into(parent, last)
        parent[last] = args[0]
    elif code == "-" and not args:
        step_into(parent, last)
        del parent[last]
    else:
        place = step_into(parent, last)
        if isinstance(place, list):
            apply_to_list(place, code, args)
        elif isinstance(place, str):
            parent[last] = apply_to_text(place, code, args)
        else:
            raise Gap(f"{code!r} is for lists and texts")


def pairs(numbers):
    return zip(numbers[0::2], numbers[1::2], strict=True)


def apply_to_list(items, code, args):
    if code == "+":
        items.extend(args)
    elif code == "i":
        index, *more = args
        items[index:index] = more
    elif code == "-":
        for index, count in pairs(args):
            if index + count > len(items):
                raise Gap("what is to be removed is not there")
            del items[index : index + count]
    elif code == "m":
        before, after = args
        items.insert(after, items.pop(before))
    elif code == "s":
        a, b = args
        items[a], items[b] = items[b], items[a]
    elif code == "o":
        start, *order = args
        items[start : start + len(order)] = [items[start + nth] for nth in order]
    else:
        raise Gap(f"{code!r} is no op")


def apply_to_text(text, code, args):
    """Places in a text count the bytes of its UTF-8."""
    utf8 = text.encode()
    if code == "+":
        return text + args[0]
    if code == "i":
        at, more = args
        return (utf8[:at] + more.encode() + utf8[at:]).decode()
    if code == "-":
        for at, count in pairs(args):
            utf8 = utf8[:at] + utf8[at + count :]
        return utf8.decode()
    raise Gap(f"{code!r} is not for texts")


# ---- A replica -------------------------------------------------------------------------------


class Replica:
    """One state as the server has shown it."""

    def __init__(self):
        self.value = None
        # None: the stream is to begin with a snapshot.
        self.at = None

    def receive(self, since, to, body):
        """Returns 'snapshot', 'ops' or 'known'; raises Gap when a frame is missing."""
        if since is None:
            if self.at and self.at[0] == to[0] and to[1] < self.at[1]:
                return "known"
            self.value, self.at = body, to
            return "snapshot"
        if self.at is None:
            # Of a snapshot that has not come yet.
            return "known"
        epoch, offset = self.at
        if since == offset and epoch in (to[0], "0"):
            try:
                for op in body:
                    apply(self.value, op)
            except (Gap, IndexError, ValueError) as error:
                self.at = None
                raise Gap(str(error)) from error
            self.at = to
            return "ops"
        if epoch == to[0] and to[1] <= offset:
            return "known"
        self.at = None
        raise Gap(f"from {offset} to {since} is a gap")


# ---- The server ------------------------------------------------------------------------------


class Client:
    def __init__(self, url, page, states, scope=None, cookie=None):
        self.host = urllib.parse.urlsplit(url).netloc
        self.scope = scope
        self.replicas = {state: Replica() for state in states}
        self.cookie = cookie or self.new_cookie(page)
        self.number = 0
        # What ids begin with; that of another scope than the session is told by `hello`.
        self.tag = "s"

    def headers(self):
        return {"Cookie": self.cookie, "Sec-Fetch-Site": "same-origin"}

    def new_cookie(self, page):
        connection = http.client.HTTPConnection(self.host, timeout=30)
        connection.request("GET", page, headers={"Accept": "text/html"})
        answer = connection.getresponse()
        answer.read()
        jar = SimpleCookie(answer.getheader("Set-Cookie", ""))
        connection.close()
        if not jar:
            raise SystemExit(f"{page} gave no cookie: {answer.status}")
        return "; ".join(f"{name}={one.value}" for name, one in jar.items())

    def send(self, name, arguments):
        """Sends one event; its end will be in the state uc_ends."""
        self.number += 1
        event = [self.number, name, arguments]
        request = {"client": "python", "events": [event]}
        if self.scope:
            request["scope"] = self.scope
        connection = http.client.HTTPConnection(self.host, timeout=30)
        headers = self.headers() | {"Content-Type": "application/json"}
        connection.request("POST", "/api/events", json.dumps(request), headers)
        answer = connection.getresponse()
        body = json.loads(answer.read())
        connection.close()
        return answer.status, body

    def path(self):
        """The stream's address, with where each replica is."""
        nth = "0" if self.scope else "s"
        follow = []
        for state, replica in self.replicas.items():
            at = f"@{write_position(replica.at)}" if replica.at else ""
            follow.append(f"{nth}.{state}{at}")
        query = {"follow": ",".join(follow)}
        if self.scope:
            query["scope"] = self.scope
        return "/api/stream?" + urllib.parse.urlencode(query, safe=",.@")

    def stream(self):
        """The events of one stream, as pairs of id and data, until it ends."""
        connection = http.client.HTTPConnection(self.host, timeout=60)
        connection.request("GET", self.path(), headers=self.headers())
        answer = connection.getresponse()
        try:
            event = {"id": "", "data": []}
            for line in answer:
                field, _, value = line.decode().rstrip("\n").partition(":")
                value = value.removeprefix(" ")
                if field == "id":
                    event["id"] = value
                elif field == "data":
                    event["data"].append(value)
                elif not field and not value and event["data"]:
                    yield event["id"], json.loads("\n".join(event["data"]))
                    event = {"id": "", "data": []}
        finally:
            connection.close()

    def changes(self, cut=0):
        """Follows for ever, and yields (state, how) for each change; from stream to stream."""
        while True:
            seen, wait = 0, 0.2
            try:
                for frame_id, data in self.stream():
                    if isinstance(data, dict):
                        for other in data.get("hello", {}).get("scopes", []):
                            self.tag = other["tag"]
                        bye = data.get("bye")
                        if bye and bye["reason"] in ("no_session", "unknown_state", "outdated"):
                            raise SystemExit(f"the server says {bye['reason']}")
                        if bye:
                            wait = bye["retry_ms"] / 1000
                            break
                        if "ahead" in data and data["ahead"]["tag"] == self.tag:
                            # It shows what has not been. The snapshot that comes is older.
                            self.replicas[data["ahead"]["state"]].at = None
                        if "refused" in data:
                            raise SystemExit(data["refused"]["message"])
                        continue
                    state, since, body = data
                    position = parse_position(frame_id.split("-", 1)[1])
                    how = self.replicas[state].receive(since, position, body)
                    yield state, how
                    seen += 1
                    if cut and seen >= cut:
                        wait = 0
                        break
            except Gap:
                wait = 0
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(wait)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("--page", default="/", help="the page that gives the cookie")
    parser.add_argument("--cookie", help="instead of a new one: 'name=value'")
    parser.add_argument("--follow", required=True, help="states, with commas between")
    parser.add_argument("--scope", help="another than the session, as in room:lobby")
    parser.add_argument("--send", nargs=2, action="append", default=[], metavar=("EVENT", "JSON"))
    parser.add_argument("--cut", type=int, default=0, help="cut the stream after so many changes")
    asked = parser.parse_args()
    states = asked.follow.split(",")
    client = Client(asked.url, asked.page, states, asked.scope, asked.cookie)
    for name, arguments in asked.send:
        status, answer = client.send(name, json.loads(arguments))
        print(json.dumps({"sent": name, "status": status, "answer": answer}), flush=True)
    for state, how in client.changes(asked.cut):
        replica = client.replicas[state]
        at = write_position(replica.at) if replica.at else None
        line = {"state": state, "at": at, "how": how, "value": replica.value}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(0)
