import { didYouMean } from '#base/suggest.ts';
import type { Board } from './board.ts';
import type { SourceDocument } from './document.ts';
import type { Finding } from './errors.ts';
import type { PowerConfig } from './power.ts';
import { Report } from './report.ts';
import type { Config } from './schema.ts';

/**
 * A board profile describes a model; what is one device's own (which bridge has which serial number) stands in its
 * configuration. Answers with the board whose devices have those options in place of the profile's, key by key; a device
 * that the board doesn't have is a finding. Pure.
 */
export function withOwnOptions(
  board: Board,
  own: Config['devices'],
  source: Pick<SourceDocument, 'file' | 'locate'>,
  findings: Finding[],
): Board {
  const ids = board.devices.map(({ id }) => id);
  const report = new Report(source);
  for (const id of Object.keys(own)) {
    if (ids.includes(id)) continue;
    const expected = `a device of the board ${board.name}: ${ids.join(', ')}${didYouMean(id, ids)}`;
    report.error('CW-CFG-013', ['devices', id], id, expected);
  }
  findings.push(...report.findings);
  const devices = board.devices.map((device) => ({
    ...device,
    options: { ...device.options, ...own[device.id] },
  }));
  return { ...board, devices };
}

/** The sensors that `power` names have to be devices of the board. Pure. */
export function checkPowerSensors(
  board: Pick<Board, 'name' | 'devices'>,
  power: Pick<PowerConfig, 'sensor' | 'ignition'>,
  source: Pick<SourceDocument, 'file' | 'locate'>,
): Finding[] {
  const ids = board.devices.map(({ id }) => id);
  const report = new Report(source);
  for (const key of ['sensor', 'ignition'] as const) {
    const id = power[key];
    if (id === undefined || ids.includes(id)) continue;
    const expected = `a device of the board ${board.name} that measures power: ${ids.join(', ')}${didYouMean(id, ids)}`;
    report.error('CW-CFG-013', ['power', key], id, expected);
  }
  return report.findings;
}
