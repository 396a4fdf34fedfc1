import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { readGallery } from '#vision/gallery/file.ts';
import { Lookup } from '#vision/gallery/lookup.ts';
import type { Backend } from '#vision/models/backend.ts';
import { type BackendName, backendNames, openBackend, usualBackend } from '#vision/models/backends.ts';
import { loadModel, type Model } from '#vision/models/load.ts';
import { integerFrom } from './values.ts';

/** Options of commands that look at pictures themselves. */
export interface EyesOptions {
  readonly model: string;
  readonly backend?: BackendName;
  readonly gallery?: string;
  readonly threads: number;
}

/** A model, opened, and a gallery of it. */
export interface Eyes {
  readonly model: Model;
  readonly backend: Backend;
  readonly lookup: Lookup;
  /** The gallery's file and version. */
  readonly gallery: { readonly path: string; readonly version: string };
}

const ownModels = resolve(import.meta.dirname, '../../config/models');

/** Adds the options of `EyesOptions` to a command. */
export function withEyes(command: Command): Command {
  return command
    .option('--model <path>', 'model: its folder, one of its files, or a name in config/models', 'groceries')
    .addOption(
      new Option('--backend <name>', 'inference engine (default: that of the file, else onnx-int8)').choices(
        backendNames,
      ),
    )
    .option('--gallery <file>', 'gallery (default: gallery.cwg beside the model)')
    .option('--threads <n>', 'threads of one inference', integerFrom('--threads', 1, 64), 1);
}

/** The path of a model that comes with the gateway, or of any other. */
export function modelPath(nameOrPath: string): string {
  return /^[a-z0-9-]+$/.test(nameOrPath) ? join(ownModels, nameOrPath) : resolve(nameOrPath);
}

/** Opens model and gallery. Rejects with a coded VisionError. */
export async function openEyes({ model: asked, backend, gallery, threads }: EyesOptions): Promise<Eyes> {
  const model = await loadModel(modelPath(asked));
  const path = gallery ?? join(model.folder, 'gallery.cwg');
  const file = await readGallery(path, model.manifest.space);
  return {
    model,
    lookup: new Lookup(file.gallery),
    gallery: { path, version: file.version },
    backend: await openBackend(backend ?? usualBackend(model), model, { threads }),
  };
}
