import { timingSafeEqual } from 'node:crypto';
import type { Context } from '../core/context.ts';
import { hashOf } from '../core/crypto.ts';
import type { IntegrationConnection, Workspace } from '../core/database.ts';
import { InvalidInput } from '../core/errors.ts';
import type { Inbound } from '../integrations/capabilities.ts';
import { openConnection } from '../resolvers/connections/openConnection.ts';
import { receiveSignUp } from '../resolvers/customers/receiveSignUp.ts';
import { enqueue, fetchKey } from '../resolvers/deliveries/enqueue.ts';

export interface WebhookAnswer {
  status: number;
  body: object;
}

/** The connection that a secret path leads to, and its business. */
export async function connectionOf(
  { db }: Pick<Context, 'db'>,
  integration: string,
  connectionKey: string,
): Promise<{ row: IntegrationConnection; workspace: Workspace } | null> {
  const hash = hashOf(connectionKey);
  const row = await db.integrationConnection.findUnique({ where: { webhookKeyHash: hash } });
  if (!row || row.integration !== integration || row.status === 'DISCONNECTED') return null;
  if (!timingSafeEqual(Buffer.from(row.webhookKeyHash), Buffer.from(hash))) return null;
  return { row, workspace: await db.workspace.findUniqueOrThrow({ where: { id: row.workspaceId } }) };
}

/** POST /webhooks/:integration/:connectionKey. What it says is written down before it is answered, and done after. */
export async function receiveWebhook(
  ctx: Context,
  row: IntegrationConnection,
  request: Inbound,
): Promise<WebhookAnswer> {
  const { adapter, to } = openConnection(ctx, row);
  const { changeHooks, signUps } = adapter.can;
  if (changeHooks) {
    if (!changeHooks.verify(to.settings, request)) return unsigned;
    const changes = changeHooks.parse(request);
    const links = await ctx.db.integrationContact.findMany({
      where: {
        workspaceId: row.workspaceId,
        connectionId: row.id,
        remoteId: { in: changes.map(({ contactId }) => contactId) },
      },
    });
    await enqueue(
      ctx,
      ctx.db,
      changes.map(({ contactId, tags, left }) => ({
        connectionId: row.id,
        customerId: links.find(({ remoteId }) => remoteId === contactId)?.customerId ?? null,
        kind: 'FETCH' as const,
        key: fetchKey(contactId),
        // Several messages about one contact are one look: it looks at whatever one of them was about.
        payload: { contactId, ...(tags && { tags }), ...(left && { left }) },
      })),
    );
    return { status: 200, body: { received: changes.length } };
  }
  if (!signUps) return { status: 404, body: { error: 'This system sends no messages.' } };
  if (!signUps.verify(to.settings, request)) return unsigned;
  const message = signUps.parse(request);
  if (!message) throw new InvalidInput([{ path: '', message: 'Must be JSON, with the header webhook-id.' }]);
  await receiveSignUp(ctx, { ...message, connectionId: row.id, source: row.name });
  return { status: 202, body: { received: 1 } };
}

const unsigned: WebhookAnswer = {
  status: 401,
  body: { error: 'The signature is missing, wrong, or older than five minutes.' },
};
