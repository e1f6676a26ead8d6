import type { Context } from '../../core/context.ts';
import type { Delivery } from '../../core/database.ts';
import { type FailureKind, OutsideFailure } from '../../integrations/failure.ts';
import { masked } from '../connections/openConnection.ts';
import { downAfter } from './claim.ts';
import type { Delivered } from './deliver.ts';

/** A delivery that fails this often, while others go through, waits for somebody to look at it. */
const maxAttempts = 8;
const firstRetryMs = 500;
const longestRetryMs = 300_000;
const firstPauseMs = 1_000;
const longestPauseMs = 60_000;
/** Credentials do not mend themselves. */
const unauthorizedMs = 60_000;

type Settling = Pick<Context, 'db' | 'clock' | 'log'>;

/** What a failure came to: the delivery waits for another attempt, or for somebody to look at it. */
export interface Settled {
  parked: boolean;
  kind: FailureKind;
}

/** Half to one and a half of it, so that what failed together does not come back together. */
const jittered = (ms: number) => Math.round(ms * (0.5 + Math.random()));
const growing = (first: number, times: number, longest: number) =>
  Math.min(first * 2 ** Math.max(times, 0), longest);

/** Notes that a delivery is done or not wanted. If more of it was asked for meanwhile, it is done again. */
export async function settleDone(
  ctx: Settling,
  delivery: Delivery,
  { dropped, result }: Delivered,
  answered: boolean,
): Promise<void> {
  const now = ctx.clock.now();
  const status = dropped ? 'DROPPED' : 'DONE';
  // In one statement with the count of what was started, which outlives the row.
  await ctx.db.$executeRaw`
    WITH settled AS (
      UPDATE delivery SET claimed_by = NULL, claimed_until = NULL, attempts = 0, failing_since = NULL, error = ${dropped ?? null},
        result = coalesce(${result ? JSON.stringify(result) : null}::jsonb, result),
        status = CASE WHEN position = ${delivery.position} THEN ${status}::delivery_status ELSE 'WAITING' END,
        done_at = CASE WHEN position = ${delivery.position} THEN ${now}::timestamptz END,
        next_at = ${now}, asked_at = CASE WHEN position = ${delivery.position} THEN asked_at ELSE ${now}::timestamptz END
      WHERE id = ${delivery.id}::uuid AND claimed_by = ${delivery.claimedBy}::uuid
      RETURNING workspace_id, connection_id, status, payload->>'slot' AS slot
    )
    INSERT INTO integration_automation AS a (workspace_id, connection_id, slot, trigger_count, last_triggered_at)
      SELECT workspace_id, connection_id, slot, 1, ${now}::timestamptz FROM settled WHERE slot IS NOT NULL AND status = 'DONE'
    ON CONFLICT (workspace_id, connection_id, slot) DO UPDATE SET trigger_count = a.trigger_count + 1,
      last_triggered_at = greatest(a.last_triggered_at, excluded.last_triggered_at)`;
  // Where nothing had to be sent, nothing is known of how the system is.
  if (answered) await succeeded(ctx, delivery.connectionId);
}

/** The system answers. */
export async function succeeded(ctx: Settling, connectionId: string): Promise<void> {
  const now = ctx.clock.now();
  await ctx.db.$executeRaw`
    UPDATE integration_connection SET failures = 0, retry_at = NULL, health = 'OK', last_success_at = ${now}
    WHERE id = ${connectionId}::uuid
      AND (failures > 0 OR health <> 'OK' OR last_success_at IS NULL OR last_success_at < ${new Date(now.getTime() - 1_000)})`;
}

