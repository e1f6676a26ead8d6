import { setTimeout as sleep } from 'node:timers/promises';
import type { Context, Viewer } from '../core/context.ts';
import type { BulkOperation } from '../core/database.ts';
import { newId } from '../core/ids.ts';
import {
  claimBulkOperation,
  leaseSeconds,
  NoLongerMine,
  releaseClaim,
  renewClaim,
} from '../resolvers/bulkOperations/bulkOperationState.ts';
import { runBackfill } from '../resolvers/connections/runBackfill.ts';
import { runDriftCheck } from '../resolvers/connections/runDriftCheck.ts';
import { runImport } from '../resolvers/imports/runImport.ts';
import { runRescore } from '../resolvers/leadScores/runRescore.ts';
import { everyRight, type SystemServices, systemContext } from './systemContext.ts';

/** How each kind of operation is worked on: goes on behind its checkpoint until it ends or `stopping`. */
const work: Record<
  BulkOperation['kind'],
  (ctx: Context, operation: BulkOperation, worker: string, stopping: AbortSignal) => Promise<void>
> = {
  IMPORT: runImport,
  RESCORE: runRescore,
  BACKFILL: runBackfill,
  DRIFT_CHECK: runDriftCheck,
};

const pollMs = 500;
/** After an operation that could not go on: the database may be away. */
const troubleMs = 5_000;

/**
 * Works on bulk operations, one at a time, until `stop`, which lets the batch under way finish and leaves the rest to
 * the next worker. The table says what there is to do; whoever claims a row has it while it renews its claim, so the
 * work of a process that was killed is taken up by another within seconds.
 */
export function startBulkOperations(services: SystemServices): { stop(): Promise<void> } {
  const { log } = services;
  const worker = newId();
  const stopping = new AbortController();
  const pause = (ms: number) => sleep(ms, null, { signal: stopping.signal }).catch(() => {});

  async function workOn(operation: BulkOperation): Promise<void> {
    const { id } = operation;
    const workspace = await services.db.workspace.findUniqueOrThrow({ where: { id: operation.workspaceId } });
    const ctx = { ...systemContext(services, workspace), viewer: starterOf(operation) };
    const renewal = setInterval(
      () => void renewClaim(ctx, id, worker).catch(() => {}),
      (leaseSeconds * 1_000) / 3,
    );
    try {
      await work[operation.kind](ctx, operation, worker, stopping.signal);
    } catch (error) {
      if (error instanceof NoLongerMine) return log.info({ id }, 'bulk operation: called off or taken over');
      throw error;
    } finally {
      clearInterval(renewal);
    }
    if (stopping.signal.aborted) await releaseClaim(ctx, id, worker);
  }

  const working = (async () => {
    while (!stopping.signal.aborted) {
      try {
        const operation = await claimBulkOperation(services, worker);
        if (operation) await workOn(operation);
        else await pause(pollMs);
      } catch (error) {
        log.error({ error }, 'bulk operations: could not go on; trying again');
        await pause(troubleMs);
      }
    }
  })();

  return {
    async stop() {
      stopping.abort();
      await working;
    },
  };
}

/** Whoever started it is the actor of its events. Their rights were asked for then. */
function starterOf({ actorKind, actorId }: BulkOperation): Viewer {
  if (actorKind === 'USER' && actorId) return { kind: 'user', id: actorId, role: 'ADMIN', ...everyRight };
  if (actorKind === 'API_KEY' && actorId)
    return { kind: 'apiKey', id: actorId, role: 'ADMIN', ...everyRight };
  return { kind: 'system', ...everyRight };
}
