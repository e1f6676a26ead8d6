import type { Context } from '../../core/context.ts';
import type { Tx } from '../../core/database.ts';
import { uuidOf } from '../../core/ids.ts';
import type { SyncSettings } from '../../integrations/syncSettings.ts';
import { contactKey, enqueue } from './enqueue.ts';

/** Customers looked at in one statement. */
const batch = 5_000;

/** A segment that is kept as a tag or a list there. */
interface Kept {
  segmentId: string;
  key: 'tags' | 'lists';
  name: string;
}

/** The segments that are kept there in some form. */
export const keptSegments = ({ segmentTags, segmentLists }: SyncSettings): Kept[] => [
  ...segmentTags.map(({ segmentId, tag }) => ({ segmentId, key: 'tags' as const, name: tag })),
  ...segmentLists.map(({ segmentId, listId }) => ({ segmentId, key: 'lists' as const, name: listId })),
];

/**
 * Has everybody sent who is in a segment and is not known to have its tag or list there, or has it and is not in the
 * segment. For changes that no event tells of customer by customer; they give way to live ones.
 */
export async function askForSegment(
  ctx: Context,
  tx: Tx,
  connectionId: string,
  { segmentId: id, key, name }: Kept,
): Promise<void> {
  const segmentId = uuidOf('Segment', id);
  const workspaceId = ctx.workspace.id;
  const coming = (after: string) => tx.$queryRaw<{ id: string }[]>`
    SELECT m.customer_id AS id FROM segment_member m
      JOIN customer c ON c.workspace_id = m.workspace_id AND c.id = m.customer_id
      LEFT JOIN integration_contact l ON l.workspace_id = m.workspace_id AND l.customer_id = m.customer_id
        AND l.connection_id = ${connectionId}::uuid
    WHERE m.workspace_id = ${workspaceId}::uuid AND m.segment_id = ${segmentId}::uuid AND m.customer_id > ${after}::uuid
      AND (${key} = 'tags' OR c.marketing_consent) AND jsonb_exists(l.agreed->${key}, ${name}) IS NOT TRUE
    ORDER BY m.customer_id LIMIT ${batch}::integer`;
  const going = (after: string) => tx.$queryRaw<{ id: string }[]>`
    SELECT l.customer_id AS id FROM integration_contact l
    WHERE l.workspace_id = ${workspaceId}::uuid AND l.connection_id = ${connectionId}::uuid AND l.customer_id > ${after}::uuid
      AND jsonb_exists(l.agreed->${key}, ${name}) AND NOT EXISTS (SELECT FROM segment_member m
        WHERE m.workspace_id = l.workspace_id AND m.segment_id = ${segmentId}::uuid AND m.customer_id = l.customer_id)
    ORDER BY l.customer_id LIMIT ${batch}::integer`;
  for (const next of [coming, going])
    for (let after = '00000000-0000-0000-0000-000000000000'; ; ) {
      const rows = await next(after);
      const asked = rows.map(({ id: customerId }) => ({
        ...{ connectionId, customerId, kind: 'CONTACT' as const, key: contactKey(customerId) },
        lane: 'backfill' as const,
      }));
      await enqueue(ctx, tx, asked);
      if (rows.length < batch) break;
      after = (rows.at(-1) as { id: string }).id;
    }
}
