import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import type { AttachedKind } from '#drivers/ports/ports.ts';
import { createSystemPorts } from '#drivers/ports/system.ts';

/** Runs on the rig's computer: `node attached.ts KIND…` prints what is attached of each kind, as JSON. */
const ports = createSystemPorts({ clock: systemClock, log: silentLogger, buses: new Map() });
const found = await Promise.all(process.argv.slice(2).map((kind) => ports.list(kind as AttachedKind)));
process.stdout.write(`${JSON.stringify(found.flat())}\n`);
