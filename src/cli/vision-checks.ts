import { isCoded } from '#base/errors.ts';
import { loadCatalogue } from '#catalogue/load.ts';
import type { FurtherCheck } from '#config/check.ts';
import type { Finding } from '#config/errors.ts';
import type { Inspection } from '#config/load.ts';
import { findDriver } from '#drivers/registry.ts';
import { galleryInForce } from '#vision/gallery/in-force.ts';
import { loadModel, type Model, readModelFile } from '#vision/models/load.ts';

type Config = NonNullable<Inspection['config']>;
type Paths = NonNullable<Inspection['paths']>;

/**
 * What cameras of a board need to recognize things: the model's files, and a gallery of that model. Warnings only: without
 * them the gateway decides by mass and codes.
 */
export async function checkVision({ config, board, paths, source }: Inspection): Promise<FurtherCheck> {
  if (config === undefined || board === undefined || paths === undefined || !config.vision.enabled) {
    return { findings: [], explanation: [] };
  }
  const cameras: string[] = [];
  for (const { id, driver } of board.devices) {
    const found = await findDriver(driver, paths.drivers).catch(() => undefined);
    if (found?.kind === 'camera') cameras.push(id);
  }
  if (cameras.length === 0) return { findings: [], explanation: [] };
  const findings: Finding[] = [];
  const warn = (error: unknown, key: 'model' | 'gallery', found: string) => {
    if (!isCoded(error)) throw error;
    const { code, message } = error;
    const place = source?.locate(['vision', key]) ?? source?.locate(['vision']) ?? {};
    findings.push({
      severity: 'warning',
      code,
      file: source?.file ?? found,
      path: `vision.${key}`,
      found,
      expected: 'what cameras can recognize things with; until then mass and codes decide',
      message,
      ...place,
    });
  };
  const model = await openModel(config, paths).catch((error: unknown) => warn(error, 'model', paths.model));
  if (model === undefined) return { findings, explanation: [] };
  const explanation = [
    `What the cameras (${cameras.join(', ')}) see is recognized by the model ${model.manifest.name} ${model.manifest.version} (${config.vision.backend}).`,
  ];
  try {
    explanation.push(await describeGallery(model, paths));
  } catch (error) {
    warn(error, 'gallery', paths.gallery);
  }
  return { findings, explanation };
}

/** The model, whose file for the configured backend is there and is the one that its manifest means. */
async function openModel(config: Config, paths: Paths): Promise<Model> {
  const model = await loadModel(paths.model);
  const { files } = model.manifest;
  const { backend } = config.vision;
  const needed = backend === 'onnx-int8' ? [files.int8] : backend === 'onnx-fp32' ? [files.fp32] : files.tfjs;
  for (const file of needed) await readModelFile(model, file);
  return model;
}

async function describeGallery(model: Model, paths: Paths): Promise<string> {
  const found = await galleryInForce(paths.gallery, model);
  if (found === undefined) {
    return 'There is no gallery yet, so that nothing is recognized: cartwright enroll makes one.';
  }
  const enrolled = new Set(found.gallery.looks.map(({ look }) => look));
  const catalogue =
    paths.catalogue === undefined ? undefined : await loadCatalogue(paths.catalogue).catch(() => undefined);
  const looks = catalogue === undefined ? [] : [...catalogue.byLook.keys()];
  const known = looks.filter((look) => enrolled.has(look)).length;
  return `The gallery has ${enrolled.size} looks; ${known} of the catalogue's ${looks.length} are among them.`;
}
