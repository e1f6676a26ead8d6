import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Bus } from './bus.ts';
import type { Database } from './database.ts';
import { createSyncMetrics } from './syncMetrics.ts';

export type Metrics = ReturnType<typeof createMetrics>;

/** Rows of the outbox that a scrape looks at, so that a jam cannot make scrapes slow. */
const maxCounted = 100_000;

interface Backlog {
  rows: number;
  stranded: number;
  lag: number;
}

/** What live delivery counts. */
function liveMetrics(registers: Registry[]) {
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  return {
    sockets: gauge('frontdesk_live_sockets', 'Open WebSockets.'),
    subscriptions: gauge(
      'frontdesk_live_subscriptions',
      'Running GraphQL subscriptions, over WebSocket and SSE.',
    ),
    groups: gauge(
      'frontdesk_live_groups',
      'Groups of subscribers that share one execution of each event: same operation, variables and rights.',
    ),
    executions: counter('frontdesk_live_executions_total', 'Events executed, each for a group.'),
    deliveries: counter('frontdesk_live_deliveries_total', 'Events handed to subscribers.'),
    lag: new Histogram({
      name: 'frontdesk_live_lag_seconds',
      help: 'From the record of an event, in the transaction that caused it, to its frames being written; events that were caught up on are not in it.',
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    evictions: counter('frontdesk_live_evictions_total', 'Clients cut off because they took too little.'),
    resumes: counter('frontdesk_live_resumes_total', 'Subscriptions that went on behind a cursor.'),
    gaps: counter(
      'frontdesk_live_gaps_total',
      'Subscriptions told that the log does not reach back to their cursor (CURSOR_EXPIRED).',
    ),
  };
}

/** What the readers of the log count. */
function readerMetrics(registers: Registry[]) {
  const counter = (name: string, help: string) =>
    new Counter({ name, help, labelNames: ['reader'], registers });
  return {
    events: counter('frontdesk_event_reader_events_total', 'Events that a reader of the log has behind it.'),
    failures: counter(
      'frontdesk_event_reader_failures_total',
      'Tries of a reader that failed and were undone; each is tried again.',
    ),
    skipped: counter(
      'frontdesk_event_reader_skipped_total',
      'Events that a reader could not handle and left behind. Must be 0.',
    ),
  };
}

/**
 * What a process counts, and what it asks the database when it is scraped. One registry a process, none
 * shared, so that tests can run several. While the database is away its gauges are NaN.
 */
export function createMetrics(db: Database, bus: Bus) {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const outboxRows = gauge('frontdesk_event_outbox_rows', 'Committed events that have no position yet.');
  const stranded = gauge(
    'frontdesk_event_outbox_stranded_rows',
    "Events at or below the sequencer's mark, which nobody will ever move. Must be 0.",
  );
  const lag = gauge('frontdesk_event_lag_seconds', 'Age of the oldest event that has no position yet.');
  const readerLag = new Gauge({
    name: 'frontdesk_event_reader_lag_seconds',
    help: 'Age of the oldest event that a reader of the log has not handled; 0 when it has all of them behind it.',
    labelNames: ['reader'],
    registers,
  });
  const connections = new Gauge({
    name: 'frontdesk_database_connections',
    help: 'Connections of all Frontdesk processes to the database.',
    labelNames: ['state'],
    registers,
  });
  new Gauge({
    name: 'frontdesk_bus_ok',
    help: '1 when other processes are reached through the bus, 0 while readers poll.',
    registers,
    collect() {
      this.set(bus.state() === 'ok' ? 1 : 0);
    },
  });

  const sync = createSyncMetrics(registers);

  async function askDatabase(): Promise<void> {
    // NaN is "not known": better than the number of the scrape before.
    for (const one of [outboxRows, stranded, lag]) one.set(Number.NaN);
    connections.reset();
    readerLag.reset();
    const [[backlog], pool, readers] = await Promise.all([
      db.$queryRaw<Backlog[]>`
        SELECT count(*)::integer AS rows,
          count(*) FILTER (WHERE seq <= (SELECT mark FROM event_sequencer))::integer AS stranded,
          coalesce(extract(epoch FROM clock_timestamp() - min(recorded_at)), 0)::float8 AS lag
        FROM (SELECT seq, recorded_at FROM event_outbox ORDER BY seq LIMIT ${maxCounted}::integer) AS first`,
      db.$queryRaw<{ state: string; count: number }[]>`
        SELECT coalesce(state, 'unknown') AS state, count(*)::integer AS count FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'frontdesk' GROUP BY 1`,
      db.$queryRaw<{ reader: string; lag: number }[]>`
        SELECT r.name AS reader, coalesce(max(extract(epoch FROM clock_timestamp() - e.recorded_at)), 0)::float8 AS lag
        FROM event_reader r LEFT JOIN LATERAL (
          SELECT recorded_at FROM event WHERE workspace_id = r.workspace_id AND position > r.position
          ORDER BY position LIMIT 1) e ON true GROUP BY 1`,
    ]);
    if (!backlog) return;
    outboxRows.set(backlog.rows);
    stranded.set(backlog.stranded);
    lag.set(Math.max(0, backlog.lag));
    for (const { state, count } of pool) connections.set({ state }, count);
    for (const { reader, lag } of readers) readerLag.set({ reader }, Math.max(0, lag));
  }

  const readFields = new Counter({
    name: 'frontdesk_graphql_read_fields_total',
    help: 'Root fields of queries: planned ones were one statement; of the others the reason says why the executor did them.',
    labelNames: ['outcome', 'reason'],
    registers,
  });
  const readSeconds = new Histogram({
    name: 'frontdesk_graphql_read_duration_seconds',
    help: 'Time of a planned root field, from its plan to its JSON.',
    buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30],
    registers,
  });
  const planned = readFields.labels('planned', '');

  return {
    registry,
    /** What became of a root field of a query. */
    reads(outcome: 'planned' | 'fallback', reason: string, seconds: number): void {
      if (outcome === 'fallback') readFields.inc({ outcome, reason });
      else {
        planned.inc();
        readSeconds.observe(seconds);
      }
    },
    knownDocuments: new Counter({
      name: 'frontdesk_graphql_known_documents_total',
      help: 'Queries answered without entering the GraphQL engine.',
      registers,
    }),
    httpRequests: new Counter({
      name: 'frontdesk_http_requests_total',
      help: 'HTTP requests answered.',
      labelNames: ['route', 'status'],
      registers,
    }),
    httpSeconds: new Histogram({
      name: 'frontdesk_http_request_duration_seconds',
      help: "Time from a request's first byte to the end of its answer; streams are not in it.",
      labelNames: ['route'],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
    operations: new Counter({
      name: 'frontdesk_graphql_operations_total',
      help: 'GraphQL operations, on every transport.',
      labelNames: ['type', 'outcome'],
      registers,
    }),
    live: liveMetrics(registers),
    readers: readerMetrics(registers),
    sync,
    /** Everything in the text form of Prometheus. */
    async scrape(): Promise<string> {
      await Promise.all([askDatabase(), sync.ask(db)].map((asked) => asked.catch(() => {})));
      return registry.metrics();
    },
  };
}
