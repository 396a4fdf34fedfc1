import type { Role } from '#identity/key-list.ts';

/** Who may sign a command, and what becomes of it beside its answer. */
interface CommandRule {
  /** Roles whose keys may sign it; none: it changes nothing, and anybody may ask. */
  readonly roles: readonly Role[];
  /** It takes `by`, which has to agree with the key. */
  readonly by?: true;
  /** It leaves a record in the audit log. */
  readonly audited?: true;
}

const open: CommandRule = { roles: [] };
/** What a shopper does at the display may come signed as well: from the store's app, or from whoever helps. */
const shopping: CommandRule = { roles: ['shopper', 'staff', 'till', 'store'] };
const shoppingBy: CommandRule = { ...shopping, by: true };
const helping: CommandRule = { roles: ['staff', 'till', 'store'] };
const helpingBy: CommandRule = { ...helping, by: true };
const deciding: CommandRule = { roles: ['staff', 'till'], by: true, audited: true };
const paying: CommandRule = { roles: ['till'] };
const servicing: CommandRule = { roles: ['technician', 'operator'], audited: true };
/** Reading what is nobody else's business; reading leaves no record. */
const inspecting: CommandRule = { roles: ['technician', 'operator'] };
/** Steps of a session that is itself on record. */
const calibrating: CommandRule = { roles: ['technician', 'operator'] };
const teaching: CommandRule = { roles: ['technician', 'operator', 'store'], audited: true };

/** Every command, and who may sign it. docs/design.md and docs/mqtt.md show this table. */
export const commandRules: Readonly<Record<string, CommandRule>> = {
  'gateway.info': open,
  'gateway.nonce': open,
  'live.start': open,
  'live.stop': open,
  'gallery.list': open,
  'gallery.capture': open,
  'session.begin': shopping,
  'session.end': shopping,
  'item.identify': shopping,
  'item.answer': shoppingBy,
  'item.place': shopping,
  'item.remove': shopping,
  'line.dispute': shoppingBy,
  'basket.checkout': shopping,
  'checkout.cancel': shoppingBy,
  'basket.suspend': shoppingBy,
  'basket.resume': shoppingBy,
  'basket.coupon': shopping,
  'basket.loyalty': shopping,
  'basket.help': shoppingBy,
  'basket.abandon': shoppingBy,
  'basket.transfer': helpingBy,
  'basket.receive': helping,
  'item.override': deciding,
  'line.void': deciding,
  'basket.approve': deciding,
  'checkout.price': paying,
  'checkout.settle': paying,
  tare: { roles: ['staff', 'technician'] },
  'maintenance.begin': { roles: ['staff', 'technician'] },
  'maintenance.end': { roles: ['staff', 'technician'] },
  'mass.forget': servicing,
  'log.level': servicing,
  'device.reboot': servicing,
  'device.poweroff': servicing,
  'audit.list': inspecting,
  'config.show': inspecting,
  'calibration.status': open,
  'calibration.plan': calibrating,
  'calibration.list': open,
  'calibration.show': open,
  'calibration.report': open,
  'calibration.begin': servicing,
  'calibration.renew': calibrating,
  'calibration.resume': calibrating,
  'calibration.zero': calibrating,
  'calibration.load': calibrating,
  'calibration.substitute': calibrating,
  'calibration.temperature': calibrating,
  'calibration.undo': calibrating,
  'calibration.fit': calibrating,
  'calibration.verify': calibrating,
  'calibration.test': calibrating,
  'calibration.diagnose': calibrating,
  'calibration.commit': servicing,
  'calibration.finish': servicing,
  'calibration.abort': servicing,
  'calibration.rollback': servicing,
  'update.status': open,
  'update.check': servicing,
  'update.begin': servicing,
  'update.rollback': servicing,
  'update.pause': servicing,
  'vision.record': { roles: ['technician'], audited: true },
  'vision.erase': servicing,
  'gallery.enroll': teaching,
  'gallery.remove': teaching,
};

/** The rule of a command, also of one that has none of its own. Nobody can do by accident what nobody has thought of. */
export function ruleOf(command: string): CommandRule {
  return Object.hasOwn(commandRules, command) ? (commandRules[command] ?? servicing) : servicing;
}
