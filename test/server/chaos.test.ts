import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { runChaos } from '../support/chaos.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { stopProcesses } from '../support/process.ts';

// Whole programs are started, killed and started again, which takes a while on a busy machine.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await stopProcesses();
  await database.drop();
});

test.skipIf(!inject('hasRedisServer'))(
  'Whoever subscribes has every event once and in order, however often they, Redis and the gateways go away.',
  async () => {
    const report = await runChaos({ databaseUrl: database.url, subscribers: 20, perSecond: 40, seconds: 10 });
    expect(report.problems).toEqual([]);
    expect(report.acknowledged).toBeGreaterThan(50);
    expect(report.resumes).toBeGreaterThan(40);
  },
);
