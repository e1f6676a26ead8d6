import type { Context } from '../../core/context.ts';
import type { IntegrationContact } from '../../core/database.ts';
import type { OpenConnection } from '../connections/openConnection.ts';

/**
 * What both sides had when they were last in step: field by field as the outside system writes it, the tags that are kept
 * the same, and the list that was joined. What differs from it has changed since.
 */
export interface Agreed {
  values: Record<string, string>;
  tags: string[];
  lists: string[];
  /** Lists that we took them off, or that they left before their consent was taken back: no news when they come back. */
  left: string[];
  /** Lists that they left by themselves, and when we learned it: only a newer consent puts them back. */
  optedOut: Record<string, string>;
  /** What the contact there bore after our own last change: a contact that still bears it has not changed. */
  stamp: string;
}

export interface Link {
  remoteId: string | null;
  agreed: Agreed;
}

export const nothingAgreed: Agreed = {
  values: {},
  tags: [],
  lists: [],
  left: [],
  optedOut: {},
  stamp: '',
};

export const linkOf = (row: IntegrationContact | null): Link => ({
  remoteId: row?.remoteId ?? null,
  agreed: { ...nothingAgreed, ...(row?.agreed as object | undefined) },
});

export async function readLink(
  { db }: Pick<Context, 'db'>,
  { row }: Pick<OpenConnection, 'row'>,
  customerId: string,
): Promise<Link> {
  const { workspaceId, id: connectionId } = row;
  return linkOf(
    await db.integrationContact.findUnique({
      where: { workspaceId_connectionId_customerId: { workspaceId, connectionId, customerId } },
    }),
  );
}

/**
 * Notes what both sides agree on now. Not for a customer who was erased meanwhile; a contact there that another customer
 * was linked to becomes this one's.
 */
export async function saveLink(
  ctx: Pick<Context, 'db' | 'clock'>,
  { row }: Pick<OpenConnection, 'row'>,
  customerId: string,
  { remoteId, agreed }: Link,
): Promise<void> {
  const { workspaceId, id: connectionId } = row;
  // One statement: it runs for every delivery. The customer is held first, as by everyone who writes about them.
  await ctx.db.$executeRaw`
    WITH held AS (
      SELECT id FROM customer WHERE workspace_id = ${workspaceId}::uuid AND id = ${customerId}::uuid AND deleted_at IS NULL
      FOR NO KEY UPDATE
    ), freed AS (
      UPDATE integration_contact SET remote_id = NULL FROM held
      WHERE workspace_id = ${workspaceId}::uuid AND connection_id = ${connectionId}::uuid AND remote_id = ${remoteId}
        AND customer_id <> held.id
      RETURNING 1
    )
    INSERT INTO integration_contact (workspace_id, connection_id, customer_id, remote_id, agreed, synced_at)
      SELECT ${workspaceId}::uuid, ${connectionId}::uuid, id, ${remoteId}, ${JSON.stringify(agreed)}::jsonb, ${ctx.clock.now()}
      FROM held WHERE (SELECT count(*) FROM freed) >= 0
    ON CONFLICT (workspace_id, connection_id, customer_id)
    DO UPDATE SET remote_id = excluded.remote_id, agreed = excluded.agreed, synced_at = excluded.synced_at`;
}
