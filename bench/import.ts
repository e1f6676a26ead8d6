/**
 * Imports: the two files that ship, brought in by the tool as a user would, and the rows that came of it written once
 * more by hand-written statements over sets, into the same tables of the same server. Prints rows per second, the
 * ratio, and the processor time that a row took in Node and in PostgreSQL. Only ratios mean anything.
 *
 * npm run bench:import
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { processorTime } from './callers.ts';
import { rawImport } from './rawImport.ts';
import { startWorld, type World } from './startWorld.ts';

const files =
  process.argv.length > 2
    ? process.argv.slice(2)
    : ['demo/cdnow/CDNOW_master.txt.gz', 'demo/hotel/hotels.csv.gz'];

const world = await startWorld();
try {
  const postmaster = Number(
    readFileSync(`${world.dataDir}/postgres/cluster/postmaster.pid`, 'utf8').split('\n')[0],
  );
  const rows: Record<string, unknown> = {};
  for (const file of files) {
    const before = { node: processorTime(world.process.pid as number), database: databaseTime(postmaster) };
    const began = performance.now();
    await importFile(world, file);
    const seconds = (performance.now() - began) / 1_000;
    const { done, refused, customers, bookings, payments } = await outcome(world);
    const per = (microseconds: number) => Math.round(microseconds / done);
    const raw = await rawImport(world.databaseUrl, world.workspaceId);
    const name = file.split('/').at(-1) as string;
    rows[name] = {
      ...{ rows: done, refused, customers, bookings, payments },
      'rows/s': Math.round(done / seconds),
      'Node us/row': per(processorTime(world.process.pid as number) - before.node),
      'PostgreSQL us/row': per(databaseTime(postmaster) - before.database - raw.processorTime),
      'by hand, rows/s': Math.round(raw.bookings / raw.seconds),
      ratio: Number((done / seconds / (raw.bookings / raw.seconds)).toFixed(2)),
    };
  }
  console.table(rows);
} finally {
  await world.close();
}

async function importFile({ url, key }: World, file: string): Promise<void> {
  const env = { ...process.env, FRONTDESK_URL: url, FRONTDESK_API_KEY: key };
  const tool = spawn(process.execPath, ['cli/import.ts', file], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = await once(tool, 'exit');
  if (code !== 0) throw new Error(`The import of ${file} ended with ${code}.`);
}

async function outcome({ database }: World) {
  const { rows } = await database.query(
    `SELECT rows_done AS done, rows_refused AS refused, customers_created AS customers, bookings_created AS bookings,
      payments_created AS payments FROM bulk_operation ORDER BY created_at DESC LIMIT 1`,
  );
  return rows[0] as Record<'done' | 'refused' | 'customers' | 'bookings' | 'payments', number>;
}

/** Processor time of a PostgreSQL server with all its processes, those that are gone included. */
function databaseTime(postmaster: number): number {
  const children = readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1] === String(postmaster);
    } catch {
      return false; // gone meanwhile
    }
  });
  const ended = readFileSync(`/proc/${postmaster}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const own = processorTime(postmaster) + (Number(ended[13]) + Number(ended[14])) * 10_000;
  // One that is gone meanwhile is counted with those that ended.
  return children.reduce((sum, pid) => sum + (processorTime(Number(pid)) || 0), own);
}
