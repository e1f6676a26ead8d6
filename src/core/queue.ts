import { setTimeout as sleep } from 'node:timers/promises';
import { type Runner, run, runMigrations, Logger as WorkerLogger } from 'graphile-worker';
import type { Logger } from 'pino';

/** A durable job. It only wakes work up: the state of the work is in the work's own table. */
export interface Job {
  /** Runs again when it throws, later and later; so what it does must bear repeating. */
  run(payload: unknown): Promise<void>;
  /** Five fields of crontab, in UTC, for a job that runs by the clock. */
  cron?: string;
}

export interface QueueOptions {
  databaseUrl: string;
  /** By name. */
  jobs: Record<string, Job>;
  log: Logger;
  /** Jobs at a time. */
  concurrency?: number;
}

const restartMs = 2_000;

/** Brings the queue's own tables, in the schema `graphile_worker`, to their newest form. Safe to run at once from many. */
export async function migrateQueue(databaseUrl: string, log: Logger): Promise<void> {
  await runMigrations({ connectionString: databaseUrl, logger: workerLog(log), taskList: {} });
}

/**
 * Runs jobs until `stop`, which lets those under way finish. When the database goes away the runner gives
 * up; it is started again until the database is back.
 */
export async function startQueue(options: QueueOptions): Promise<{ stop(): Promise<void> }> {
  const { log, jobs } = options;
  const taskList = Object.fromEntries(
    Object.entries(jobs).map(([name, job]) => [name, (payload: unknown) => job.run(payload)]),
  );
  const crontab = Object.entries(jobs)
    .flatMap(([name, { cron }]) => (cron ? [`${cron} ${name}`] : []))
    .join('\n');
  const start = () =>
    run({
      connectionString: options.databaseUrl,
      maxPoolSize: (options.concurrency ?? 4) + 2,
      concurrency: options.concurrency ?? 4,
      noHandleSignals: true,
      pollInterval: 2_000,
      logger: workerLog(log),
      taskList,
      crontab,
    });

  const stopping = new AbortController();
  let runner: Runner | null = await start();
  const supervised = (async () => {
    for (;;) {
      if (runner) {
        await runner.promise.catch((error: unknown) => log.error({ error }, 'queue: the runner ended'));
        runner = null;
      }
      if (stopping.signal.aborted) return;
      await sleep(restartMs, null, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return;
      runner = await start().catch((error: unknown) => {
        log.error({ error }, 'queue: cannot start, trying again');
        return null;
      });
      if (stopping.signal.aborted) await runner?.stop().catch(() => {});
    }
  })();

  return {
    async stop() {
      stopping.abort();
      await runner?.stop().catch(() => {});
      await supervised;
    },
  };
}

/** Its success messages are our debug messages. */
function workerLog(log: Logger): WorkerLogger {
  return new WorkerLogger((scope) => (level, message, meta) => {
    const to = level === 'error' ? 'error' : level === 'warning' ? 'warn' : 'debug';
    log[to]({ scope, error: meta?.error }, `queue: ${message}`);
  });
}
