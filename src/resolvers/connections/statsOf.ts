import DataLoader from 'dataloader';
import type { Context } from '../../core/context.ts';

/** How a connection has done of late. */
export interface Stats {
  sent: number;
  sentWithin5Seconds: number;
  parked: number;
  medianLagMilliseconds: number | null;
  p99LagMilliseconds: number | null;
  calls: number;
  callsFailed: number;
}

/** The newest of each kind that are looked at. */
const most = 10_000;

const loaders = new WeakMap<object, Map<number, DataLoader<string, Stats>>>();

/** Worked out at once for all connections that one operation asks about. */
export function statsOf(
  ctx: Pick<Context, 'db' | 'workspace' | 'clock'>,
  connectionId: string,
  lastHours: number,
): Promise<Stats> {
  const byHours = loaders.get(ctx) ?? new Map<number, DataLoader<string, Stats>>();
  loaders.set(ctx, byHours);
  const loader = byHours.get(lastHours) ?? new DataLoader((ids) => statsOfAll(ctx, ids, lastHours));
  byHours.set(lastHours, loader);
  return loader.load(connectionId);
}

async function statsOfAll(
  { db, workspace, clock }: Pick<Context, 'db' | 'workspace' | 'clock'>,
  ids: readonly string[],
  lastHours: number,
): Promise<Stats[]> {
  // Logs are kept for ten years at most.
  const since = new Date(clock.now().getTime() - Math.min(Math.max(lastHours, 0), 87_600) * 3_600_000);
  const rows = await db.$queryRaw<(Stats & { id: string })[]>`
    SELECT c.id, sent.*, calls.*, (
        SELECT count(*)::integer FROM (SELECT FROM delivery
          WHERE workspace_id = c.workspace_id AND connection_id = c.id AND status = 'PARKED' LIMIT ${most}::integer) p) AS parked
    FROM integration_connection c
      CROSS JOIN LATERAL (
        SELECT count(*)::integer AS sent, count(*) FILTER (WHERE ms <= 5000)::integer AS "sentWithin5Seconds",
          round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms))::integer AS "medianLagMilliseconds",
          round(percentile_cont(0.99) WITHIN GROUP (ORDER BY ms))::integer AS "p99LagMilliseconds"
        FROM (SELECT least(extract(epoch FROM done_at - greatest(asked_at, not_before)) * 1000, 2e9)::float8 AS ms FROM delivery
          WHERE connection_id = c.id AND status = 'DONE' AND lane = 0 AND done_at >= ${since}
          ORDER BY done_at DESC LIMIT ${most}::integer) d) sent
      CROSS JOIN LATERAL (
        SELECT count(*)::integer AS calls, count(*) FILTER (WHERE result <> 'OK')::integer AS "callsFailed"
        FROM (SELECT result FROM integration_call
          WHERE workspace_id = c.workspace_id AND connection_id = c.id AND created_at >= ${since}
          ORDER BY created_at DESC LIMIT ${most}::integer) l) calls
    WHERE c.workspace_id = ${workspace.id}::uuid AND c.id = ANY(${[...ids]}::uuid[])`;
  return ids.map((id) => rows.find((row) => row.id === id) as Stats);
}
