import type { Clock } from '#base/clock.ts';
import type { BasketSnapshot } from '#basket/basket.ts';
import type { Board } from '#config/board.ts';
import { cellPlaces } from '#config/board-cells.ts';
import { basketSnapshot } from '#events/data/baskets.ts';
import { gatewayHealth } from '#events/data/gateway.ts';
import type { Infer, RecordShape } from '#events/fields.ts';
import { liveCounts, liveWeight } from '#events/mqtt-payloads.ts';
import type { Pipeline } from '#pipeline/pipeline.ts';
import { encodePayload } from '#uplink/payloads.ts';
import type { Uplink } from '#uplink/uplink.ts';
import type { CellStatus } from '#weighing/weigher.ts';
import type { Health } from './health.ts';
import type { LiveTopic } from './live.ts';

/** Puts records that are no events on their topics, in the encoding that is configured. */
export class Publisher {
  readonly #uplink: Pick<Uplink, 'publish'>;
  readonly #encoding: 'cbor' | 'json';

  constructor(uplink: Pick<Uplink, 'publish'>, encoding: 'cbor' | 'json') {
    this.#uplink = uplink;
    this.#encoding = encoding;
  }

  /** The retained snapshot; cleared (an empty retained message) when the session has ended. */
  basket(basket: BasketSnapshot | undefined): void {
    const payload = basket === undefined ? new Uint8Array(0) : this.#encode(basketSnapshot, basket);
    this.#uplink.publish('basket', payload, { qos: 1, retain: true });
  }

  /** An answer, or whatever else has its bytes already. */
  readonly answer = (topic: string, payload: Uint8Array, options: { qos: 0 | 1; retain?: boolean }): void => {
    this.#uplink.publish(topic, payload, options);
  };

  health(health: Health): void {
    this.#uplink.publish('health', this.#encode(gatewayHealth, health), { qos: 1, retain: true });
  }

  /** Live values of every plate that is weighed, QoS 0: the next ones follow in a tenth of a second. */
  live(topic: LiveTopic, pipeline: Pipeline, board: Board, clock: Clock): void {
    const atUs = clock.nowUs();
    if (topic === 'weight') {
      const weighed = board.plates.filter(({ kind }) => kind !== 'unweighed');
      const plates = weighed.map((plate) => {
        const { grossMg, tareMg, stable, moving } = pipeline.weigher.status(plate.id);
        return { plate: plate.id, tareMg, stable, moving, ...(grossMg === undefined ? {} : { grossMg }) };
      });
      this.#uplink.publish('live/weight', this.#encode(liveWeight, { atUs, plates }), { qos: 0 });
    } else if (topic === 'counts') {
      const counts = { atUs, ...liveCells(pipeline.weigher.cellStatus(), board) };
      this.#uplink.publish('live/counts', this.#encode(liveCounts, counts), { qos: 0 });
    }
  }

  #encode<Shape extends RecordShape>(shape: Shape, value: Infer<Shape>): Uint8Array {
    return encodePayload(shape, value, this.#encoding);
  }
}

/** The cells of a board as `live/counts` has them: those that have delivered, and the others. */
export function liveCells(
  status: readonly CellStatus[],
  board: Board,
): Pick<Infer<typeof liveCounts>, 'cells' | 'silent'> {
  const places = cellPlaces(board);
  const facts = ({ cell, fault }: CellStatus) => ({
    cell,
    ...places.get(cell),
    ...(fault === undefined ? {} : { fault }),
  });
  const cells = status.flatMap((one) => {
    const { counts, massMg, ratePerS } = one;
    if (counts === undefined) return [];
    const mass = massMg === undefined ? {} : { massMg: Math.round(massMg) };
    return [{ ...facts(one), counts, ratePerMinute: Math.round(ratePerS * 60), ...mass }];
  });
  const silent = status.filter(({ counts }) => counts === undefined).map(facts);
  return { cells, ...(silent.length === 0 ? {} : { silent }) };
}
