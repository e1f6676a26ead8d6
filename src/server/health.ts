import type { Services } from './services.ts';
import { within } from './within.ts';

/** How long an answer of the database is good for: probes must not become load. */
const ttlMs = 500;
const timeoutMs = 2_000;

export interface Health {
  status: 'ready' | 'unready' | 'draining';
  database: 'ok' | 'unreachable';
  /** `degraded`: without Redis readers poll, which is slower and loses nothing. */
  bus: 'ok' | 'degraded';
}

/** Whether this process can serve. */
export function createHealth(services: Services, isDraining: () => boolean): () => Promise<Health> {
  let last: Promise<boolean> = Promise.resolve(false);
  let askedAt = Number.NEGATIVE_INFINITY;

  function databaseAnswers(): Promise<boolean> {
    if (performance.now() - askedAt < ttlMs) return last;
    askedAt = performance.now();
    const answer = services.db.$queryRaw`SELECT 1`.then(
      () => true,
      () => false,
    );
    last = within(timeoutMs, answer, () => false);
    return last;
  }

  return async () => {
    const database = (await databaseAnswers()) ? 'ok' : 'unreachable';
    const status = isDraining() ? 'draining' : database === 'ok' ? 'ready' : 'unready';
    return { status, database, bus: services.bus.state() };
  };
}
