import type { GraphQLContext } from '../schema/builder.ts';
import type { Caller } from './callers.ts';
import type { PlanNote } from './reads/createReads.ts';
import type { Services } from './services.ts';

/** One operation's context: what resolvers get, and what its execution is told. */
export type OperationContext = GraphQLContext & {
  /** Ends it. */
  signal?: AbortSignal;
  /** Where plans are noted, for who asked to see them. */
  plans?: PlanNote[];
  /** It took too long already, and is not begun again. */
  late?: boolean;
};

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
    committed: services.sequencer.run,
    viewer: caller.viewer,
    workspace: caller.workspace,
    requestId,
    signal,
  };
}
