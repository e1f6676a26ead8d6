// The long story of two sides that change at once: npm run story:sync [-- --changes 10000 --customers 400 --pace 20]
// Starts a PostgreSQL, a gateway and an ActiveCampaign of its own; takes some minutes, and ends with 1 when the two sides
// differ or something was done twice.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEmbeddedPostgres } from '../../src/core/embeddedPostgres.ts';
import { syncStory } from './syncStory.ts';

const { values } = parseArgs({
  options: {
    changes: { type: 'string', default: '10000' },
    customers: { type: 'string', default: '400' },
    failing: { type: 'string', default: '0.05' },
    kills: { type: 'string', default: '2' },
    pace: { type: 'string', default: '20' },
  },
});
const dataDir = await mkdtemp(join(tmpdir(), 'frontdesk-story-'));
const postgres = await startEmbeddedPostgres({ dataDir });
try {
  const report = await syncStory({
    databaseUrl: postgres.url,
    changes: Number(values.changes),
    customers: Number(values.customers),
    failing: Number(values.failing),
    kills: Number(values.kills),
    pace: Number(values.pace),
    rate: 200,
    spacingMs: 5,
    say: (line) => console.log(line),
  });
  console.log(JSON.stringify(report, null, 2));
  const { differing, duplicates, wrongStarts, parked } = report;
  process.exitCode = [differing, duplicates, wrongStarts, parked].some((all) => all.length > 0) ? 1 : 0;
} finally {
  await postgres.stop();
  await rm(dataDir, { recursive: true, force: true });
}
