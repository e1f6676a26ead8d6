import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../../core/context.ts';

/** Live changes go before history. */
export type Lane = 'live' | 'backfill';

/**
 * Who wakes this late takes another turn: a late start would come too close to the next one. Calls that come close anyway are not
 * worth it.
 */
const lateMs = 30;
const closeMs = 100;
const mostTries = 5;
const backfillPauseMs = 20;

/**
 * Waits until the next call to an account may start, and answers how long it waited. One row is the clock of all
 * processes: live calls reserve the next free moment, backfill takes only a moment that nobody has reserved.
 */
export async function takeTurn(
  { db }: Pick<Context, 'db'>,
  account: string,
  spacingMs: number,
  lane: Lane,
  signal?: AbortSignal,
): Promise<number> {
  const asked = performance.now();
  const waited = () => Math.round(performance.now() - asked);
  if (spacingMs === 0) return 0;
  const options = signal ? { signal } : {};
  for (let tries = 1; ; ) {
    const sent = performance.now();
    const [turn] =
      lane === 'live'
        ? await db.$queryRaw<{ ms: number }[]>`
          INSERT INTO rate_budget AS b (account, next_at) VALUES (${account}, clock_timestamp() + make_interval(secs => ${spacingMs}::float8 / 1000))
          ON CONFLICT (account) DO UPDATE SET next_at = greatest(b.next_at, clock_timestamp()) + make_interval(secs => ${spacingMs}::float8 / 1000)
          RETURNING (extract(epoch FROM next_at - clock_timestamp()) * 1000)::float8 - ${spacingMs}::float8 AS ms`
        : await db.$queryRaw<{ ms: number }[]>`
          INSERT INTO rate_budget AS b (account, next_at) VALUES (${account}, clock_timestamp() + make_interval(secs => ${spacingMs}::float8 / 1000))
          ON CONFLICT (account) DO UPDATE SET next_at = clock_timestamp() + make_interval(secs => ${spacingMs}::float8 / 1000)
            WHERE b.next_at <= clock_timestamp()
          RETURNING 0::float8 AS ms`;
    if (!turn) {
      await sleep(Math.min(spacingMs, backfillPauseMs * (1 + Math.random())), null, options);
      continue;
    }
    if (turn.ms > 0) await sleep(turn.ms, null, options);
    const lateBy = performance.now() - sent - Math.max(turn.ms, 0);
    // A database that takes this long for each turn is no reason to wait for ever.
    if (spacingMs < closeMs || lateBy <= lateMs || tries++ >= mostTries) return waited();
  }
}

/** The account asked for a pause: nobody starts a call before it is over. */
export async function holdTurns({ db }: Pick<Context, 'db'>, account: string, ms: number): Promise<void> {
  await db.$executeRaw`
    INSERT INTO rate_budget AS b (account, next_at) VALUES (${account}, clock_timestamp() + make_interval(secs => ${ms}::float8 / 1000))
    ON CONFLICT (account) DO UPDATE SET next_at = greatest(b.next_at, clock_timestamp() + make_interval(secs => ${ms}::float8 / 1000))`;
}
