import { changesOf } from '../../core/changes.ts';
import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import type { Customer } from '../../core/database.ts';
import { lockedOrThrow, visibleOrThrow } from '../../core/load.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';
import { type Changes, record } from '../../events/record.ts';
import { consentColumns } from './consent.ts';
import { customerConstraints } from './createCustomer.ts';
import { customerFields, personalFields } from './customerFields.ts';
import { checkNamed, searchColumns } from './searchable.ts';

/**
 * Changes the fields that are sent; an explicit null clears, as long as something is left that names the customer.
 * An update that changes nothing leaves no event.
 */
export async function updateCustomer(ctx: Context, input: unknown): Promise<Customer> {
  allow(ctx, 'customers.write');
  const { id, ...sent } = parse(
    customerFields(ctx.workspace.country).extend({ id: idOf('Customer') }),
    input,
  );

  return write(ctx, async (tx) => {
    const customer = await lockedOrThrow(ctx, tx, 'Customer', id);
    if (sent.ownerId) await visibleOrThrow(ctx, tx, 'User', sent.ownerId);
    if (sent.teamId) await visibleOrThrow(ctx, tx, 'Team', sent.teamId);
    const consent = consentColumns(sent, customer.marketingConsent, ctx.clock.now());
    const changes = changesOf(customer, { ...sent, ...consent } as Partial<Customer>);
    if (Object.keys(changes).length === 0) return customer;

    const after = Object.fromEntries(
      Object.entries(changes).map(([field, [, value]]) => [field, value]),
    ) as Partial<Customer>;
    checkNamed({ ...customer, ...after });
    const updated = await onConstraint(
      tx.customer.update({
        where: { id },
        data: { ...after, ...searchColumns({ ...customer, ...after }), updatedAt: ctx.clock.now() },
      }),
      customerConstraints,
    );
    const { personal, plain } = split(changes);
    await record(ctx, tx, 'customer.updated', {
      subjectId: id,
      customerId: id,
      data: { fields: Object.keys(changes) },
      changes: plain,
      personal: { changes: personal },
    });
    return updated;
  });
}

function split(changes: Changes): { personal: Changes; plain: Changes } {
  const of = (personal: boolean) =>
    Object.fromEntries(Object.entries(changes).filter(([field]) => personalFields.has(field) === personal));
  return { personal: of(true), plain: of(false) };
}
