import { createHash } from 'node:crypto';
import { idExample } from './vectors.ts';

/** What docs/mqtt.md says besides its tables. */
export const usage = `# MQTT reference

<!-- Made from the event contract's tables by \`npm run docs\` (scripts/docs/mqtt.ts and mqtt-text.ts). Edit those. -->

For whoever connects a store, a till or a tool to Cartwright's carts and shelves; complete programs are in
[consumers.md](consumers.md). The same in machine-readable form:
[asyncapi.yaml](asyncapi.yaml) (topics), [events.cddl](events.cddl) (bytes, the authority) and [vectors/](vectors/)
(test vectors: hexadecimal, JSON and CloudEvents of every event, odd ones, and malformed ones with their error codes).

All topics begin with \`cw/1/{store}/{device}/\`; names are made of \`a-z\`, \`0-9\` and \`-\`. A dot in the name of an event
type or command is a slash in its topic: \`item.added\` travels on \`event/item/added\`. MQTT 5 and 3.1.1 both do.

## Payloads

CBOR maps with integer keys, deterministically encoded (RFC 8949, section 4.2), or, with \`encoding: json\` in the
device's configuration, their JSON view. The first byte tells them apart: JSON begins with \`{\` (0x7b), which no CBOR map
does. Devices read both; a request in JSON is answered in JSON, one in CBOR in the encoding of the device's configuration.
An empty payload is no message: it clears a retained one (\`basket\`). In CBOR and JSON alike:

- Numbers are integers within ±(2^53 − 1), never floats; the unit is in the name (\`massMg\`, \`atUs\`, \`priceMinor\`).
  A JavaScript CBOR library may write large numbers as floats, which are refused: give it BigInt.
- Newer versions add keys, event types and values of lists, and never change the meaning of what is there. Ignore, or
  carry along, what you don't know. In JSON an unknown key N is named \`"~N"\`, text keys that begin with \`~\` get
  a second one, and bytes are \`{"~b64": "…"}\`. UUIDs and hexadecimal fields are byte strings in CBOR, text in JSON.
- Events are refused unless encoded deterministically. What you send (requests, \`ack\`) may have its keys in any order.
- A payload has at most 262,144 bytes; a request at most 65,536.

## Receiving every event exactly once

Subscribe to \`cw/1/{store}/+/event/#\` with a persistent session and QoS 1, and store an event before you acknowledge it.
\`sequence\` grows by one per event within a \`ledger\`, across restarts of the device; \`id\` follows from store, device,
ledger and sequence. Drop what you have already (same \`id\`); a gap closes when the device sends again, or is explained
by an \`outbox.dropped\` event, whose range counts as received: all of it, or, where it has \`runs\`, every other run,
beginning with the first (\`first\` 10, \`runs\` [2, 1, 3]: 10, 11, 13, 14 and 15 are gone, 12 is or was sent). An \`ack\` tells the device what is safe: without one it
forgets an event when the broker has it. One consumer of a store sends \`ack\`: the one that keeps the ledger.
From its first \`ack\` with a sequence above 0 on, only \`ack\` lets the device forget. A store that retires that consumer publishes an
empty retained \`ack\` while the device is connected: the broker's word counts again.

A device whose outbox is full makes room by class (the tables below name each event's): it drops the oldest \`telemetry\`
first, then the oldest \`evidence\`. \`ledger\` events are never dropped for space: they have a share of the outbox for
themselves (\`outbox.ledgerShare\`), and when that is full, the session that is open goes on and no new one begins. Only what the
broker itself keeps refusing is given up, whatever its class. Every drop is reported as \`outbox.dropped\`.`;

/** The formula of an id with one event's own numbers, so that nobody has to guess at a byte. */
export function idSection(): string {
  const { store, device, ledger, sequence, id } = idExample;
  const digest = createHash('sha256').update(`${store}\0${device}\0${ledger}\0${sequence}`).digest('hex');
  return `## Ids

The \`id\` of an event is a UUIDv8 (RFC 9562) that anybody can compute from \`source\` (store/device), \`ledger\` and
\`sequence\`:

1. Join in UTF-8: the store, a zero byte, the device, a zero byte, the ledger in lower-case hexadecimal, a zero byte, the
   sequence in decimal.
2. Take the first 16 bytes of the SHA-256 of that.
3. Set the upper four bits of byte 6 to 1000 (version 8) and the upper two bits of byte 8 to 10 (variant).

For the first of the [vectors](vectors/events.json), event ${sequence} of ledger ${ledger} of \`${store}/${device}\`:

\`\`\`
$ printf '${store}\\000${device}\\000${ledger}\\000${sequence}' | sha256sum
${digest}
id ${id}
\`\`\``;
}

export const requests = `## Commands

Publish on \`request/…\` with QoS 1, not retained; the answer comes on \`response/…\` with the same \`transaction\`.
\`expires\` lies at most 24 h after \`issued\`. A transaction is carried out once: sent again, it is answered again, and with
other arguments refused. A refusal carries a code ([errors.md](errors.md)) and a sentence for people.

To try it, run \`scripts/cartwright demo\`. It prints the port of its broker (1883 where that is free): put it for \`-p\`. Its
store is \`demo-store\`, its cart \`cart-0001\`. Listen for answers and live values, then ask for live values:

\`\`\`sh
mosquitto_sub -p 1883 -v -t 'cw/1/demo-store/cart-0001/response/#' -t 'cw/1/demo-store/cart-0001/live/#'
\`\`\`

\`\`\`sh
mosquitto_pub -p 1883 -q 1 -t cw/1/demo-store/cart-0001/request/live/start \\
  -m '{"transaction":"t-'$(date +%s)'","issued":'$(date +%s)000',"expires":'$(($(date +%s) + 60))000',"args":{"what":"weight","seconds":5}}'
\`\`\``;

