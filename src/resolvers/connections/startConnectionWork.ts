import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { BulkOperation, Tx } from '../../core/database.ts';
import { InvalidState } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { lockedOrThrow, visibleOrThrow } from '../../core/load.ts';
import { idempotencyKey, idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { writeOnce } from '../../core/write.ts';
import { actorOf, record } from '../../events/record.ts';
import { adapterOf } from '../../integrations/adapters.ts';

const Input = z.object({ connectionId: idOf('IntegrationConnection'), idempotencyKey });

/** Starts a bulk operation on a connection; one at a time of each kind. */
export async function startConnectionWork(
  ctx: Context,
  name: string,
  kind: 'BACKFILL' | 'DRIFT_CHECK',
  input: unknown,
): Promise<BulkOperation> {
  allow(ctx, 'integrations.write');
  const parsed = parse(Input, input);
  const start = async (tx: Tx) => {
    const connection = await lockedOrThrow(ctx, tx, 'IntegrationConnection', parsed.connectionId);
    if (connection.status !== 'ACTIVE') throw new InvalidState(`The connection is ${connection.status}.`);
    const { contacts, bulk } = adapterOf(connection.integration)?.can ?? {};
    if (!contacts) throw new InvalidState('This system has no contacts.');
    const where = { workspaceId: ctx.workspace.id, connectionId: connection.id, kind };
    const running = await tx.bulkOperation.count({
      where: { ...where, status: { in: ['QUEUED', 'RUNNING'] } },
    });
    if (running > 0) throw new InvalidState('One is under way already.');
    const customers = await tx.customer.count({ where: { workspaceId: ctx.workspace.id, deletedAt: null } });
    const now = ctx.clock.now();
    const operation = await tx.bulkOperation.create({
      data: {
        ...where,
        id: newId(),
        status: 'QUEUED',
        name: connection.name,
        mapping: {},
        // An import is followed by a look at what came of it.
        bytesTotal: Math.max(customers, 1) * (kind === 'BACKFILL' && bulk ? 2 : 1),
        ...actorOf(ctx.viewer),
        createdAt: now,
        updatedAt: now,
      },
    });
    await record(ctx, tx, 'bulk_operation.started', { subjectId: operation.id, data: { kind } });
    return operation;
  };
  return writeOnce(ctx, { name, input: parsed }, start, (tx, id) =>
    visibleOrThrow(ctx, tx, 'BulkOperation', id),
  );
}
