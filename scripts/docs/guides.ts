import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** A complete program of docs/examples/ as a block of a document, so that what is printed is what the tests run. */
async function listing(name: string, language: string): Promise<string> {
  const text = await readFile(join(root, 'docs/examples', name), 'utf8');
  return `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;
}

/** docs/consumers.md: programs that keep a store's events. */
export async function consumersDocument(): Promise<string> {
  return `# Consumers

<!-- Made by \`npm run docs\` (scripts/docs/guides.ts) from docs/examples/. Edit those. -->

Two complete programs that receive the events of a store as [mqtt.md](mqtt.md) advises: with a persistent session, each stored
once in an SQLite file before the broker is told, in either encoding, and acknowledged to the device when nothing before it is
missing. Take one as the beginning of your own. To try one, run \`scripts/cartwright demo\` and put the port that it prints. Run one
at a time: only one consumer of a store sends \`ack\`, and of two with one client id each throws the other out.

What they leave to you: TLS and passwords of your broker, and reading \`data\` (for CBOR its integer keys are in
[events.cddl](events.cddl); a device with \`encoding: json\` writes names). Start the consumer before the devices: what the broker has
taken while nobody had subscribed is gone, unless an \`ack\` has told the device to keep it.

A program that also sends commands signs them wherever the broker is not on the device itself: [mqtt.md](mqtt.md#signed-commands) has the bytes with
an example, [keys.md](keys.md) how keys are given. Keep the number and hash of each \`audit.recorded\`: they prove a device's audit log.

A whole store, which keeps the ledger in the same way, has carts pay at a till and gives them catalogue, planograms and deals, is
\`scripts/cartwright store\`: [store.md](store.md). Where it runs beside a consumer of your own, start it with \`--no-ack\`.

## JavaScript

Node.js 24 or newer, with \`npm install mqtt cbor-x\`: [consumer.mjs](examples/consumer.mjs)

\`\`\`sh
node docs/examples/consumer.mjs mqtt://127.0.0.1:1883 demo-store events.db
\`\`\`

${await listing('consumer.mjs', 'js')}

## Python

Python 3.9 or newer, with \`pip install paho-mqtt cbor2\` (paho-mqtt 2): [consumer.py](examples/consumer.py)

\`\`\`sh
python3 docs/examples/consumer.py 127.0.0.1 1883 demo-store events.db
\`\`\`

${await listing('consumer.py', 'python')}
`;
}

