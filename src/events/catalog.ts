import * as baskets from './data/baskets.ts';
import * as calibration from './data/calibration.ts';
import * as gateway from './data/gateway.ts';
import * as items from './data/items.ts';
import * as updates from './data/updates.ts';
import type { Infer } from './fields.ts';

/** How long an event is kept when the outbox is full: telemetry goes first, ledger never before the rest. */
export type EventClass = 'ledger' | 'evidence' | 'telemetry';

/** Every type of event this version knows, with the shape of its data and its class in the outbox. */
export const eventTypes = {
  'scan.read': { data: items.scanRead, class: 'evidence' },
  'movement.settled': { data: items.movementSettled, class: 'evidence' },
  'look.seen': { data: items.lookSeen, class: 'evidence' },
  'item.added': { data: items.itemAdded, class: 'ledger' },
  'item.removed': { data: items.itemRemoved, class: 'ledger' },
  'item.unresolved': { data: items.itemUnresolved, class: 'ledger' },
  'item.resolved': { data: items.itemResolved, class: 'ledger' },
  'item.corrected': { data: items.itemCorrected, class: 'ledger' },
  'shelf.taken': { data: items.shelfTaken, class: 'ledger' },
  'shelf.returned': { data: items.shelfReturned, class: 'ledger' },
  'shelf.misplaced': { data: items.shelfMisplaced, class: 'ledger' },
  'shelf.stock': { data: items.shelfStock, class: 'telemetry' },
  'basket.opened': { data: baskets.basketOpened, class: 'ledger' },
  'basket.line': { data: baskets.basketLine, class: 'ledger' },
  'basket.voided': { data: baskets.basketVoided, class: 'ledger' },
  'basket.overridden': { data: baskets.basketOverridden, class: 'ledger' },
  'basket.approved': { data: baskets.basketApproved, class: 'ledger' },
  'basket.coupon': { data: baskets.basketCouponScanned, class: 'ledger' },
  'basket.loyalty': { data: baskets.basketLoyalty, class: 'ledger' },
  'basket.suspended': { data: baskets.basketSuspended, class: 'ledger' },
  'basket.resumed': { data: baskets.basketResumed, class: 'ledger' },
  'basket.transferred': { data: baskets.basketTransferred, class: 'ledger' },
  'basket.checkout': { data: baskets.basketCheckout, class: 'ledger' },
  'basket.reopened': { data: baskets.basketReopened, class: 'ledger' },
  'basket.paid': { data: baskets.basketPaid, class: 'ledger' },
  'basket.closed': { data: baskets.basketClosed, class: 'ledger' },
  'basket.abandoned': { data: baskets.basketAbandoned, class: 'ledger' },
  'basket.alert': { data: baskets.basketAlert, class: 'ledger' },
  'gateway.born': { data: gateway.gatewayBorn, class: 'ledger' },
  'gateway.health': { data: gateway.gatewayHealth, class: 'telemetry' },
  'device.fault': { data: gateway.deviceFault, class: 'ledger' },
  'device.recovered': { data: gateway.deviceRecovered, class: 'ledger' },
  'outbox.dropped': { data: gateway.outboxDropped, class: 'ledger' },
  'command.done': { data: gateway.commandDone, class: 'ledger' },
  'command.refused': { data: gateway.commandRefused, class: 'evidence' },
  'audit.recorded': { data: gateway.auditRecorded, class: 'ledger' },
  'calibration.begun': { data: calibration.calibrationBegun, class: 'ledger' },
  'calibration.ended': { data: calibration.calibrationEnded, class: 'ledger' },
  'calibration.committed': { data: calibration.calibrationCommitted, class: 'ledger' },
  'update.staged': { data: updates.updateStaged, class: 'ledger' },
  'update.began': { data: updates.updateBegan, class: 'ledger' },
  'update.good': { data: updates.updateGood, class: 'ledger' },
  'update.rolled-back': { data: updates.updateRolledBack, class: 'ledger' },
  'update.refused': { data: updates.updateRefused, class: 'ledger' },
  'update.root': { data: updates.updateRoot, class: 'ledger' },
} as const;

export type EventType = keyof typeof eventTypes;
export type EventData<Type extends EventType> = Infer<(typeof eventTypes)[Type]['data']>;
