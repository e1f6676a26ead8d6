import { setTimeout as sleep } from 'node:timers/promises';
import { OutsideFailure } from '../integrations/failure.ts';
import { claimPoll, pollConnection } from '../resolvers/connections/pollConnection.ts';
import { type SystemServices, systemContext } from './systemContext.ts';

const pauseMs = 2_000;

/** Looks for changes in connected systems, each when it is due, until `stop`. */
export function startConnectionPolls(services: SystemServices): { stop(): Promise<void> } {
  const { db, log } = services;
  const stopping = new AbortController();
  const working = (async () => {
    while (!stopping.signal.aborted) {
      let found = false;
      try {
        const row = await claimPoll(services);
        found = row !== null;
        if (row) {
          const workspace = await db.workspace.findUniqueOrThrow({ where: { id: row.workspaceId } });
          await pollConnection(systemContext(services, workspace), row, stopping.signal);
        }
      } catch (error) {
        // The next look goes back to where the last good one began.
        const level = error instanceof OutsideFailure || stopping.signal.aborted ? 'info' : 'error';
        log[level]({ error }, 'integrations: changes could not be looked for');
      }
      if (!found) await sleep(pauseMs, null, { signal: stopping.signal }).catch(() => {});
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await working;
    },
  };
}
