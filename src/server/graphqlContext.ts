import type { Caller } from './callers.ts';
import type { OperationContext } from './operationContext.ts';
import type { Services } from './services.ts';

export type { OperationContext };

/** Made once an operation, and again for each event of a subscription: resolvers remember answers by it. */
export function graphqlContext(
  services: Services,
  caller: Caller,
  requestId: string,
  signal?: AbortSignal,
): OperationContext {
  return {
    db: services.db,
    clock: services.clock,
    log: services.log,
    eventLog: services.eventLog,
    outside: services.outside,
    committed: services.sequencer.run,
    viewer: caller.viewer,
    workspace: caller.workspace,
    requestId,
    signal,
  };
}
