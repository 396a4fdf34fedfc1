import { localGravityUmS2 } from '#calibration/gravity.ts';
import type { Catalogue, Planogram } from '#catalogue/products.ts';
import type { BasketConfig } from '#config/basket.ts';
import type { Board, Calibration } from '#config/board.ts';
import type { Environment } from '#config/environment.ts';
import { loadConfig } from '#config/load.ts';
import type { Config, FusionConfig, WeighingConfig } from '#config/schema.ts';
import type { Versions } from '#events/event.ts';
import { versionsOf } from '#pipeline/versions.ts';
import { GatewayError } from './errors.ts';
import { startingStock } from './stored-stock.ts';

/** Everything a gateway is started with, loaded and checked against each other. */
export interface GatewaySetup {
  readonly config: Config;
  readonly board: Board;
  readonly calibration: Calibration | undefined;
  /** To begin with: the store may give others, which the pipeline has. */
  readonly catalogue: Catalogue;
  readonly cataloguePath: string;
  readonly planogram: Planogram | undefined;
  readonly planogramPath: string | undefined;
  readonly weighing: WeighingConfig;
  /** Acceleration of gravity where the device is used, µm/s²; undefined where its configuration names no site. */
  readonly gravityUmS2: number | undefined;
  readonly fusion: FusionConfig;
  readonly tokenPattern: RegExp;
  readonly loyaltyPattern?: RegExp;
  readonly basket: BasketConfig;
  readonly versions: Versions;
  readonly dataFolder: string;
  readonly modelFolder: string;
  readonly galleryPath: string;
  readonly driverPaths: readonly string[];
  /** Folder of the store's own pictures of products. */
  readonly picturesFolder: string | undefined;
  readonly broker: Config['broker'];
  /** Public keys whose commands are taken. */
  readonly keysFile: string | undefined;
  /** The store's root key. */
  readonly rootKeyFile: string | undefined;
  /** What an operator should know, though it doesn't keep the gateway from starting. */
  readonly warnings: readonly string[];
}

/** Loads a configuration and the files it names. Rejects with the coded error of what is wrong. */
export async function loadSetup(path: string, environment: Environment): Promise<GatewaySetup> {
  const loaded = await loadConfig(path, environment);
  const { config, board, calibration, paths } = loaded;
  if (paths.catalogue === undefined) {
    throw new GatewayError(
      'CW-GWY-001',
      `${path} names no catalogue; add for example: catalogue: catalogues/demo.json`,
    );
  }
  const { catalogue, planogram, ...stock } = await startingStock(paths.data, {
    catalogue: paths.catalogue,
    planogram: paths.planogram,
  });
  return {
    config,
    board,
    calibration,
    catalogue,
    cataloguePath: stock.cataloguePath,
    planogram,
    planogramPath: stock.planogramPath,
    weighing: config.weighing,
    gravityUmS2: config.site === undefined ? undefined : localGravityUmS2(config.site),
    fusion: config.fusion,
    tokenPattern: new RegExp(config.session.tokenPattern, 'u'),
    ...(config.session.loyaltyPattern === undefined
      ? {}
      : { loyaltyPattern: new RegExp(config.session.loyaltyPattern, 'u') }),
    basket: config.basket,
    versions: versionsOf(catalogue, planogram, calibration),
    dataFolder: paths.data,
    modelFolder: paths.model,
    galleryPath: paths.gallery,
    driverPaths: paths.drivers,
    picturesFolder: paths.pictures,
    keysFile: paths.keysFile,
    rootKeyFile: paths.rootKeyFile,
    broker: {
      ...config.broker,
      ...(paths.passwordFile === undefined ? {} : { passwordFile: paths.passwordFile }),
      ...(paths.caFile === undefined ? {} : { caFile: paths.caFile }),
      ...(paths.certFile === undefined ? {} : { certFile: paths.certFile }),
      ...(paths.keyFile === undefined ? {} : { keyFile: paths.keyFile }),
    },
    warnings: [
      ...loaded.notes,
      ...loaded.warnings.map((finding) => `${finding.code} ${finding.message}`),
      ...stock.warnings,
    ],
  };
}

/** The same with the calibration that this device keeps, in place of the one that its configuration begins with. */
export function calibratedSetup(setup: GatewaySetup, calibration: Calibration | undefined): GatewaySetup {
  const { calibration: _, ...others } = setup.versions;
  const versions = calibration === undefined ? others : { ...others, calibration: calibration.revision };
  return { ...setup, calibration, versions };
}
