import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

// The shared programs were bundled outside and only kept their names: they are loaded as the JavaScript that they are.
registerHooks({
  load(url, context, next) {
    if (!url.startsWith('file:///project/') || !url.endsWith('.ts')) return next(url, context);
    return { format: 'module', source: readFileSync(fileURLToPath(url), 'utf8'), shortCircuit: true };
  },
});
