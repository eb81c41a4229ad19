"""csv_loads.py BASE SUM - each list as CSV, read by the csv module with no options, says what JSON says.

Writes the sum of all readings to the file SUM. Exits 1, telling the first difference, where there is one."""
import csv
import datetime
import io
import json
import sys
import urllib.request

BASE, SUM = sys.argv[1:]
LISTS = ["stations", "measures", "latest", "readings", "gaps", "quarantine", "rivers", "catchments", "towns", "parameters"]
TIMES = {"time", "latest", "late_after", "stale_after", "expected_next", "from", "to", "asked", "received", "first_received"}


def fetch(path):
    with urllib.request.urlopen(BASE + path) as answer:
        return answer.read().decode(), answer.headers


def json_items(name):
    path, items = f"/v1/{name}", []
    while path is not None:
        page = json.loads(fetch(path)[0])
        items += page["items"]
        path = page["next"]
    return items


def cell_of(value):
    """What a cell says of a JSON value."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ";".join(value)
    return value


def is_same(name, cell, value):
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(cell) == value
    if name in TIMES and cell != "" and isinstance(value, str):
        datetime.datetime.strptime(cell, "%Y-%m-%dT%H:%M:%SZ")
    return cell == cell_of(value)


def check_list(name):
    text, headers = fetch(f"/v1/{name}.csv")
    rows, items = list(csv.DictReader(io.StringIO(text, newline=""))), json_items(name)
    if not len(rows) == len(items) == int(headers["Row-Count"]):
        sys.exit(f"{name}: {len(rows)} rows, {len(items)} items, Row-Count {headers['Row-Count']}")
    for row, item in zip(rows, items):
        if None in row or None in row.values():
            sys.exit(f"{name}: cells without a column, or columns without a cell: {row}")
        for column, cell in row.items():
            if not is_same(column, cell, item.get(column)):
                sys.exit(f"{name}: {column} is {cell!r} in CSV and {item.get(column)!r} in JSON")
    return rows


tables = {name: check_list(name) for name in LISTS}
if len(tables["readings"]) < 1000 or len(tables["stations"]) < 10:
    sys.exit("there was too little to load")
with open(SUM, "w") as out:
    out.write(f"{sum(float(row['value']) for row in tables['readings']):.3f}")
