import { setTimeout as sleep } from 'node:timers/promises';
import anyTest from 'ava';
import { EventPrinter } from '#cli/event-line.ts';
import { Collector } from '#test/support/collector.ts';
import { basketFaults, shopThroughKills, tripTruths } from '#test/support/crash.ts';
import { device, makeGatewayFolder, startGateway, store } from '#test/support/gateway.ts';
import { startMosquitto } from '#test/support/mosquitto.ts';
import { needs } from '#test/tools.ts';

const test = needs(anyTest, 'mosquitto');

const monotonicMs = () => Number(process.hrtime.bigint() / 1_000_000n);

test.serial(
  'a daemon killed twenty times during a trip loses nothing and repeats nothing by id',
  async (t) => {
    t.timeout(240_000);
    const broker = await startMosquitto();
    t.teardown(() => broker.remove());
    const seed = 20;
    t.log(`seed ${seed}`);
    const report = await shopThroughKills({
      brokerUrl: broker.url,
      kills: 20,
      seed,
      life: [100, 5_000],
      down: [50, 600],
    });
    t.log(
      `${report.events} events, ${report.repeats} repeats removed by id, ${report.score.questions} questions, ` +
        `${report.score.decided + report.score.decidedAfterAsking} of ${report.score.truths} decided`,
    );
    if (report.score.wrong > 0) {
      const printer = new EventPrinter({ colour: false });
      t.log(report.ledger.map((event) => `${event.boot} ${event.atUs} ${printer.line(event)}`).join('\n'));
    }
    t.deepEqual(report.gaps, [], 'no sequence is missing');
    t.deepEqual(report.basketFaults, [], 'every basket is what the events give');
    t.deepEqual(report.problems, []);
    t.deepEqual(report.score.wrongEvents, [], 'no decision is wrong');
    t.deepEqual(report.unexplained, [], 'whatever moved was decided or asked about');
  },
);

test.serial(
  'something put in while the daemon was down is asked about within 5 s of its return',
  async (t) => {
    t.timeout(90_000);
    const broker = await startMosquitto();
    t.teardown(() => broker.remove());
    const folder = await makeGatewayFolder({ brokerUrl: broker.url, scenario: 'put-in-while-away' });
    t.teardown(() => folder.remove());
    const collector = await Collector.connect(broker.url, store, device);
    t.teardown(() => collector.close());
    let daemon = await startGateway(folder);
    t.teardown(() => daemon.kill());
    const truths = await tripTruths(folder.path, 'config/scenarios/put-in-while-away.yaml');
    const [first, second] = truths;
    if (first === undefined || second === undefined) throw new Error('the scenario has changed');

    await collector.until(
      (event) => event.type === 'item.added' || event.type === 'item.unresolved',
      30_000,
      'the first item',
    );
    await sleep(Math.max(0, second.atUs / 1000 - 900 - monotonicMs()));
    await daemon.kill();
    await sleep(Math.max(0, second.atUs / 1000 + 1_500 - monotonicMs()));
    daemon = await startGateway(folder);
    const asked = await collector.until(
      (event) => event.type === 'item.unresolved' && event.data.kind === 'changed-while-away',
      10_000,
      'the question',
    );
    const afterMs = (asked.atUs - daemon.runningAtUs) / 1000;
    t.log(`asked ${afterMs.toFixed(0)} ms after the daemon said that it runs`);
    t.true(afterMs < 5_000, 'in the time of the event itself, not of this test');
    await daemon.stop();
    t.deepEqual(collector.gaps(), []);
    t.deepEqual(basketFaults(collector), []);
  },
);