/** docs/drivers.md: a maker's own driver. */
export async function driversDocument(): Promise<string> {
  return `# Your own driver

<!-- Made by \`npm run docs\` (scripts/docs/guides.ts) from docs/examples/. Edit those. -->

A device that no shipped driver knows gets one of your own: a JavaScript file beside your configuration, never loaded from the
network. It needs nothing of this repository and no library. The contract in full, with types, is
[drivers/driver.ts](../drivers/driver.ts); readings are in [src/readings/readings.ts](../src/readings/readings.ts).

## An example

A scanner on the network that sends one code a line: [acme-scanner.mjs](examples/acme-scanner.mjs)

${await listing('acme-scanner.mjs', 'js')}

\`cartwright.yaml\` names the file (a path is relative to it), the board names the driver:

\`\`\`yaml
drivers: [acme-scanner.mjs]
\`\`\`

\`\`\`yaml
devices:
  - { id: handle-scanner, driver: acme-tcp-scanner, options: { host: 192.0.2.7 } }
\`\`\`

\`scripts/cartwright check\` loads the file and checks the options; \`scripts/cartwright devices -c cartwright.yaml\` opens the device and
says what it is.

## Trying it

\`\`\`sh
scripts/cartwright driver verify acme-tcp-scanner --file docs/examples/acme-scanner.mjs
scripts/cartwright driver verify acme-tcp-scanner --file acme-scanner.mjs --attached --options '{"host": "192.0.2.7"}' --unplug
\`\`\`

The first holds the driver against the contract on its *bench*, a simulated device that the file exports beside the driver (\`bench\`, or
\`benches.<driver>\` where a file has several drivers): starting and stopping, what is left behind, unplugging, time stamps, bursts, a gateway that
was busy, bytes that no device sends, and every trouble that the bench lists. Each check is a sentence; a failed one says what was
found. The second tries it on the device itself and asks you to pull the plug.

A bench is \`(kit) => async (clock, seed) => ({ … })\`. \`kit.PeerPorts(clock, { bytes | reports | input | i2c | attributes | lines | video | program | pictures })\` stands in for the
hardware, \`kit.passTime(clock, us)\` lets virtual time pass. Its members, with types, are in
[drivers/virtual/bench.ts](../drivers/virtual/bench.ts); [the benches of the shipped drivers](../drivers/virtual/benches/) are examples for each kind of port.

When a device misbehaves in the field, record its very bytes there and run the driver on them here:

\`\`\`sh
scripts/cartwright record /tmp/trip --raw --seconds 60
scripts/cartwright driver replay /tmp/trip --device handle-scanner --file acme-scanner.mjs
\`\`\`

## What a file exports

\`default\` is one driver, or \`drivers\` a list of them. Each is an object, or a function that makes one and is called with
[zod](https://zod.dev) (\`(z) => ({ … })\`), because a file outside the repository can't import ours.

| member | what |
|---|---|
| \`contract\` | \`1\`. A driver for another version of the contract is refused by name. |
| \`name\` | What a board's \`driver\` says: \`a-z\`, \`0-9\` and \`-\`; not one that is taken. |
| \`kind\` | \`load-cell\`, \`scale\`, \`scanner\`, \`camera\`, \`motion\`, \`power\`, \`temperature\`, \`position\`, \`tag-reader\`, \`indicator\` or \`bus\`. |
| \`options\` | A zod schema, or any object with \`safeParse(options)\` that returns \`{ success: true, data }\` or \`{ success: false, error: { issues: [{ path: ['port'], message: '…' }] } }\`. Refuse keys that you don't know: a misspelt one should not pass in silence. |
| \`open(options, context)\` | Resolves with the device when it can be used, and rejects with an error that carries a code (below) when it can't. \`context\` has \`id\` (the device's on the board), \`clock\`, \`log\`, \`buses\` (open devices, by id) and \`ports\` (below). |
| \`discover(context)\` | Optional: the identities of what is attached. |

A device has:

| member | what |
|---|---|
| \`identity\` | \`vendor\`, \`model\`, \`serial\`, \`firmware\`, \`address\`: those that are known. The address is a stable one, never \`/dev/ttyUSB0\`. |
| \`start(sink)\` | Readings go to \`sink\` until \`stop\`. It never tares or zeroes. |
| \`stop()\` | Frees the port; may be called twice. |
| \`faults.subscribe(listener)\` | Tells of faults; returns what unsubscribes. |
| \`call(action, args)\` | Optional: what the device can do, as sounding a tone. |

\`context.ports\` is how a driver reaches hardware; one that opens files or sockets by itself works, but can't be recorded, replayed or
verified. Requests and ports, with types: [drivers/ports/ports.ts](../drivers/ports/ports.ts).

| port | opened by | what |
|---|---|---|
| \`bytes\` | \`{ via: 'serial', match, settings }\`, \`{ via: 'tcp', host, port }\`, \`{ via: 'bus', bus }\` | a stream: \`listen\`, \`write\`, \`close\` |
| \`reports\` | \`{ match, usagePage }\` | a HID device: \`listen\`, \`write\`, \`sendFeature\`, \`getFeature\`, \`close\` |
| \`i2c\` | \`{ via: 'bus', bus }\`, \`{ via: 'linux', adapter }\` | \`transfer(address, write, readBytes)\`, \`onLost\`, \`close\` |
| \`input\` | \`{ match }\` | key events of a keyboard or wedge, grabbed: \`listen\`, \`close\` |
| \`attributes\` | \`{ subsystem, name, parent? }\` | sysfs: \`read\`, \`write\`, \`list\`, \`close\` |
| \`lines\` | \`{ chip, lines }\` | GPIO outputs: \`set\`, \`close\` |
| \`video\` | \`{ match }\` | a camera (V4L2): \`offers\`, \`setFormat\`, \`setRate\`, \`control\`, \`setControl\`, \`listen\`, \`begin\`, \`close\`; frames are lent for the call |
| \`program\` | \`{ program, arguments, install }\` | another program's standard output: \`listen\`, \`messages\`, \`close\` |
| \`pictures\` | \`{ folder }\` or \`{ files }\` | pictures in files: \`names\`, \`read\`, \`close\` |

\`match\` binds by \`vendorId\`, \`productId\`, \`serial\` and \`topology\`, and for serial lines by a stable \`path\`; several matching devices are refused. Opening
rejects with a code that says what to do (not attached, held by another process, permission missing); a listener is \`{ data(data, atUs), lost(error) }\`.
What a program writes is its listener's to keep.

A camera's frame is lent for the call that delivers it. Most frames are left out again, so a driver that has to put one together (rows with padding,
pieces of a stream) delivers \`assembly: { bytes, copyTo(target) }\` too, and \`data\` as a getter: then only frames that are kept are copied, once. Cameras
run in the vision process, which gets of the environment only what finds programs and libraries: settings of a driver belong into its options.

- \`atUs\` of a reading is \`clock.nowUs()\` as near to the hardware as possible; \`source\` is \`context.id\` (of a cell: the cell's id).
- Bytes from outside are not to be trusted: bound what you gather, and drop what can't be a reading.
- A tag reader tells a tag when it comes, and again while it stays, every 20 s at the latest, but not at every sighting.
- A device that vanishes is a fault \`{ fault: 'disconnected', code: 'CW-DRV-005', message }\`. The gateway then calls \`stop\` and \`open\` anew,
  with growing delays; the driver itself never retries. Other faults (\`stuck\`, \`saturated\`, \`missing\`, \`timing\`, \`integrity\`,
  \`permission\`, \`busy\`, \`configuration\`) end with the same fault and \`cleared: true\`.
- An error is any \`Error\` with a \`code\` of [errors.md](errors.md) (\`CW-DRV-…\`); its message says what was found and what to do.
`;
}

/** Documents around the programs of docs/examples/. */
export const guideDocuments: readonly { readonly path: string; readonly render: () => Promise<string> }[] = [
  { path: 'docs/consumers.md', render: consumersDocument },
  { path: 'docs/drivers.md', render: driversDocument },
];
