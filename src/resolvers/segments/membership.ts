import type { Criteria } from '../../conditions/condition.ts';
import type { Moment } from '../../conditions/moment.ts';
import { toSql } from '../../conditions/toSql.ts';
import type { Context } from '../../core/context.ts';
import type { Segment, Tx } from '../../core/database.ts';
import { encodeId } from '../../core/ids.ts';
import { record, recordAll } from '../../events/record.ts';

/** Events told at once. */
const batch = 5_000;

type Named = Pick<Segment, 'id' | 'name'>;

const factsOf = (segment: Named) => ({
  segmentId: encodeId('Segment', segment.id),
  segmentName: segment.name,
});

/** Tells of those who came into a segment and who fell out of it. */
export async function recordMoves(
  ctx: Context,
  tx: Tx,
  segment: Named,
  joined: readonly string[],
  left: readonly string[],
): Promise<void> {
  const data = factsOf(segment);
  for (const [name, ids] of [
    ['segment.joined', joined],
    ['segment.left', left],
  ] as const)
    for (let from = 0; from < ids.length; from += batch)
      await recordAll(
        ctx,
        tx,
        name,
        ids.slice(from, from + batch).map((customerId) => ({ subjectId: segment.id, customerId, data })),
      );
}

/** Keeps how many members segments have in this hour. */
export async function noteSize(ctx: Context, tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO segment_size (workspace_id, segment_id, hour, members)
      SELECT workspace_id, id, date_trunc('hour', ${ctx.clock.now()}::timestamptz), member_count FROM segment
      WHERE workspace_id = ${ctx.workspace.id}::uuid AND id = ANY(${[...ids]}::uuid[])
    ON CONFLICT (workspace_id, segment_id, hour) DO UPDATE SET members = EXCLUDED.members`;
}

/**
 * Works the members of a segment out from scratch, by sets, and writes only the difference. One event says so; nobody
 * is told of one by one.
 */
export async function calculateMembers(
  ctx: Context,
  tx: Tx,
  segment: Segment,
  moment: Moment,
): Promise<void> {
  const { text, values } = toSql(segment.criteria as unknown as Criteria, moment, ctx.workspace.id);
  // Set aside first: a statement that also writes is never shared out among processors.
  await tx.$executeRaw`SET LOCAL work_mem = '64MB'`;
  await tx.$executeRawUnsafe(
    `CREATE TEMPORARY TABLE wanted ON COMMIT DROP AS ${text.replace('SELECT c.id', 'SELECT c.id, c.created_at')}`,
    ...values,
  );
  const [outcome] = await tx.$queryRaw<{ joined: number; left: number }[]>`
    WITH gone AS (
      DELETE FROM segment_member m WHERE m.workspace_id = ${ctx.workspace.id}::uuid AND m.segment_id = ${segment.id}::uuid
        AND NOT EXISTS (SELECT FROM wanted w WHERE w.id = m.customer_id) RETURNING 1),
    come AS (
      INSERT INTO segment_member (workspace_id, segment_id, customer_id, joined_at, customer_created_at)
        SELECT ${ctx.workspace.id}::uuid, ${segment.id}::uuid, w.id, ${moment.now}::timestamptz, w.created_at FROM wanted w
        WHERE NOT EXISTS (SELECT FROM segment_member m
          WHERE m.workspace_id = ${ctx.workspace.id}::uuid AND m.segment_id = ${segment.id}::uuid AND m.customer_id = w.id)
        ORDER BY w.id
      RETURNING 1)
    SELECT (SELECT count(*) FROM come)::integer AS joined, (SELECT count(*) FROM gone)::integer AS "left"`;
  await tx.$executeRaw`DROP TABLE wanted`;
  const { joined = 0, left = 0 } = outcome ?? {};
  const { memberCount: members } = await tx.segment.update({
    where: { id: segment.id },
    data: { stale: false, calculatedAt: moment.now, error: null },
  });
  await noteSize(ctx, tx, [segment.id]);
  await record(ctx, tx, 'segment.calculated', {
    subjectId: segment.id,
    data: { ...factsOf(segment), members, joined, left },
  });
}
