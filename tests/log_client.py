#!/usr/bin/env python3
"""log_client.py BROKERS TOPIC STATE RECORDS - keeps a copy of the last 24 h from a Kafka topic.

Goes on from the file STATE, and falls dead after RECORDS records (0: lives until it has read all), so
that a test can see that nothing is lost or doubled. Then it prints measure,time,value of what it holds.
"""
import json, os, subprocess, sys
from datetime import datetime, timedelta

brokers, topic, path, lifetime = *sys.argv[1:4], int(sys.argv[4])
state = {"offset": 0, "rows": {}, "newest": {}}
if os.path.exists(path):
    state = json.load(open(path))


def apply(readings):
    rows, newest = state["rows"], state["newest"]
    for r in readings:
        rows[r["measure"] + "," + r["time"]] = [r["station"], r["time"], r["value"]]
        newest[r["station"]] = max(newest.get(r["station"], ""), r["time"])
    day = timedelta(hours=24)
    first = {s: (datetime.fromisoformat(t[:-1]) - day).isoformat() + "Z" for s, t in newest.items()}
    state["rows"] = {key: row for key, row in rows.items() if row[1] > first[row[0]]}


kcat = subprocess.Popen(["kcat", "-C", "-q", "-e", "-J", "-b", brokers, "-t", topic, "-p", "0",
                         "-o", str(state["offset"])], stdout=subprocess.PIPE)
under_way = {}  # the generation of each ingester, until its end marker
for count, line in enumerate(kcat.stdout, 1):
    if count == lifetime:
        kcat.kill()
        os._exit(9)
    record = json.loads(line)
    headers = dict(zip(record["headers"][::2], record["headers"][1::2]))
    kind, data = headers["ce_type"], json.loads(record["payload"])["data"]
    if kind == "freshet.begin":
        under_way[headers["ingester"]] = []
    elif kind == "freshet.reading" and headers["ingester"] in under_way:
        under_way[headers["ingester"]].append(data)
    elif kind == "freshet.end" and headers["ingester"] in under_way:
        apply(under_way.pop(headers["ingester"]))
        state["offset"] = record["offset"] + 1
        json.dump(state, open(path + ".new", "w"))
        os.replace(path + ".new", path)
for key in sorted(state["rows"]):
    print(key + "," + repr(state["rows"][key][2]))
