import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import { hashOf } from '../../core/crypto.ts';
import type { IntegrationConnection, Tx } from '../../core/database.ts';
import { AlreadyExists, InvalidInput } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { visibleOrThrow } from '../../core/load.ts';
import { idempotencyKey, parse, text } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { writeOnce } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { adapterOf, adapters } from '../../integrations/adapters.ts';
import { checkSettings, readSettings } from './connectionSettings.ts';
import { keepHook } from './keepHook.ts';
import { outsideOf, seal } from './openConnection.ts';

const ConnectIntegrationInput = z.object({
  integration: z.string(),
  name: text(100).nullish(),
  settings: z.record(z.string(), z.unknown()),
  idempotencyKey,
});

export interface Connected {
  id: string;
  connection: IntegrationConnection;
  /** Where its messages go; told this once. */
  webhookUrl: string | null;
  /** What it signs with, where one was made; told this once. */
  signingSecret: string | null;
}

/** Connects an account of an outside system. It is asked whether the settings work before anything is saved. */
export async function connectIntegration(ctx: Context, input: unknown): Promise<Connected> {
  allow(ctx, 'integrations.write');
  const { idempotencyKey: key, ...wish } = parse(ConnectIntegrationInput, input);
  const { publicUrl } = outsideOf(ctx);
  const adapter = adapterOf(wish.integration);
  if (!adapter) {
    const message = `Must be one of ${adapters.map((one) => one.key).join(', ')}.`;
    throw new InvalidInput([{ path: 'integration', message }]);
  }
  const signs = adapter.can.signUps;
  const made = signs && !wish.settings.signingSecret ? signs.newSecret() : null;
  const given = made ? { ...wish.settings, signingSecret: made } : wish.settings;
  const { account, plain, secrets } = await checkSettings(ctx, adapter, readSettings(adapter, given));

  const webhookKey = randomBytes(32).toString('base64url');
  let fresh = false;
  const connect = async (tx: Tx) => {
    const id = newId();
    const now = ctx.clock.now();
    const connection = await onConstraint(
      tx.integrationConnection.create({
        data: {
          id,
          workspaceId: ctx.workspace.id,
          integration: adapter.key,
          name: wish.name ?? adapter.name,
          settings: plain as object,
          secrets: seal(ctx, id, { secrets, webhookKey, hookId: null }),
          webhookKeyHash: hashOf(webhookKey),
          account: account.id,
          accountName: account.name,
          lastSuccessAt: now,
          // Changes from here on: what was before is for a backfill.
          changedUntil: now,
          createdAt: now,
          updatedAt: now,
        },
      }),
      {
        integration_connection_account_key: () =>
          new AlreadyExists('settings', 'This account is connected already.'),
      },
    );
    await record(ctx, tx, 'integration.connected', {
      subjectId: id,
      data: { integration: adapter.key, name: connection.name },
    });
    fresh = true;
    return connection;
  };
  const connection = await writeOnce(
    ctx,
    // Not the settings themselves: of secrets not even a hash is kept.
    {
      name: 'connectIntegration',
      input: { integration: wish.integration, account: account.id, idempotencyKey: key } as never,
    },
    connect,
    (tx, id) => visibleOrThrow(ctx, tx, 'IntegrationConnection', id),
  );
  const inbound = adapter.can.changeHooks || signs;
  return {
    id: connection.id,
    connection: fresh ? await keepHook(ctx, connection) : connection,
    webhookUrl: fresh && inbound ? `${publicUrl}/webhooks/${adapter.key}/${webhookKey}` : null,
    signingSecret: fresh ? made : null,
  };
}
