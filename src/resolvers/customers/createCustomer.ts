import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import type { Customer, Tx } from '../../core/database.ts';
import { AlreadyExists } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { visibleOrThrow } from '../../core/load.ts';
import { idempotencyKey, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { writeOnce } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { consentColumns } from './consent.ts';
import { customerFields } from './customerFields.ts';
import { checkNamed, searchColumns } from './searchable.ts';

/** Unique indexes of the customer table, in the words of the input. */
export const customerConstraints = {
  customer_workspace_id_email_key: () =>
    new AlreadyExists('email', 'Another customer has this e-mail address.'),
  customer_workspace_id_external_id_key: () =>
    new AlreadyExists('externalId', 'Another customer has this external id.'),
};

/**
 * Adds a customer. Needs a name, company, e-mail address or phone number. A caller who does not reach every
 * customer becomes the owner, so that they can see whom they added.
 */
export async function createCustomer(ctx: Context, input: unknown): Promise<Customer> {
  allow(ctx, 'customers.write');
  const { idempotencyKey: key, ...fields } = parse(
    customerFields(ctx.workspace.country).extend({ idempotencyKey }),
    input,
  );
  const { firstName = null, lastName = null, companyName = null, email = null, phone = null } = fields;
  checkNamed({ firstName, lastName, companyName, email, phone });

  const create = async (tx: Tx) => {
    const { ownerId, teamId } = await reachableOwner(ctx, tx, fields);
    const customer = await onConstraint(
      tx.customer.create({
        data: {
          ...fields,
          ...consentColumns(fields, false, ctx.clock.now()),
          ...searchColumns({ firstName, lastName, companyName, email, phone }),
          ownerId,
          teamId,
          id: newId(),
          workspaceId: ctx.workspace.id,
          createdAt: ctx.clock.now(),
          updatedAt: ctx.clock.now(),
        },
      }),
      customerConstraints,
    );
    await record(ctx, tx, 'customer.created', {
      subjectId: customer.id,
      customerId: customer.id,
      data: {},
      personal: { data: { firstName, lastName, companyName, email, phone, source: customer.source } },
    });
    return customer;
  };
  return writeOnce(
    ctx,
    { name: 'createCustomer', input: { ...fields, idempotencyKey: key } },
    create,
    (tx, id) => visibleOrThrow(ctx, tx, 'Customer', id),
  );
}

/** Checks owner and team; a viewer of some customers only is made the owner unless the team is one of theirs. */
async function reachableOwner(
  ctx: Context,
  tx: Tx,
  given: { ownerId?: string | null | undefined; teamId?: string | null | undefined },
) {
  const ownerId = given.ownerId ?? null;
  const teamId = given.teamId ?? null;
  if (ownerId) await visibleOrThrow(ctx, tx, 'User', ownerId);
  if (teamId) await visibleOrThrow(ctx, tx, 'Team', teamId);
  const { viewer } = ctx;
  const reached =
    viewer.rowScope === 'ALL' || [ownerId, teamId].some((id) => id && viewer.principals.includes(id));
  return { ownerId: reached || viewer.kind !== 'user' ? ownerId : viewer.id, teamId };
}
