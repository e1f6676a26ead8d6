import type { Criteria } from '../../conditions/condition.ts';
import { leavesOf } from '../../conditions/condition.ts';
import type { Moment } from '../../conditions/moment.ts';
import type { Context } from '../../core/context.ts';
import { databaseError, type Event, type Segment, type Tx } from '../../core/database.ts';
import { momentOf } from '../conditions/momentOf.ts';
import { calculateRfmBounds, rfmLifeMs } from '../conditions/rfmBounds.ts';
import {
  affectedBy,
  crossedSince,
  holding,
  nextCrossing,
  type Wanted,
  type Watcher,
  watcherOf,
} from '../conditions/watch.ts';
import { calculateMembers, noteSize, recordMoves } from './membership.ts';
import { segmentsIn } from './segmentFields.ts';

/**
 * Keeps dynamic segments in step: what waits is worked out from scratch; an event has only the customers looked at on
 * whose timelines it stands, for the segments that it can change; and who comes in or falls out by the passing of time
 * alone does so when it is due.
 */
export const keepSegments = {
  async read(ctx: Context, tx: Tx, events: readonly Event[]): Promise<void> {
    const segments = await segmentsInStep(ctx, tx);
    const wanted = affectedBy(watchersOf(segments), events);
    if (wanted.size > 0) await look(ctx, tx, wanted, segments, await momentOf(ctx, tx));
  },

  async pass(ctx: Context, tx: Tx, from: Date, until: Date): Promise<Date | null> {
    let segments = await segmentsInStep(ctx, tx);
    if (segments.size > 0) {
      const moment = await momentOf(ctx, tx);
      const crossed = await crossedSince(ctx, tx, watchersOf(segments), from, moment);
      await look(ctx, tx, crossed, segments, moment);
    }
    const rfmDue = await refreshRfm(ctx, tx, segments);
    const stale = await calculateStale(ctx, tx);
    if (stale === 'more') return until;
    if (stale === 'done') segments = await segmentsInStep(ctx, tx);
    if (segments.size === 0) return null;
    const next = await nextCrossing(ctx, tx, watchersOf(segments), await momentOf(ctx, tx));
    return rfmDue && (!next || rfmDue < next) ? rfmDue : next;
  },
};

/** Behind it, what still waits to be worked out goes to the next transaction. */
const budgetMs = 10_000;

const watchersOf = (segments: ReadonlyMap<string, Kept>) =>
  [...segments.values()].map(({ watcher }) => watcher);

interface Kept {
  segment: Segment;
  watcher: Watcher;
}

/** Criteria by segment as they were read last, so that they are not read again for every page of events. */
const known = new WeakMap<object, Map<string, { mark: string; segments: Map<string, Kept> }>>();

/** The dynamic segments that were worked out and do not wait to be again. */
async function segmentsInStep(ctx: Context, tx: Tx): Promise<ReadonlyMap<string, Kept>> {
  const workspaceId = ctx.workspace.id;
  const [{ mark } = { mark: '' }] = await tx.$queryRaw<{ mark: string }[]>`
    SELECT concat(count(*), ' ', count(*) FILTER (WHERE stale), ' ', max(updated_at), ' ', max(calculated_at)) AS mark
    FROM segment WHERE workspace_id = ${workspaceId}::uuid AND kind = 'DYNAMIC'`;
  const here = known.get(ctx.db) ?? new Map();
  known.set(ctx.db, here);
  const last = here.get(workspaceId);
  if (last?.mark === mark) return last.segments;
  const rows = await tx.segment.findMany({
    where: { workspaceId, kind: 'DYNAMIC', calculatedAt: { not: null }, stale: false },
  });
  const segments = new Map(
    rows.map((segment) => {
      const watcher = watcherOf(segment.id, segment.criteria as unknown as Criteria);
      return [segment.id, { segment, watcher }] as const;
    }),
  );
  here.set(workspaceId, { mark, segments });
  return segments;
}

/** Works out what waits for it, those first that others ask for. */
async function calculateStale(ctx: Context, tx: Tx): Promise<'none' | 'done' | 'more'> {
  const stale = await tx.segment.findMany({ where: { workspaceId: ctx.workspace.id, stale: true } });
  if (stale.length === 0) return 'none';
  let moment = await momentOf(ctx, tx);
  if (!moment.rfm && stale.some(usesRfm)) {
    await calculateRfmBounds(ctx, tx);
    moment = await momentOf(ctx, tx);
  }
  const asks = ({ criteria }: Segment, of: Pick<Set<string>, 'has'>) =>
    segmentsIn(criteria as unknown as Criteria).some((id) => of.has(id));
  const waiting = new Map(stale.map((segment) => [segment.id, segment]));
  const done = new Set<string>();
  const until = performance.now() + budgetMs;
  while (waiting.size > 0 && performance.now() < until) {
    const all = [...waiting.values()];
    const segment = (all.find((one) => !asks(one, waiting)) ?? all[0]) as Segment;
    waiting.delete(segment.id);
    done.add(segment.id);
    await orError(tx, segment, () => calculateMembers(ctx, tx, segment, moment));
  }
  // What asks for a segment that has changed altogether, and was not worked out behind it, is next.
  const others = await tx.segment.findMany({
    where: { workspaceId: ctx.workspace.id, kind: 'DYNAMIC', stale: false },
  });
  const asking = others.filter((one) => !done.has(one.id) && asks(one, done));
  if (asking.length > 0)
    await tx.segment.updateMany({ where: { id: { in: asking.map(({ id }) => id) } }, data: { stale: true } });
  return waiting.size + asking.length > 0 ? 'more' : 'done';
}

