import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { IntegrationConnection } from '../../core/database.ts';
import { InvalidInput, InvalidState } from '../../core/errors.ts';
import { lockedOrThrow, visibleOrThrow } from '../../core/load.ts';
import { idOf, parse, text } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import type { AnyAdapter } from '../../integrations/adapter.ts';
import { adapterOf } from '../../integrations/adapters.ts';
import { checkSettings, readSettings } from './connectionSettings.ts';
import { keepHook } from './keepHook.ts';
import { seal, unseal } from './openConnection.ts';

const UpdateIntegrationInput = z.object({
  id: idOf('IntegrationConnection'),
  name: text(100).optional(),
  settings: z.record(z.string(), z.unknown()).optional(),
});

/**
 * Changes the settings that are sent; an explicit null takes one back to what it is when nobody says anything. The
 * outside system is asked whether they work before they are saved.
 */
export async function updateIntegration(ctx: Context, input: unknown): Promise<IntegrationConnection> {
  allow(ctx, 'integrations.write');
  const { id, name, settings: sent = {} } = parse(UpdateIntegrationInput, input);
  const before = await visibleOrThrow(ctx, ctx.db, 'IntegrationConnection', id);
  if (before.status === 'DISCONNECTED') throw new InvalidState('It is disconnected: connect it anew.');
  const adapter = adapterOf(before.integration) as AnyAdapter;
  const stored = { ...(before.settings as object), ...unseal(ctx, before).secrets };
  const wanted = Object.fromEntries(
    Object.entries({ ...stored, ...sent }).filter(([, value]) => value !== null && value !== undefined),
  );
  const { account, plain, secrets } = await checkSettings(
    ctx,
    adapter,
    readSettings(adapter, wanted),
    before.account,
  );
  if (account.id !== before.account && adapter.can.contacts) {
    const message = 'These lead to another account. Disconnect this one and connect that one.';
    throw new InvalidInput([{ path: 'settings', message }]);
  }

  const updated = await write(ctx, async (tx) => {
    const row = await lockedOrThrow(ctx, tx, 'IntegrationConnection', id);
    const sealed = unseal(ctx, row);
    const connection = await tx.integrationConnection.update({
      where: { id },
      data: {
        ...(name && { name }),
        settings: plain as object,
        secrets: seal(ctx, id, { ...sealed, secrets }),
        // The check has just gone well.
        ...{ health: 'OK', failures: 0, retryAt: null, lastSuccessAt: ctx.clock.now() },
        updatedAt: ctx.clock.now(),
      },
    });
    await record(ctx, tx, 'integration.updated', {
      subjectId: id,
      data: { integration: row.integration, name: connection.name, fields: Object.keys(sent) },
    });
    return connection;
  });
  return keepHook(ctx, updated);
}
