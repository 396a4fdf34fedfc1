import { copyFileSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import type { Board, Calibration } from '#config/board.ts';
import type { Config, SiteConfig } from '#config/schema.ts';
import { TraceError } from './errors.ts';
import type { TraceHeader } from './format.ts';
import { LineFile } from './line-file.ts';
import { TraceRecorder } from './recorder.ts';

/** What a trace needs beside it, so that its folder replays on any machine. */
export interface TraceAssets {
  readonly device: string;
  readonly store?: string;
  readonly board: Board;
  readonly calibration?: Calibration | undefined;
  /** Path of the catalogue that was in force; copied as it is. */
  readonly catalogue: string;
  readonly planogram?: string | undefined;
  readonly config?: Pick<Config, 'weighing' | 'fusion' | 'session'> & { readonly site?: SiteConfig };
  readonly extra?: Pick<TraceHeader, 'originUs' | 'sessionSalt' | 'state' | 'started'>;
}

export interface TraceWriter {
  readonly path: string;
  readonly recorder: TraceRecorder;
  /** Resolves when everything written so far has left the process; rejects with CW-TRC-008. */
  drain(): Promise<void>;
  /** Rejects with CW-TRC-008 where the end of it could not be written. */
  close(): Promise<void>;
}

/** `OUT` may be a folder (the trace is then `trace.ndjson` in it) or a file ending in `.ndjson`. */
export function tracePath(out: string): string {
  return out.endsWith('.ndjson') ? resolve(out) : join(resolve(out), 'trace.ndjson');
}

/**
 * Makes the folder, writes board, calibration, catalogue and planogram into it, and opens the trace. Rejects with
 * CW-TRC-005. What can't be written later (the disk is full, or doesn't keep up) is told to `onFailure` at once with
 * CW-TRC-008; nothing more is written then, and what the recorder is given is let go.
 */
export async function createTrace(
  out: string,
  assets: TraceAssets,
  onFailure: (error: TraceError) => void = () => {},
): Promise<TraceWriter> {
  const path = tracePath(out);
  const folder = dirname(path);
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'board.yaml'), stringify(assets.board));
    if (assets.calibration !== undefined) {
      await writeFile(join(folder, 'calibration.json'), `${JSON.stringify(assets.calibration)}\n`);
    }
    await copyFile(assets.catalogue, join(folder, 'catalogue.json'));
    if (assets.planogram !== undefined) await copyFile(assets.planogram, join(folder, 'planogram.json'));
    if (assets.config !== undefined) await writeFile(join(folder, 'config.yaml'), stringify(assets.config));
  } catch (cause) {
    throw new TraceError('CW-TRC-005', `${folder} can't be written: ${(cause as Error).message}`, { cause });
  }
  const header: TraceHeader = {
    trace: 1,
    device: assets.device,
    ...(assets.store === undefined ? {} : { store: assets.store }),
    board: 'board.yaml',
    ...(assets.calibration === undefined ? {} : { calibration: 'calibration.json' }),
    catalogue: 'catalogue.json',
    ...(assets.planogram === undefined ? {} : { planogram: 'planogram.json' }),
    ...(assets.config === undefined ? {} : { config: 'config.yaml' }),
    ...assets.extra,
  };
  const sink = new LineFile(path, onFailure);
  const recorder = new TraceRecorder(
    (line) => sink.write(line),
    header,
    (from, name) => {
      try {
        copyFileSync(from, join(folder, name));
      } catch (cause) {
        onFailure(
          new TraceError('CW-TRC-008', `${folder} can't be written: ${(cause as Error).message}`, { cause }),
        );
      }
    },
  );
  return {
    path,
    recorder,
    drain: () => sink.drain(),
    async close() {
      recorder.flush();
      await sink.close();
    },
  };
}
