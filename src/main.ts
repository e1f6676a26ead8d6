import { join } from 'node:path';
import { type Config, readConfig, secretIn, UnusableConfig } from './core/config.ts';
import { startEmbeddedPostgres } from './core/embeddedPostgres.ts';
import { createLog } from './core/log.ts';
import { MigrationError, migrate } from './core/migrate.ts';
import { migrateQueue, startQueue } from './core/queue.ts';
import { startBulkOperations } from './jobs/bulkOperations.ts';
import { startConnectionPolls } from './jobs/connectionPolls.ts';
import { startDeliveries } from './jobs/deliveries.ts';
import { startDemoLife } from './jobs/demoLife.ts';
import { startEventReaders } from './jobs/eventReaders.ts';
import { jobs } from './jobs/jobs.ts';
import { eventReaders } from './jobs/readers.ts';
import { systemContext } from './jobs/systemContext.ts';
import { loadDemo } from './resolvers/demo/loadDemo.ts';
import { ensureFirstWorkspace, type FirstWorkspace } from './resolvers/workspaces/ensureFirstWorkspace.ts';
import { schema } from './schema/schema.ts';
import { createHttp } from './server/http.ts';
import { openServices } from './server/openServices.ts';

/** However stuck something is, the process is gone by then. */
const exitMs = 9_500;
/** A terminal and npm both pass on one Ctrl-C. */
const sameSignalMs = 100;

await main();

/** The composition root: configuration, then services, then the roles asked for. */
async function main(): Promise<void> {
  const undo: (() => Promise<unknown>)[] = [];
  try {
    const config = readConfig(process.env);
    await start(config, undo);
  } catch (error) {
    // One line: what is wrong is for the person who starts it, not for a debugger.
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`Frontdesk cannot start: ${message.trim().replaceAll(/\s*\n\s*/g, ' ')}\n`);
    if (!(error instanceof UnusableConfig) && process.env.LOG_LEVEL === 'debug') console.error(error);
    for (const step of undo.reverse()) await step().catch(() => {});
    process.exit(1);
  }
}

async function start(config: Config, undo: (() => Promise<unknown>)[]): Promise<void> {
  const log = createLog({ level: config.logLevel });
  stopOnSignal(undo, log);
  process.on('unhandledRejection', (error) => {
    log.fatal({ error }, 'an unhandled rejection');
    process.exit(1);
  });
  process.on('uncaughtException', (error) => {
    log.fatal({ error }, 'an uncaught exception');
    process.exit(1);
  });
  if (!config.databaseUrl) secretIn(config.dataDir);

  const databaseUrl = config.databaseUrl ?? (await openEmbedded(config, undo, log));
  await migrate(databaseUrl, { log: (line) => log.info(line) }).catch((error: Error) => {
    if (!config.databaseUrl || error instanceof MigrationError) throw error;
    throw new UnusableConfig(
      `DATABASE_URL cannot be used: ${error.message || (error as NodeJS.ErrnoException).code}`,
    );
  });
  await migrateQueue(databaseUrl, log);
  const { services, close } = openServices({ config, databaseUrl, schema, log });
  undo.push(close);

  const own = {
    db: services.db,
    clock: services.clock,
    log,
    outside: services.outside,
    committed: services.sequencer.run,
  };
  const first = await ensureFirstWorkspace(systemContext(own), config.adminKey, config.demo);
  if (first.demo === 'LOADING' && config.demo) {
    log.info('loading demo data');
    await loadDemo(systemContext(own, first.workspace));
  }

  // What takes work in ends at once and together; what it works with, after it.
  const intake: (() => Promise<unknown>)[] = [];
  undo.push(() => Promise.all(intake.map((end) => end())));
  if (config.role !== 'api') {
    const queue = await startQueue({ databaseUrl, jobs: jobs(services), log });
    const readers = startEventReaders({ ...own, bus: services.bus, metrics: services.metrics }, eventReaders);
    intake.push(queue.stop, startBulkOperations(own).stop, readers.stop);
    intake.push(startDeliveries({ ...own, bus: services.bus }).stop, startConnectionPolls(own).stop);
    if (first.demo && config.demo) intake.push(startDemoLife(own, first.workspace).stop);
  }
  let url: string | null = null;
  if (config.port !== null) {
    const http = createHttp(services);
    url = await http.listen(config.port, config.host).catch((error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? `port ${config.port} is in use` : error.message;
      throw new UnusableConfig(`HOST and PORT cannot be used: ${reason}`);
    });
    intake.push(http.drain);
  }
  log.info({ url, role: config.role }, 'started');
  greet(config, config.publicUrl ?? url, first);
}

async function openEmbedded(
  config: Config,
  undo: (() => Promise<unknown>)[],
  log: ReturnType<typeof createLog>,
): Promise<string> {
  const postgres = await startEmbeddedPostgres({
    dataDir: join(config.dataDir, 'postgres'),
    log: (line) => log.info(line),
  });
  undo.push(postgres.stop);
  return postgres.url;
}

/** SIGTERM and SIGINT undo the start, last step first; a second one does not wait for that. */
function stopOnSignal(undo: (() => Promise<unknown>)[], log: ReturnType<typeof createLog>): void {
  let since: number | null = null;
  const stop = async (signal: NodeJS.Signals) => {
    if (since !== null && performance.now() - since < sameSignalMs) return;
    if (since !== null) process.exit(1);
    since = performance.now();
    log.info({ signal }, 'stopping');
    setTimeout(() => {
      log.error('could not stop in time');
      process.exit(1);
    }, exitMs).unref();
    for (const step of undo.reverse())
      await step().catch((error: unknown) => log.error({ error }, 'stopping: a step failed'));
    log.info('stopped');
    process.exit(0);
  };
  process.on('SIGTERM', (signal) => void stop(signal)).on('SIGINT', (signal) => void stop(signal));
}

/** For the person at the terminal: what to open, and the key, which is shown this once. */
function greet(config: Config, url: string | null, first: FirstWorkspace): void {
  const lines =
    url && config.role !== 'worker'
      ? [
          `Frontdesk is ready: ${url}`,
          `  Dashboard   ${url}/`,
          `  GraphQL     ${url}/graphql${config.graphiql ? ' (open it in a browser to try queries)' : ''}`,
        ]
      : [`Frontdesk is ready (${config.role}).`];
  if (first.generatedKey) {
    lines.push(
      `  Admin key   ${first.generatedKey}`,
      '              Shown this once. Send it as "Authorization: Bearer <key>".',
    );
  } else if (config.adminKey) {
    lines.push('  Admin key   the one in FRONTDESK_ADMIN_KEY');
  } else {
    lines.push('  Admin key   was shown at the first start; set FRONTDESK_ADMIN_KEY to add a new one.');
  }
  process.stdout.write(`\n${lines.join('\n')}\n\n`);
}