/** Decides what a failure means for a delivery and for its connection. */
export async function settleFailed(ctx: Settling, delivery: Delivery, error: unknown): Promise<Settled> {
  const failure = error instanceof OutsideFailure ? error : null;
  if (!failure) ctx.log.error({ error, deliveryId: delivery.id }, 'deliveries: one could not be done');
  const message = masked(failure ? failure.message : 'Something went wrong on our side.');
  const kind = failure?.kind ?? 'UNEXPECTED';
  const retry = async (waitMs: number, counts = true): Promise<Settled> => {
    await again(ctx, delivery, { waitMs, counts, message });
    return { parked: false, kind };
  };
  const parked = async (): Promise<Settled> => {
    await park(ctx, delivery, message);
    return { parked: true, kind };
  };

  if (kind === 'RATE_LIMITED') return retry(jittered(failure?.retryAfterMs ?? firstPauseMs), false);
  if (kind === 'UNAUTHORIZED') {
    await failed(ctx, delivery.connectionId, message, { health: 'UNAUTHORIZED', pauseMs: unauthorizedMs });
    return retry(0, false);
  }
  if (kind === 'REJECTED') {
    await succeeded(ctx, delivery.connectionId);
    return parked();
  }
  // Deleted there: the link is forgotten, and the next attempt makes the contact anew.
  if (kind === 'NOT_FOUND') {
    await succeeded(ctx, delivery.connectionId);
    return delivery.kind !== 'CONTACT' || delivery.attempts > 2 ? parked() : retry(0);
  }
  const lastSuccessAt =
    failure && (await pausing(ctx, delivery.connectionId, kind === 'UNAVAILABLE', message));
  const alone = delivery.failingSince && (!lastSuccessAt || lastSuccessAt > delivery.failingSince);
  if (delivery.attempts >= maxAttempts && alone) return parked();
  const ownMs = jittered(growing(firstRetryMs, delivery.attempts - 1, longestRetryMs));
  return retry(Math.max(ownMs, failure?.retryAfterMs ?? 0));
}

/** Counts a failure that passes, and answers when the system last answered. A system that is down is left alone for a while. */
async function pausing(
  ctx: Settling,
  connectionId: string,
  unavailable: boolean,
  message: string,
): Promise<Date | null> {
  const row = await ctx.db.integrationConnection.findUniqueOrThrow({ where: { id: connectionId } });
  if (!unavailable) return row.lastSuccessAt;
  const failures = row.failures + 1;
  const down = failures >= downAfter;
  const pauseMs = down ? jittered(growing(firstPauseMs, failures - downAfter, longestPauseMs)) : 0;
  await failed(ctx, connectionId, message, { health: down ? 'DOWN' : 'FAILING', pauseMs });
  return row.lastSuccessAt;
}

async function failed(
  ctx: Settling,
  connectionId: string,
  message: string,
  { health, pauseMs }: { health: 'FAILING' | 'DOWN' | 'UNAUTHORIZED'; pauseMs: number },
): Promise<void> {
  const now = ctx.clock.now();
  await ctx.db.$executeRaw`
    UPDATE integration_connection SET failures = failures + 1, health = ${health}::connection_health,
      last_error = ${message}, last_error_at = ${now},
      retry_at = CASE WHEN ${pauseMs}::integer > 0 THEN ${new Date(now.getTime() + pauseMs)}::timestamptz ELSE retry_at END
    WHERE id = ${connectionId}::uuid`;
}

async function again(
  ctx: Settling,
  delivery: Delivery,
  { waitMs, counts, message }: { waitMs: number; counts: boolean; message: string },
): Promise<void> {
  const now = ctx.clock.now();
  const nextAt = new Date(now.getTime() + waitMs);
  await ctx.db.$executeRaw`
    UPDATE delivery SET claimed_by = NULL, claimed_until = NULL, next_at = ${nextAt}, error = ${message},
      attempts = attempts - CASE WHEN ${counts} THEN 0 ELSE 1 END,
      failing_since = CASE WHEN ${counts} THEN coalesce(failing_since, ${now}::timestamptz) ELSE failing_since END
    WHERE id = ${delivery.id}::uuid AND claimed_by = ${delivery.claimedBy}::uuid`;
}

async function park(ctx: Settling, delivery: Delivery, message: string): Promise<void> {
  const now = ctx.clock.now();
  // What was asked for meanwhile may be what it takes.
  await ctx.db.$executeRaw`
    UPDATE delivery SET claimed_by = NULL, claimed_until = NULL, error = ${message}, next_at = ${now},
      status = CASE WHEN position = ${delivery.position} THEN 'PARKED'::delivery_status ELSE 'WAITING' END,
      failing_since = coalesce(failing_since, ${now}::timestamptz)
    WHERE id = ${delivery.id}::uuid AND claimed_by = ${delivery.claimedBy}::uuid`;
}
