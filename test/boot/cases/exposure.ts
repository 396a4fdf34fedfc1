import type { Bench } from '../bench.ts';
import { expect } from '../case.ts';

export const title = 'systemd finds the services of a cart exposed by 2.0 at most';

const most = 2.0;
const services = ['cartwright.service', 'cartwright-safe.service'];

/** See `Case`. */
export async function run(bench: Bench): Promise<readonly string[]> {
  const { box } = await bench.living();
  const figures: string[] = [];
  for (const service of services) {
    const report = await box.sh(`systemd-analyze security --no-pager ${service}`);
    const figure = /Overall exposure level for \S+: ([\d.]+)/.exec(report)?.[1];
    expect(figure !== undefined, `systemd-analyze says nothing of ${service}:\n${report.slice(-500)}`);
    expect(Number(figure) <= most, `${service} is exposed by ${figure}:\n${report}`);
    figures.push(`${service} ${figure}`);
  }
  return figures;
}
