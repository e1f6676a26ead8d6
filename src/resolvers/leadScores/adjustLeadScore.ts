import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { Customer, Tx } from '../../core/database.ts';
import { newId } from '../../core/ids.ts';
import { lockedOrThrow, visibleOrThrow } from '../../core/load.ts';
import { idempotencyKey, idOf, instant, parse, text } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { writeOnce } from '../../core/write.ts';
import { type Held, holdLedgers } from './holdLedgers.ts';
import { scoringOf } from './scoringOf.ts';
import { settle } from './settle.ts';

const mostPoints = 100_000;

const AdjustLeadScoreInput = z.object({
  customerId: idOf('Customer'),
  points: z
    .int()
    .min(-mostPoints, `Must be at least -${mostPoints}.`)
    .max(mostPoints, `Must be at most ${mostPoints}.`)
    .refine((points) => points !== 0, 'Must not be 0.'),
  reason: text(200),
  expiresAt: instant.nullish(),
  idempotencyKey,
});

/**
 * Gives a customer points by hand, or takes some. The reason stands in the ledger, which goes when the customer is
 * erased; the log, which stays, only says that it was done by hand.
 */
export async function adjustLeadScore(ctx: Context, input: unknown): Promise<Customer> {
  allow(ctx, 'scoring.write');
  const now = ctx.clock.now();
  const schema = AdjustLeadScoreInput.refine(({ expiresAt }) => !expiresAt || expiresAt > now, {
    path: ['expiresAt'],
    message: 'Must be in the future.',
  });
  const parsed = parse(schema, input);
  const { customerId, points, reason, expiresAt = null } = parsed;

  const adjust = async (tx: Tx) => {
    await lockedOrThrow(ctx, tx, 'Customer', customerId);
    const scoring = await scoringOf(ctx, tx);
    const about = { earliest: now, amounts: false, refunds: false };
    const held = (await holdLedgers(ctx, tx, scoring.rules, [customerId], about)).get(customerId) as Held;
    const by = { ruleId: null, eventId: null, ofEntryId: null, amountMinor: null, decaysAt: null };
    held.ledger.written.add({ id: newId(), ...by, points, reason, occurredAt: now, expiresAt });
    await settle(ctx, tx, scoring, [held], `Adjusted by hand ${points > 0 ? '+' : ''}${points}`);
    return visibleOrThrow(ctx, tx, 'Customer', customerId);
  };
  return writeOnce(ctx, { name: 'adjustLeadScore', input: parsed }, adjust, (tx, id) =>
    visibleOrThrow(ctx, tx, 'Customer', id),
  );
}
