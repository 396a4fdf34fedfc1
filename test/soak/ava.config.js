// AVA as scripts/lib/ava.config.js has it, with the inputs of properties counted.
import base from '../../scripts/lib/ava.config.js';

export default { ...base, require: ['./test/soak/count-inputs.ts'] };
