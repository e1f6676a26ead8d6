import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Database, openDatabase } from '../../src/core/database.ts';
import { startEmbeddedPostgres } from '../../src/core/embeddedPostgres.ts';
import { migrate } from '../../src/core/migrate.ts';
import { removeDatabaseOnDeath } from '../support/process.ts';
import { loadBigBusiness, type Size } from './bigBusiness.ts';

export interface BigServer {
  url: string;
  db: Database;
  close(): Promise<void>;
}

/** A PostgreSQL of its own with a big business in it, for a benchmark; gone when it is closed. */
export async function startBigServer(size: Size, directory = tmpdir()): Promise<BigServer> {
  const dataDir = await mkdtemp(join(directory, 'frontdesk-big-'));
  await chmod(dataDir, 0o711); // As root, the database runs as another user.
  const cancel = removeDatabaseOnDeath(dataDir);
  const remove = async () => {
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
    cancel();
  };
  try {
    const postgres = await startEmbeddedPostgres({
      dataDir,
      settings: { shared_buffers: '2GB', max_wal_size: '16GB', fsync: 'off', full_page_writes: 'off' },
    });
    try {
      await migrate(postgres.url);
      await loadBigBusiness(postgres.url, size);
      const db = openDatabase(postgres.url);
      const close = async () => {
        await db.$disconnect();
        await postgres.stop();
        await remove();
      };
      return { url: postgres.url, db, close };
    } catch (error) {
      await postgres.stop();
      throw error;
    }
  } catch (error) {
    await remove();
    throw error;
  }
}
