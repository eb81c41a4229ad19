#!/usr/bin/env python3
"""Keeps a copy of the readings by following their changes; may be killed at any moment.

follow.py sse|poll HOST:PORT STATE    goes on from STATE, for ever
follow.py digest HOST:PORT STATE      "same" or "other": SHA-256 of its rows, and of the service's
"""
import hashlib, http.client, json, sqlite3, sys
from datetime import datetime, timedelta

mode, address, state = sys.argv[1:4]
db = sqlite3.connect(state, timeout=60)
db.execute("create table if not exists row (measure, time, station, text, primary key (measure, time))")
db.execute("create table if not exists cursor (only integer primary key, text)")
known = db.execute("select text from cursor").fetchone()
cursor = known and known[0]
http_client = http.client.HTTPConnection(address, timeout=60)

def get(target):
    http_client.request("GET", target)
    return http_client.getresponse()

def keep(items):
    db.executemany("insert or replace into row values (?, ?, ?, ?)",
                   [(i["measure"], i["time"], i["station"], json.dumps(i)) for i in items])

def arrive(at):  # rows and cursor together, or neither
    db.execute("insert or replace into cursor values (1, ?)", (at,))
    db.commit()
    print("at", at, flush=True)

if mode == "poll":
    while True:
        answer = json.load(get(f"/v1/changes?wait=PT10S&limit=300&since={cursor or 'P1D'}"))
        keep(answer["items"] + answer["corrections"])
        cursor = answer["next"]
        arrive(cursor)
elif mode == "sse":
    begin = cursor or json.load(get("/v1/changes?limit=1"))["generation"].split("-")[0] + "-0"
    event = {}
    for line in get(f"/v1/stream?since={begin}"):
        name, _, value = line.decode().rstrip("\n").partition(": ")
        event[name] = value
        if name == "data" and event.get("event") in ("readings", "corrections"):
            keep(json.loads(value)["items"])
        elif name == "" and "id" in event:
            arrive(event["id"])
        event = {} if name == "" else event
else:
    newest = {}
    rows = db.execute("select station, time, text from row").fetchall()
    for station, time, _ in rows:
        newest[station] = max(newest.get(station, ""), time)
    first = {s: (datetime.fromisoformat(t[:-1]) - timedelta(days=1)).isoformat() + "Z" for s, t in newest.items()}
    ours = sorted(text for station, time, text in rows if time > first[station])
    theirs = sorted(json.dumps(json.loads(line)) for line in get("/v1/readings.ndjson"))
    digests = [hashlib.sha256("\n".join(r).encode()).hexdigest() for r in (ours, theirs)]
    print("same" if digests[0] == digests[1] and ours else "other", len(ours), len(theirs), *digests)
