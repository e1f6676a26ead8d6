import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '../core/bus.ts';
import type { Workspace } from '../core/context.ts';
import type { Delivery, IntegrationConnection } from '../core/database.ts';
import { newId } from '../core/ids.ts';
import { openConnection } from '../resolvers/connections/openConnection.ts';
import { claimDeliveries, dueConnections, leaseSeconds, renewClaims } from '../resolvers/deliveries/claim.ts';
import { deliver } from '../resolvers/deliveries/deliver.ts';
import { settleDone, settleFailed } from '../resolvers/deliveries/settle.ts';
import { type SystemServices, systemContext } from './systemContext.ts';

/** The rows say what there is to do; this is how soon a new one is seen at the latest. */
const pollMs = 200;
/** After the database was away. */
const troubleMs = 2_000;
/** Deliveries of one connection under way in this process: enough to keep a rate budget busy while some wait for answers. */
const perConnection = 12;
const fewest = 4;

/**
 * Works on deliveries until `stop`, which lets those under way finish. Any number of processes may: rows are claimed, and
 * those of a process that was killed are taken up when its claim ends.
 */
export function startDeliveries(services: SystemServices & { bus: Bus }): { stop(): Promise<void> } {
  const { log, bus, db, clock } = services;
  const worker = newId();
  const stopping = new AbortController();
  const underWay = new Map<string, Set<Promise<void>>>();
  /** What is claimed by this worker. */
  const mine = new Set<string>();
  const renewal = setInterval(
    () => mine.size > 0 && void renewClaims({ db }, [...mine], worker).catch(() => {}),
    (leaseSeconds * 1_000) / 3,
  );
  let wakeUp = () => {};

  async function one(delivery: Delivery, row: IntegrationConnection, workspace: Workspace): Promise<void> {
    try {
      const ctx = {
        ...systemContext(services, workspace),
        origin: 'SYNC' as const,
        connectionId: row.id,
      };
      try {
        const open = openConnection(ctx, row, {
          deliveryId: delivery.id,
          lane: delivery.lane === 0 ? 'live' : 'backfill',
        });
        await settleDone(ctx, delivery, await deliver(ctx, open, delivery));
      } catch (error) {
        await settleFailed(ctx, delivery, error);
      }
    } catch (error) {
      // Its claim ends by itself, and it is done then.
      log.error({ error, deliveryId: delivery.id }, 'deliveries: the database is away');
    }
  }

  /** Claims what is due, as much as there is room for. */
  async function round(): Promise<void> {
    for (const { connectionId, probing } of await dueConnections({ db }, clock.now())) {
      const running = underWay.get(connectionId) ?? new Set();
      underWay.set(connectionId, running);
      const room = (probing ? 1 : perConnection) - running.size;
      // A few at a time: to look for one after each that ends is most of the work.
      if (room < Math.min(fewest, running.size + 1) || stopping.signal.aborted) continue;
      const claimed = await claimDeliveries({ db }, connectionId, worker, room, clock.now());
      if (claimed.length === 0) continue;
      const { workspace, ...row } = await db.integrationConnection.findUniqueOrThrow({
        where: { id: connectionId },
        include: { workspace: true },
      });
      for (const delivery of claimed) {
        mine.add(delivery.id);
        const work = one(delivery, row, workspace).finally(() => {
          mine.delete(delivery.id);
          running.delete(work);
          wakeUp();
        });
        running.add(work);
      }
    }
  }

  const stopListening = bus.listen(() => wakeUp());
  const working = (async () => {
    while (!stopping.signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        wakeUp = resolve;
      });
      try {
        await round();
      } catch (error) {
        log.error({ error }, 'deliveries: could not go on; trying again');
        await pause(troubleMs);
      }
      await Promise.race([woken, pause(pollMs)]);
    }
    await Promise.all([...underWay.values()].flatMap((running) => [...running]));
  })();

  function pause(ms: number): Promise<unknown> {
    return sleep(ms, null, { signal: stopping.signal }).catch(() => {});
  }

  return {
    async stop() {
      stopListening();
      stopping.abort();
      await working;
      clearInterval(renewal);
    },
  };
}
