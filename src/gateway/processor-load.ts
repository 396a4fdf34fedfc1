import { availableParallelism, cpus } from 'node:os';
import { ppm } from '#base/units.ts';

/** How much of the machine's processors is in use; each question is answered for the time since it was asked last. */
export class ProcessorLoad {
  #times = timesOfAll();
  #own = process.cpuUsage();
  #ownUs = process.hrtime.bigint();

  /** Share of all processors that is in use, millionths; undefined where the system doesn't tell, or asked at once again. */
  busyPpm(): number | undefined {
    const before = this.#times;
    this.#times = timesOfAll();
    const all = this.#times.all - before.all;
    return all <= 0 ? undefined : Math.round(((this.#times.busy - before.busy) * ppm) / all);
  }

  /** Share of all processors that this process uses, millionths. */
  ownPpm(): number | undefined {
    const nowUs = process.hrtime.bigint();
    const spanUs = Number(nowUs - this.#ownUs) / 1000;
    const { user, system } = process.cpuUsage(this.#own);
    this.#own = process.cpuUsage();
    this.#ownUs = nowUs;
    return spanUs <= 0 ? undefined : Math.round(((user + system) * ppm) / spanUs / availableParallelism());
  }
}

/** Time of all processors since the machine started, ms. */
function timesOfAll(): { readonly busy: number; readonly all: number } {
  let busy = 0;
  let idle = 0;
  for (const { times } of cpus()) {
    busy += times.user + times.nice + times.sys + times.irq;
    idle += times.idle;
  }
  return { busy, all: busy + idle };
}
