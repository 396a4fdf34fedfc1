"""Keeps every event of a store exactly once. python3 consumer.py 127.0.0.1 1883 demo-store events.db"""
import json
import sqlite3
import sys
import uuid

import cbor2
import paho.mqtt.client as mqtt

host, port, store, file = sys.argv[1:5]

database = sqlite3.connect(file, isolation_level=None)
database.executescript("""
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS event (id TEXT PRIMARY KEY, device TEXT, ledger TEXT, sequence INTEGER, type TEXT, payload BLOB);
  CREATE TABLE IF NOT EXISTS received (ledger TEXT, first INTEGER, last INTEGER);
  CREATE INDEX IF NOT EXISTS received_last ON received (ledger, last);
  CREATE TABLE IF NOT EXISTS safe (ledger TEXT PRIMARY KEY, through INTEGER)""")
next_range = "SELECT max(last) FROM received WHERE ledger = ? AND last > ? AND first <= ? + 1"


def read(payload):
    """The fields needed here, from either encoding: JSON begins with {, a CBOR map never does. Raises if it is no event."""
    event = json.loads(payload) if payload[:1] == b"{" else from_cbor(cbor2.loads(payload))
    if len(event["id"]) != 36 or len(event["ledger"]) != 16 or type(event["sequence"]) is not int:
        raise ValueError("not an event")
    if event["type"] == "outbox.dropped" and not event["data"]["first"] <= event["data"]["last"]:
        raise ValueError("not a range")
    return event


def from_cbor(event):
    """What the integer keys mean, the tables of mqtt.md and events.cddl say."""
    data = event[13]
    return {
        "id": str(uuid.UUID(bytes=event[1])),
        "ledger": event[2].hex(),
        "sequence": event[3],
        "type": event[4],
        "data": {"first": data[1], "last": data[2], "runs": data.get(6)} if event[4] == "outbox.dropped" else data,
    }


def take(device, event, payload):
    """Stores an event in one transaction; answers with the sequence up to which nothing is missing."""
    ledger, sequence = event["ledger"], event["sequence"]
    row = (event["id"], device, ledger, sequence, event["type"], payload)
    database.execute("BEGIN IMMEDIATE")
    is_new = database.execute("INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?, ?, ?)", row).rowcount > 0
    database.execute("INSERT OR IGNORE INTO safe VALUES (?, ?)", (ledger, sequence - 1))
    (safe,) = database.execute("SELECT through FROM safe WHERE ledger = ?", (ledger,)).fetchone()
    if is_new:
        ranges = [(ledger, sequence, sequence)]
        if event["type"] == "outbox.dropped":  # given up: counts as received; every other run was kept and is no part of it
            data = event["data"]
            at = data["first"]
            for i, length in enumerate(data.get("runs") or [data["last"] - data["first"] + 1]):
                if i % 2 == 0:
                    ranges.append((ledger, at, at + length - 1))
                at += length
        database.executemany("INSERT INTO received VALUES (?, ?, ?)", ranges)
        last = safe
        while last is not None:
            safe = last
            (last,) = database.execute(next_range, (ledger, safe, safe)).fetchone()
        database.execute("UPDATE safe SET through = ? WHERE ledger = ?", (safe, ledger))
        database.execute("DELETE FROM received WHERE ledger = ? AND last <= ?", (ledger, safe))
    database.execute("COMMIT")
    return is_new, safe


def on_connect(client, _userdata, _flags, _reason, _properties):
    client.subscribe(f"cw/1/{store}/+/event/#", qos=1)


def on_message(client, _userdata, message):
    """The message is acknowledged to the broker when this has returned, so it is on disk by then."""
    try:
        event = read(message.payload)
    except Exception as error:  # not an event: anybody may publish
        print(f"{message.topic}: {error}", file=sys.stderr)
        return
    device = message.topic.split("/")[3]
    is_new, safe = take(device, event, message.payload)
    if is_new:
        print(device, event["sequence"], event["type"], flush=True)
    ack = json.dumps({"ledger": event["ledger"], "sequence": safe})
    client.publish(f"cw/1/{store}/{device}/ack", ack, qos=1, retain=True)


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=f"consumer-{store}", clean_session=False)
client.on_connect, client.on_message = on_connect, on_message
client.connect(host, int(port))
client.loop_forever()
