import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Database } from './database.ts';

export type SyncMetrics = ReturnType<typeof createSyncMetrics>;

/** Deliveries that a scrape looks at, of one connection and in all, so that a long outage cannot make scrapes slow. */
const maxOfOne = 10_000;
const maxOfAll = 100_000;

const healths = ['OK', 'FAILING', 'DOWN', 'UNAUTHORIZED', 'PAUSED'] as const;

interface Backlog {
  integration: string;
  due: number;
  waiting: number;
  parked: number;
  oldest: number;
}

/**
 * What the exchange with outside systems counts, by the system and never by customer or connection: so there are as many
 * series as adapters, however many businesses connect.
 */
export function createSyncMetrics(registers: Registry[]) {
  const deliveries = new Counter({
    name: 'frontdesk_sync_deliveries_total',
    help: 'Deliveries that ended: done, dropped since nobody wants them any more, or parked for somebody to look at.',
    labelNames: ['integration', 'kind', 'outcome'],
    registers,
  });
  const retries = new Counter({
    name: 'frontdesk_sync_retries_total',
    help: 'Attempts that failed and are made again, by the kind of failure.',
    labelNames: ['integration', 'failure'],
    registers,
  });
  const lag = new Histogram({
    name: 'frontdesk_sync_lag_seconds',
    help: 'From the change, or the time that was set for its effect, to the end of its delivery. Backfills are not in it.',
    labelNames: ['integration'],
    buckets: [0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 300, 1_800],
    registers,
  });
  const calls = new Histogram({
    name: 'frontdesk_sync_call_duration_seconds',
    help: 'Calls to outside systems, by OK or the kind of failure, from their start to the answer.',
    labelNames: ['integration', 'result'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const turns = new Histogram({
    name: 'frontdesk_sync_turn_wait_seconds',
    help: "How long live calls waited for their turn in the account's rate budget.",
    labelNames: ['integration'],
    buckets: [0.05, 0.25, 1, 2.5, 5, 10, 30, 60],
    registers,
  });
  const backlog = new Gauge({
    name: 'frontdesk_sync_backlog',
    help: 'Deliveries that could be made now (due), wait for a time or a retry (waiting), or for somebody to look at them (parked).',
    labelNames: ['integration', 'state'],
    registers,
  });
  const oldest = new Gauge({
    name: 'frontdesk_sync_oldest_seconds',
    help: 'Age of the oldest live change that was not sent yet; 0 for none. Connections that are paused are not in it.',
    labelNames: ['integration'],
    registers,
  });
  const connections = new Gauge({
    name: 'frontdesk_sync_connections',
    help: 'Connections by what calls make of them: OK, FAILING, DOWN (the breaker is open), UNAUTHORIZED; or PAUSED.',
    labelNames: ['integration', 'health'],
    registers,
  });

  return {
    /** A delivery ended. `lagSeconds` is null for what was asked for by a backfill, or was not done. */
    ended(
      integration: string,
      kind: string,
      outcome: 'done' | 'dropped' | 'parked',
      lagSeconds: number | null,
    ): void {
      deliveries.inc({ integration, kind, outcome });
      if (lagSeconds !== null) lag.observe({ integration }, Math.max(0, lagSeconds));
    },
    /** An attempt failed, and another will be made. */
    retried(integration: string, failure: string): void {
      retries.inc({ integration, failure });
    },
    called(integration: string, result: string, seconds: number): void {
      calls.observe({ integration, result }, seconds);
    },
    waited(integration: string, seconds: number): void {
      turns.observe({ integration }, seconds);
    },
    /** Reads what the database knows; series that it does not tell of are gone rather than stale. */
    async ask(db: Database): Promise<void> {
      for (const one of [backlog, oldest, connections]) one.reset();
      const [states, rows] = await Promise.all([
        db.$queryRaw<{ integration: string; health: string; count: number }[]>`
          SELECT integration, CASE WHEN status = 'PAUSED' THEN 'PAUSED' ELSE health::text END AS health, count(*)::integer AS count
          FROM integration_connection WHERE status <> 'DISCONNECTED' GROUP BY 1, 2`,
        db.$queryRaw<Backlog[]>`
          SELECT integration,
            count(*) FILTER (WHERE status = 'WAITING' AND active AND next_at <= now())::integer AS due,
            count(*) FILTER (WHERE status = 'WAITING' AND NOT (active AND next_at <= now()))::integer AS waiting,
            count(*) FILTER (WHERE status = 'PARKED')::integer AS parked,
            coalesce(extract(epoch FROM now() - min(greatest(asked_at, not_before))
              FILTER (WHERE status = 'WAITING' AND active AND lane = 0 AND not_before <= now())), 0)::float8 AS oldest
          FROM (
            SELECT c.integration, c.status = 'ACTIVE' AS active, d.* FROM integration_connection c CROSS JOIN LATERAL (
              (SELECT status, lane, next_at, asked_at, not_before FROM delivery
                WHERE connection_id = c.id AND status = 'WAITING' ORDER BY lane, next_at LIMIT ${maxOfOne}::integer)
              UNION ALL
              (SELECT status, lane, next_at, asked_at, not_before FROM delivery
                WHERE workspace_id = c.workspace_id AND connection_id = c.id AND status = 'PARKED' LIMIT ${maxOfOne}::integer)) d
            WHERE c.status <> 'DISCONNECTED' LIMIT ${maxOfAll}::integer) AS first
          GROUP BY 1`,
      ]);
      for (const { integration } of states) {
        oldest.set({ integration }, 0);
        for (const state of ['due', 'waiting', 'parked']) backlog.set({ integration, state }, 0);
        for (const health of healths) connections.set({ integration, health }, 0);
      }
      for (const { integration, health, count } of states) connections.set({ integration, health }, count);
      for (const { integration, oldest: seconds, ...counts } of rows) {
        oldest.set({ integration }, Math.max(0, seconds));
        for (const [state, count] of Object.entries(counts)) backlog.set({ integration, state }, count);
      }
    },
  };
}
