// Keeps every event of a store exactly once. node consumer.mjs mqtt://127.0.0.1:1883 demo-store events.db
import { DatabaseSync } from 'node:sqlite';
import { decode } from 'cbor-x';
import mqtt from 'mqtt';

const [url = 'mqtt://127.0.0.1:1883', store = 'demo-store', file = 'events.db'] = process.argv.slice(2);

const database = new DatabaseSync(file);
database.exec(`
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS event (id TEXT PRIMARY KEY, device TEXT, ledger TEXT, sequence INTEGER, type TEXT, payload BLOB);
  CREATE TABLE IF NOT EXISTS received (ledger TEXT, first INTEGER, last INTEGER);
  CREATE INDEX IF NOT EXISTS received_last ON received (ledger, last);
  CREATE TABLE IF NOT EXISTS safe (ledger TEXT PRIMARY KEY, through INTEGER)`);
const keep = database.prepare('INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?, ?, ?)');
const begin = database.prepare('INSERT OR IGNORE INTO safe VALUES (?, ?)');
const add = database.prepare('INSERT INTO received VALUES (?, ?, ?)');
const through = database.prepare('SELECT through FROM safe WHERE ledger = ?');
const next = database.prepare(
  'SELECT max(last) AS last FROM received WHERE ledger = ? AND last > ? AND first <= ? + 1',
);
const advance = database.prepare('UPDATE safe SET through = ? WHERE ledger = ?');
const forget = database.prepare('DELETE FROM received WHERE ledger = ? AND last <= ?');

const hex = (bytes) => Buffer.from(bytes).toString('hex');
const uuid = (bytes) => hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');

/** The fields needed here, from either encoding: JSON begins with {, a CBOR map never does. Throws if it is no event. */
function read(payload) {
  const event = payload[0] === 0x7b ? JSON.parse(payload.toString()) : fromCbor(decode(payload));
  const { id, ledger, sequence, type, data } = event;
  const isRange = type !== 'outbox.dropped' || data.first <= data.last;
  if (id?.length !== 36 || ledger?.length !== 16 || !Number.isSafeInteger(sequence) || !isRange)
    throw new Error('not an event');
  return event;
}

/** What the integer keys mean, the tables of mqtt.md and events.cddl say. */
const fromCbor = ({ 1: id, 2: ledger, 3: sequence, 4: type, 13: data }) => ({
  id: uuid(id),
  ledger: hex(ledger),
  sequence: Number(sequence), // cbor-x gives large integers as BigInt
  type,
  data: type === 'outbox.dropped' ? { first: Number(data[1]), last: Number(data[2]), runs: data[6] } : data,
});

/** Stores an event in one transaction; answers with the sequence up to which nothing is missing. */
function take(device, { id, ledger, sequence, type, data }, payload) {
  database.exec('BEGIN IMMEDIATE');
  const isNew = keep.run(id, device, ledger, sequence, type, payload).changes > 0;
  begin.run(ledger, sequence - 1);
  let safe = Number(through.get(ledger).through);
  if (isNew) {
    add.run(ledger, sequence, sequence);
    if (type === 'outbox.dropped') {
      let at = data.first; // given up: counts as received; every other run was kept and is no part of it
      for (const [i, length] of (data.runs ?? [data.last - data.first + 1]).map(Number).entries()) {
        if (i % 2 === 0) add.run(ledger, at, at + length - 1);
        at += length;
      }
    }
    for (let last = safe; last !== null; last = next.get(ledger, safe, safe).last) safe = Number(last);
    advance.run(safe, ledger);
    forget.run(ledger, safe);
  }
  database.exec('COMMIT');
  return { isNew, safe };
}

const client = mqtt.connect(url, { clientId: `consumer-${store}`, clean: false });
client.on('connect', () => client.subscribe(`cw/1/${store}/+/event/#`, { qos: 1 }));
client.on('error', (error) => console.error(error.message));
// The message is acknowledged to the broker when this has returned, so it is on disk by then; if it throws, the
// process ends and the broker sends the message again.
client.on('message', (topic, payload) => {
  let event;
  try {
    event = read(payload);
  } catch (error) {
    return console.error(`${topic}: ${error.message}`); // not an event: anybody may publish
  }
  const device = topic.split('/')[3];
  const { isNew, safe } = take(device, event, payload);
  if (isNew) console.log(device, event.sequence, event.type);
  const ack = JSON.stringify({ ledger: event.ledger, sequence: safe });
  client.publish(`cw/1/${store}/${device}/ack`, ack, { qos: 1, retain: true });
});
