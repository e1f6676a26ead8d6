import { setTimeout as sleep } from 'node:timers/promises';
import type { Workspace } from '../core/context.ts';
import { liveDemo } from '../resolvers/demo/liveDemo.ts';
import { type SystemServices, systemContext } from './systemContext.ts';

/** From one change to the next, in the middle. */
const betweenMs = 8_000;

/** Keeps something going on in the demo workspace, until `stop`. */
export function startDemoLife(services: SystemServices, workspace: Workspace): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const living = (async () => {
    while (!stopping.signal.aborted) {
      const pause = betweenMs * (0.5 + Math.random());
      await sleep(pause, null, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return;
      try {
        await liveDemo(systemContext(services, workspace), Math.random);
      } catch (error) {
        services.log.warn({ error }, 'demo: nothing happened this time');
      }
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await living;
    },
  };
}
