/** What docs/mqtt.md says about sessions and payment besides its tables. */
export const payment = `## Sessions and payment

A cart has one basket at most. The retained \`basket\` shows it in full after every change, with its \`state\`; the events below are the ledger
that it follows from, in the order of their \`sequence\`.

| state | begins with | ends with |
|---|---|---|
| none (no snapshot) | \`basket.closed\` (but for \`paid\`), \`basket.abandoned\`, \`basket.transferred\`; after payment \`session.end\` or \`basket.leaveMinutes\` | \`basket.opened\` |
| \`open\` | \`basket.opened\`, \`basket.resumed\`, \`basket.reopened\` | any other state |
| \`checkout\` | \`basket.checkout\` | \`basket.paid\`; \`basket.reopened\` (\`declined\`, \`cancelled\`, \`movement\`, \`time\`) |
| \`suspended\` | \`basket.suspended\` | \`basket.resumed\`; \`basket.abandoned\`, \`basket.transferred\`, \`session.end\` |
| \`paid\` | \`basket.paid\` with \`basket.closed\`, the receipt | \`session.end\`, another session, \`basket.leaveMinutes\` |

A session is opened by a token that is scanned or sent, or by a touch. Its token is in no event; what names it is a derived id. The token that
opened a suspended trip resumes it. A trip in which nothing happens for \`basket.abandonMinutes\`, or that stays suspended for
\`basket.suspendMinutes\`, is given up; an attempt that nobody settles ends after \`basket.checkoutMinutes\`. Time while the device is off
does not count. \`session.end\` ends a trip without payment (\`basket.closed\`, \`outcome\` \`unpaid\` or \`empty\`): a store whose tills know
nothing of carts settles it as it likes.

**Keeping a basket from events.** \`basket.opened\` begins with nothing. Each \`basket.line\` has one line as it stands from then on (\`count\` 0: it
is empty) and the totals of all; \`change\` is 0 where only price, savings or flags changed. \`item.unresolved\` asks, \`item.resolved\` answers.
A correction takes back by further lines what it corrects. \`revision\` grows with every change.

**Totals.** \`toPayMinor\` = \`finalMinor\` − \`savedMinor\` + \`depositMinor\` + \`addedTaxMinor\`. \`priceMinor\` of a line is before its \`savings\` and without
its deposit. \`taxes\` has one entry for each code and rate, rounded once, of the final lines after savings. Goods by weight are \`final\` where a
certified scale or a price label says so (\`certificateId\`), otherwise \`estimate\`; what has no price is \`at-till\`. Both stand apart from
\`toPayMinor\` until the till has priced them; \`probableMinor\` counts the estimates.

### A till, step by step

1. \`basket.checkout\` (by the shopper on the display, or by you) begins an attempt. Its answer, its event and the snapshot name it
   (\`checkout\`) and what it is about (\`revision\`). It freezes nothing.
2. Price the lines in \`unpriced\` with \`checkout.price\`, have the ages in \`approvals\` approved with \`basket.approve\`. Each answer has the
   new \`revision\`. Open questions (\`asked\`, with the loss to be expected) don't forbid payment: who settles this revision takes them over.
3. **Authorize** \`toPayMinor\`. Write attempt, revision, total and reference down before the next step.
4. Send \`checkout.settle\` with \`outcome: paid\`. **Capture when it is \`done\`; void when it is refused.** Where no answer comes, send it
   again, under the same transaction or a new one, for as long as it takes: what was settled is answered as it was, also after a restart of
   the cart, after the shopper has left, and in a later session. \`basket.paid\` in the ledger is the same word.
5. \`basket.paid\` and \`basket.closed\` are one write: the receipt (\`lines\`, \`totals\`, \`paid\`, \`coupons\`) is there as soon as the payment.

Payment that fails: send \`declined\` or \`cancelled\`, or \`checkout.cancel\`; the trip goes on, and the next attempt has another id.

| refusal | what it means | what to do |
|---|---|---|
| CW-BSK-005 | another attempt is open, or none | void; look at the snapshot |
| CW-BSK-006 | the basket changed since that revision | void; authorize what it comes to now |
| CW-BSK-007 | the total is another | void; authorize \`toPayMinor\` |
| CW-BSK-008 | lines have no final price | \`checkout.price\`, then again |
| CW-BSK-009 | an age has to be approved | \`basket.approve\`, or have it taken out, then again |
| CW-BSK-010 | something is moving, or being decided on | ask again in a second, with a new transaction |
| CW-BSK-014 | the attempt was settled otherwise before | void this one; the message says what holds |

So one charge is captured for a basket, or none, whoever loses power when. Goods that are put in or taken out during an attempt end
it (\`basket.alert\` \`during-payment\`, \`basket.reopened\` \`movement\`), and what is settled for it afterwards is refused. What shopper or staff
answer, void, override or approve meanwhile keeps the attempt, with a new revision.

### At another cart, or at any till

\`basket.transfer\` ends the session on the cart in any state but \`paid\`; its answer and \`basket.transferred\` hand over lines, totals and open
questions. A till sells these; another cart takes them with \`basket.receive\` (\`lines\` as they are, by name). There they keep their prices, ages
have to be approved again, and units are \`unplaced\` until such a thing is put on a plate, which adds no second line.

### Alerts

\`basket.alert\` is for staff and for the exit check; \`session\` says whose trip it belongs to.

| \`kind\` | when | \`blocking\` |
|---|---|---|
| \`no-session\` | goods are put in while no session is open | no |
| \`refused\` | a token was scanned that opens or resumes nothing now | no |
| \`while-suspended\` | something moves in a parked cart; it counts all the same | no |
| \`during-payment\` | goods move while the shopper pays; the attempt has ended | yes |
| \`after-payment\` | something is put in after payment; \`returned\` where it is on the receipt and as much mass had left since | no |
| \`declared\` | the shopper says that what was asked about is none of the store's goods | no |
| \`disputed\` | the shopper says "not mine" of a line; the line bears \`disputed\` until that is dealt with | no |
| \`unweighed\` | goods count that nothing weighed; for the exit check | no |
| \`help\`, \`help-over\` | somebody is called; somebody came | no |

### What staff sets

\`basket.approve\`, \`item.override\` and \`line.void\` need \`by\` with role \`staff\` or \`till\` and \`who\`, a number and never a name (else CW-BSK-013); the
last two need \`why\` besides. What was done is in the ledger before it takes effect: \`basket.overridden\` (what, before, after, by, why), then the line;
\`basket.voided\` follows the line that it is about; \`basket.approved\` has age and outcome, and takes an approval back with \`refused\`. A price that was
set is for the whole line before savings, and marks it \`overridden\`. Who may sign them, and the audit log on the device: see Signed commands.`;