export const commandNotes = `\`live.start\` answers with a topic relative to the device: \`live/weight\` is \`cw/1/{store}/{device}/live/weight\`. The lease ends
by itself; renew it by sending \`live.start\` again with a new transaction.

\`item.identify\` is what a shopper picks on a display, and works in two ways:

- With \`event\`, it answers that open question (an \`item.unresolved\` about something that was put in or taken out). Where the
  mass allows the pick, \`item.resolved\` follows at once, with the question in \`settles\`. Where it contradicts the pick,
  the command is refused (CW-FUS-004), nothing is charged and the question stays open. Of several things put in
  together (kind \`mixed\`) one may be picked after the other: the question is settled when they explain the mass.
  A question that is not open, or about a scan for which nothing was put in, is refused (CW-FUS-003).
- Without \`event\`, it counts as a scan: it settles the latest open question that it fits (loose produce, which fits any mass,
  only where nothing is put in within some seconds), and otherwise waits for what is put in
  next (\`fusion.scanHoldMs\`) and is asked about if nothing is. So \`done\` says that the pick was taken, not that it
  was charged: that, the events tell.

\`count\` is how many were picked; left out, it is one, or as many as the mass says.

\`gallery.enroll\` keeps the mean of a product's pictures and up to four sides of it. A picture that shows something else than
the others is left out and told in \`rejected\`; where not even half of them can be used, the command is refused
(CW-VIS-017). \`confused\` and \`nearest.similar\` warn that the product will be taken for another one: take more pictures of
both, or let scale and scanner decide. Five pictures are a good number, from the sides from which the camera sees it. The same from the
command line: \`scripts/cartwright enroll --help\`.

**One gallery for all devices of a store** is published by \`scripts/cartwright gallery publish\`, or by anybody who may write there:
cut the file into parts of at most 131,072 bytes, publish each retained on \`_store/gallery/{name}\` (\`name\` is best the part's
SHA-256), then the manifest on \`_store/gallery\`, with the \`space\` of the model; then clear the parts that only the version before had.
A device takes what is of its own model; what was enrolled on it stays until the store's gallery has that product, or has it changed. Its health
then names the version under \`vision.storeGallery\`; where it can't be taken, \`vision.storeGalleryFault\` and a \`device.fault\` of
\`store-gallery\` say why, and the old one stays. An empty retained manifest ends the offer.

**One catalogue for all devices, a planogram for each**, travel the same way: the JSON document, cut into parts on \`_store/catalogue/{name}\` or
\`_store/planogram/{device}/{name}\`, then the manifest with the document's own \`version\`. A device checks all of it, takes it between two
decisions (not while a basket is being paid; in another currency, or with other tax rules, not during a trip), names it in \`versions\` of every event
and of its \`state\`, and begins with it after a restart. Lines keep the price and the version that they were made with. What can't be taken is a
\`device.fault\` of \`store-catalogue\` or \`store-planogram\`, and the old one stays; a planogram that names products which the catalogue lacks waits for one that
has them. \`scripts/cartwright store publish\` does all of it, deals (\`_store/offers\`) too: [store.md](store.md).

Whoever may write below \`_store\` decides what a store sells for and what its cameras know. Keep that, and \`request/…\`, to those who should,
with the broker's access rules and, beyond loopback, TLS; commands are signed besides.`;

export const phones = `## Phones

A shopper's phone joins by a QR code on the cart's display, which changes with every session. It is the address of the store's page for
phones ([a reference comes with the software](shopper-display.md#phones)), with this after the \`#\` (which browsers keep to themselves), parts separated by dots:
\`1.{store}.{device}.{secret}.{broker}\`: the secret is 16 random bytes (base64url), the broker its WebSocket address, URL-encoded.

- The channel is the first 32 hexadecimal digits of SHA-256 over the text \`cartwright phone channel\`, a zero byte and the secret.
  The phone connects with the channel as its client id, subscribes to \`phone/{channel}/#\` below the device, and publishes on
  \`phone/{channel}/say\`.
- \`mac\` is HMAC-SHA256 with the secret as key over \`number\`, \`what\`, \`symbology\` and \`code\` in this order, as UTF-8 text with a
  line feed (0x0a) after each; what is left out is empty. The secret itself never travels.
- \`number\` grows with every message on the channel, so that nothing said once works again.
- \`join\` brings the basket on \`phone/{channel}/basket\`, in JSON where the phone speaks JSON. \`scan\` counts as one of the cart's scanner:
  the source of its \`scan.read\` is \`phone\`. Session tokens are not taken from phones, nor is anything with control characters
  (but for GS, 0x1d, which separates the fields of GS1 codes) in \`symbology\` or \`code\`. \`leave\` ends nothing but the phone's own part.
- A cart takes 20 messages at once and 120 a minute in the long run, then answers \`too-often\`. What has a wrong MAC or an old number is not answered.
- When the session ends, or the shopper disconnects phones on the display, the secret is forgotten and the basket cleared.

Of a broker that phones reach, let them see their own channel alone. For Mosquitto, where guests have a listener of their own with
\`allow_anonymous true\`, and carts have user names:

\`\`\`
pattern read cw/1/STORE/+/phone/%c/#
pattern write cw/1/STORE/+/phone/%c/say
\`\`\``;
