// Live delivery while everything around it is killed: npm run chaos [seconds, 180 when left out] [subscribers, 200] [events a second, 200]
//
// On the server of DATABASE_URL, in a database that may be filled, or else on an embedded one. Needs redis-server.
// test/support/chaos.ts says what happens. Ends with an error when anybody's record is not the log.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../src/core/embeddedPostgres.ts';
import { runChaos } from '../test/support/chaos.ts';
import { removeDatabaseOnDeath } from '../test/support/process.ts';

const [seconds = 180, subscribers = 200, perSecond = 200] = process.argv.slice(2).map(Number);
const log = (line: string) => console.log(`${new Date().toISOString()} ${line}`);

const given = process.env.DATABASE_URL;
const { problems, ...figures } = given ? await run(given) : await onEmbeddedPostgres(run);
console.table([figures]);
for (const problem of problems) console.error(problem);
console.log(
  problems.length === 0 ? 'Every record is complete, in order and without duplicates.' : 'Records are wrong.',
);
process.exit(problems.length === 0 ? 0 : 1);

function run(databaseUrl: string) {
  return runChaos({ databaseUrl, seconds, subscribers, perSecond, log });
}

async function onEmbeddedPostgres<Result>(use: (url: string) => Promise<Result>): Promise<Result> {
  const dataDir = mkdtempSync(join(tmpdir(), 'frontdesk-chaos-'));
  const cancel = removeDatabaseOnDeath(dataDir);
  chmodSync(dataDir, 0o711); // as root, the database runs as another user
  const postgres = await startEmbeddedPostgres({ dataDir, log: () => {} });
  try {
    return await use(postgres.url);
  } finally {
    await postgres.stop();
    rmSync(dataDir, { recursive: true, force: true });
    cancel();
  }
}