/** A segment that cannot be worked out says why, and holds the others up no longer. */
async function orError(tx: Tx, segment: Segment, calculate: () => Promise<void>): Promise<void> {
  await tx.$executeRaw`SAVEPOINT calculation`;
  try {
    await calculate();
  } catch (error) {
    await tx.$executeRaw`ROLLBACK TO SAVEPOINT calculation`;
    const late = databaseError(error)?.code === '57014';
    await tx.segment.update({
      where: { id: segment.id },
      data: {
        stale: false,
        error: late ? 'Took too long; simpler criteria may help.' : 'Could not be worked out.',
      },
    });
  }
}

/** Brings the membership of these customers in line with what holds for them now. Only differences are written, and told. */
async function look(
  ctx: Context,
  tx: Tx,
  wanted: Wanted,
  segments: ReadonlyMap<string, Kept>,
  moment: Moment,
): Promise<void> {
  if (wanted.size === 0) return;
  const holds = await holding(ctx, tx, wanted, moment);
  const customers = [...new Set([...wanted.values()].flatMap((ids) => [...ids]))];
  const asked = [...wanted.keys()].map(({ id }) => id);
  const members = await tx.$queryRaw<{ segment: string; customer: string }[]>`
    SELECT segment_id AS segment, customer_id AS customer FROM segment_member
    WHERE workspace_id = ${ctx.workspace.id}::uuid AND customer_id = ANY(${customers}::uuid[]) AND segment_id = ANY(${asked}::uuid[])`;
  const are = new Set(members.map(({ segment, customer }) => `${segment} ${customer}`));
  const pairs = [...wanted].flatMap(([watcher, ids]) =>
    [...ids]
      .map((customer) => ({
        segment: watcher.id,
        customer,
        holds: holds.get(watcher)?.has(customer) ?? false,
      }))
      .filter((pair) => pair.holds !== are.has(`${pair.segment} ${pair.customer}`)),
  );
  if (pairs.length === 0) return;
  const moves = await tx.$queryRaw<{ segment: string; customer: string; joined: boolean }[]>`
    WITH p AS (SELECT * FROM json_to_recordset(${JSON.stringify(pairs)}::json) AS x (segment uuid, customer uuid, holds boolean)),
    come AS (
      INSERT INTO segment_member (workspace_id, segment_id, customer_id, joined_at, customer_created_at)
        SELECT c.workspace_id, s.id, c.id, ${moment.now}, c.created_at
        FROM p JOIN segment s ON s.id = p.segment AND s.workspace_id = ${ctx.workspace.id}::uuid
          JOIN customer c ON c.workspace_id = s.workspace_id AND c.id = p.customer
        WHERE p.holds
      ON CONFLICT DO NOTHING RETURNING segment_id, customer_id),
    gone AS (
      DELETE FROM segment_member m USING p
        WHERE NOT p.holds AND m.workspace_id = ${ctx.workspace.id}::uuid AND m.segment_id = p.segment AND m.customer_id = p.customer
      RETURNING m.segment_id, m.customer_id)
    SELECT segment_id AS segment, customer_id AS customer, true AS joined FROM come
    UNION ALL SELECT segment_id, customer_id, false FROM gone`;
  const bySegment = Map.groupBy(moves, ({ segment }) => segment);
  for (const [id, of] of bySegment) {
    const { segment } = segments.get(id) as Kept;
    const who = (joined: boolean) =>
      of.filter((move) => move.joined === joined).map(({ customer }) => customer);
    await recordMoves(ctx, tx, segment, who(true), who(false));
  }
  await noteSize(ctx, tx, [...bySegment.keys()]);
}

/** Works the bounds of the RFM scores out anew once a day while a segment asks for them, and those segments with them. */
async function refreshRfm(ctx: Context, tx: Tx, segments: ReadonlyMap<string, Kept>): Promise<Date | null> {
  const using = [...segments.values()].map(({ segment }) => segment).filter(usesRfm);
  if (using.length === 0) return null;
  const now = ctx.clock.now().getTime();
  const last = await tx.rfmBounds.findUnique({ where: { workspaceId: ctx.workspace.id } });
  if (last && last.calculatedAt.getTime() + rfmLifeMs > now)
    return new Date(last.calculatedAt.getTime() + rfmLifeMs);
  await calculateRfmBounds(ctx, tx);
  await tx.segment.updateMany({ where: { id: { in: using.map(({ id }) => id) } }, data: { stale: true } });
  return new Date(now + rfmLifeMs);
}

const usesRfm = ({ criteria }: Pick<Segment, 'criteria'>) =>
  criteria !== null &&
  [...leavesOf(criteria as unknown as Criteria)].some(([{ field }]) =>
    /^(recency|frequency|monetary)_score$/.test(field),
  );
