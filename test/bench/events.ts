import { findTool } from '#test/tools.ts';
import type { SteadyFigures } from './single-events.ts';
import type { BenchContext, Part } from './support/part.ts';
import { runNode } from './support/processes.ts';
import type { Row } from './support/report.ts';
import type { DiskFigures, UplinkBench } from './uplink.ts';

const name = 'events';

/** What an event costs from the gateway's hands to the broker's acknowledgement. */
export const eventsPart: Part = {
  name,
  about: 'events through the outbox to PUBACK against bare MQTT.js, µs CPU and bytes on disk per event',
  async run(context: BenchContext) {
    if (findTool('mosquitto') === undefined) return [{ part: name, why: 'mosquitto is not installed' }];
    context.say('outbox and bare MQTT.js in turn on one Mosquitto');
    const { value: uplink } = await runNode<UplinkBench>(['test/bench/uplink.ts', context.folder]);
    context.say('one event at a time');
    const { value: single } = await runNode<SteadyFigures>([
      'test/bench/single-events.ts',
      context.folder,
      context.quick ? '50' : '300',
    ]);
    const row = (what: string, value: number, unit: string, more: Partial<Row> = {}): Row => ({
      part: name,
      what,
      value,
      unit,
      ...more,
    });
    return [
      row('bare MQTT.js, QoS 1, window 64', uplink.bareEventsPerSecond, 'messages/s'),
      row('through disk and broker to PUBACK, window 64', uplink.outboxEventsPerSecond, 'events/s', {
        note: `events of ${uplink.eventBytes} bytes, stored in batches of 16`,
      }),
      row('ratio of the two', uplink.ratio, '', { goal: { atLeast: 0.5 } }),
      row('CPU, saturated', uplink.cpuUsPerEvent, 'µs/event'),
      row('CPU, one event at a time', single.cpuUsPerEvent, 'µs/event', {
        note: `${single.events} events, ${single.perSecond} a second, the process's idle time taken off`,
      }),
      row('to disk (fsync) and back, one at a time, median', single.storeMs.p50, 'ms', {
        note: `99 % within ${single.storeMs.p99} ms; the group time of the outbox is ${single.groupMs} ms`,
      }),
      ...disk('written, one event at a time', single.disk),
      ...disk('written, groups of four', uplink.steady),
      ...disk('written, saturated', uplink.saturated),
    ];

    function disk(what: string, figures: DiskFigures): Row[] {
      const { deviceBytesPerEvent: device, processBytesPerEvent: process } = figures;
      if (device !== undefined) {
        const also = process === undefined ? '' : `; /proc/self/io says ${process}`;
        return [
          row(what, device, 'bytes/event', {
            note: `from the block device's stat, all writers of it${also}`,
          }),
        ];
      }
      if (process === undefined) return [];
      return [
        row(what, process, 'bytes/event', { note: 'from /proc/self/io: less than what the device writes' }),
      ];
    }
  },
};
