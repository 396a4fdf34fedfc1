/** See scripts/virtual-hands. Returns when the weight lies still. */
import { useHands } from '../../drivers/virtual/hands.ts';

const [name, plate, mass, at = 'centre'] = process.argv.slice(2);
const massMg = Number(mass);
if (name === undefined || plate === undefined || !Number.isFinite(massMg) || massMg < 0) {
  console.error('usage: scripts/virtual-hands NAME PLATE MASS_MG [centre|CELL]');
  process.exit(2);
}
await useHands(name, { plate, massMg, at });
