import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { BulkOperation, Tx } from '../../core/database.ts';
import { InvalidState } from '../../core/errors.ts';
import { encodeId, newId } from '../../core/ids.ts';
import { visibleOrThrow } from '../../core/load.ts';
import { idempotencyKey, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { writeOnce } from '../../core/write.ts';
import { actorOf, record } from '../../events/record.ts';

const RescoreCustomersInput = z.object({ idempotencyKey });

/** Starts to work out all scores again from history, by the rules as they are; workers do it. One at a time. */
export async function rescoreCustomers(ctx: Context, input: unknown): Promise<BulkOperation> {
  allow(ctx, 'scoring.write');
  const parsed = parse(RescoreCustomersInput, input);
  const workspaceId = ctx.workspace.id;

  const create = async (tx: Tx) => {
    await tx.$queryRaw`SELECT 1 FROM workspace WHERE id = ${workspaceId}::uuid FOR NO KEY UPDATE`;
    const running = await tx.bulkOperation.findFirst({
      where: { workspaceId, kind: 'RESCORE', status: { in: ['QUEUED', 'RUNNING'] } },
    });
    if (running)
      throw new InvalidState(
        `Scores are being worked out again already: ${encodeId('BulkOperation', running.id)}.`,
      );
    const now = ctx.clock.now();
    const operation = await tx.bulkOperation.create({
      data: {
        id: newId(),
        workspaceId,
        kind: 'RESCORE',
        status: 'QUEUED',
        name: 'Lead scores',
        mapping: {},
        bytesTotal: 0,
        ...actorOf(ctx.viewer),
        createdAt: now,
        updatedAt: now,
      },
    });
    await record(ctx, tx, 'bulk_operation.started', { subjectId: operation.id, data: { kind: 'RESCORE' } });
    return operation;
  };
  return writeOnce(ctx, { name: 'rescoreCustomers', input: parsed }, create, (tx, id) =>
    visibleOrThrow(ctx, tx, 'BulkOperation', id),
  );
}
