import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { Customer, Tx } from '../../core/database.ts';
import { InvalidInput } from '../../core/errors.ts';
import { lockedOrThrow, visibleOrThrow } from '../../core/load.ts';
import { idempotencyKey, idOf, instant, parse, text } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { writeOnce } from '../../core/write.ts';
import { reportedEvents } from '../../events/catalogue.ts';
import { record } from '../../events/record.ts';

const RecordActivityInput = z.object({
  customerId: idOf('Customer'),
  type: z.enum(reportedEvents),
  about: text(500),
  occurredAt: instant.nullish(),
  idempotencyKey,
});

/** Notes on a customer's timeline what they did outside: opened a message, visited a page, sent in a form. */
export async function recordActivity(ctx: Context, input: unknown): Promise<Customer> {
  allow(ctx, 'activities.write');
  const parsed = parse(RecordActivityInput, input);
  const { customerId, type, about } = parsed;
  const now = ctx.clock.now();
  const occurredAt = parsed.occurredAt ?? now;
  if (occurredAt > now)
    throw new InvalidInput([{ path: 'occurredAt', message: 'Must not be in the future.' }]);

  const note = async (tx: Tx) => {
    const customer = await lockedOrThrow(ctx, tx, 'Customer', customerId); // Or they could be erased meanwhile.
    await record(ctx, tx, type, { subjectId: customerId, customerId, data: { about }, occurredAt });
    return customer;
  };
  return writeOnce(ctx, { name: 'recordActivity', input: parsed }, note, (tx, id) =>
    visibleOrThrow(ctx, tx, 'Customer', id),
  );
}
