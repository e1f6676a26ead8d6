import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { IntegrationConnection, Prisma, Tx } from '../../core/database.ts';
import { InvalidState } from '../../core/errors.ts';
import { lockedOrThrow } from '../../core/load.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';

const Input = z.object({ id: idOf('IntegrationConnection'), retryParked: z.boolean().nullish() });

interface Change {
  event: 'integration.paused' | 'integration.resumed' | 'integration.disconnected';
  data: Prisma.IntegrationConnectionUncheckedUpdateInput;
  also?(tx: Tx, connection: IntegrationConnection, input: z.output<typeof Input>): Promise<unknown>;
}

/** What pausing, resuming and disconnecting share. */
export async function changeConnection(
  ctx: Context,
  input: unknown,
  change: Change,
): Promise<IntegrationConnection> {
  allow(ctx, 'integrations.write');
  const parsed = parse(Input, input);
  return write(ctx, async (tx) => {
    const row = await lockedOrThrow(ctx, tx, 'IntegrationConnection', parsed.id);
    if (row.status === 'DISCONNECTED') throw new InvalidState('It is disconnected already.');
    const updated = await tx.integrationConnection.update({
      where: { id: row.id },
      data: { ...change.data, updatedAt: ctx.clock.now() },
    });
    await change.also?.(tx, updated, parsed);
    await record(ctx, tx, change.event, {
      subjectId: row.id,
      data: { integration: row.integration, name: row.name },
    });
    return updated;
  });
}
