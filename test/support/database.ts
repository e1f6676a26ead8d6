import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type DatabaseError } from 'pg';
import { inject } from 'vitest';

export interface TestDatabase {
  url: string;
  /** Drops it, with whoever is still connected. */
  drop(): Promise<void>;
}

/** A database of this test's own with all migrations applied, cloned from the template. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const template = inject('databaseTemplate');
  const name = `${template}_${randomBytes(6).toString('hex')}`;
  await asAdmin(async (admin) => {
    for (let attempt = 1; ; attempt++) {
      try {
        // Some 1,500 small files: to copy them takes less than to write them into the log.
        await admin.query(`create database ${name} template ${template} strategy file_copy`);
        return;
      } catch (error) {
        // 55006: the template is in use, by autovacuum say.
        if ((error as DatabaseError).code !== '55006' || attempt === 20) throw error;
        await sleep(100 * attempt);
      }
    }
  });
  const url = new URL(inject('databaseAdminUrl'));
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () => asAdmin((admin) => admin.query(`drop database if exists ${name} with (force)`)),
  };
}

async function asAdmin(work: (admin: Client) => Promise<unknown>): Promise<void> {
  const admin = new Client({ connectionString: inject('databaseAdminUrl') });
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.end();
  }
}
