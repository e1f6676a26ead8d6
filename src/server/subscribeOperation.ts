import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  createSourceEventStream,
  type ExecutionResult,
  executeSubscriptionEvent,
  type GraphQLError,
  validateSubscriptionArgs,
} from 'graphql';
import { graphqlContext, type OperationContext } from './graphqlContext.ts';
import type { Operation } from './operation.ts';
import { publicError } from './publicError.ts';
import type { Services } from './services.ts';
import type { Session } from './sessions.ts';

/** Results in a row before others get their turn. */
const turn = 32;

export interface Subscriber {
  session: Session;
  requestId: string;
}

/**
 * Starts a subscription. Each event is executed with the caller's rights of that moment and a context of
 * its own, since resolvers remember permissions and rows by context. `return()` ends it at once and reaches
 * the source even while it waits: the signal wakes it.
 */
export async function subscribeOperation(
  services: Services,
  operation: Operation,
  { session, requestId }: Subscriber,
): Promise<AsyncGenerator<ExecutionResult, void, void> | ExecutionResult> {
  const stopped = new AbortController();
  const asked = { requestId, log: services.log, operationName: operation.operationName };
  const fresh = () => graphqlContext(services, session.caller, requestId, stopped.signal);
  const failed = (errors: readonly unknown[]): ExecutionResult => ({
    errors: errors.map((error) => publicError(error, asked)),
  });
  const count = (outcome: string) => services.metrics.operations.inc({ type: 'subscription', outcome });

  const args = validateSubscriptionArgs({
    schema: services.schema,
    document: operation.document,
    operationName: operation.operationName,
    variableValues: operation.variables,
    contextValue: followCaller(fresh(), session),
  });
  const source = 'schema' in args ? await createSourceEventStream(args) : { errors: args as GraphQLError[] };
  if (!('schema' in args) || !(Symbol.asyncIterator in source)) {
    count('refused');
    return failed((source as ExecutionResult).errors ?? []);
  }

  async function* respond(events: AsyncIterable<unknown>): AsyncGenerator<ExecutionResult, void, void> {
    try {
      for await (const rootValue of events) {
        const result = await executeSubscriptionEvent({ ...validated, rootValue, contextValue: fresh() });
        yield result.errors?.length ? { ...result, ...failed(result.errors) } : result;
      }
    } catch (error) {
      yield failed([error]);
    }
  }

  const validated = args;
  const events = source[Symbol.asyncIterator]();
  const results = respond({ [Symbol.asyncIterator]: () => events });
  const done = { done: true, value: undefined } as const;
  /** Lets go who waits for the next result. Not a race with a promise of the end, which would keep every result until then. */
  let release = () => {};
  let delivered = 0;
  services.metrics.subscriptions.inc();
  count('ok');

  async function stop(): Promise<IteratorResult<ExecutionResult, void>> {
    if (!stopped.signal.aborted) {
      services.metrics.subscriptions.dec();
      stopped.abort();
      // Not awaited: a source that minds neither the signal nor this must not hold up who closes it.
      Promise.resolve(events.return?.()).catch(() => {});
      results.return().catch(() => {});
      release();
    }
    return done;
  }

  const generator: AsyncGenerator<ExecutionResult, void, void> = {
    async next() {
      // A source with a backlog may answer without ever waiting; everybody else shares this thread.
      if (++delivered % turn === 0) await nextTurn();
      if (stopped.signal.aborted) return done;
      const result = await new Promise<IteratorResult<ExecutionResult, void>>((resolve, reject) => {
        release = () => resolve(done);
        results.next().then(resolve, reject);
      });
      if (result.done) await stop();
      return result;
    },
    return: stop,
    async throw(error) {
      await stop();
      throw error;
    },
    [Symbol.asyncIterator]: () => generator,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
  return generator;
}

/** The context that the source itself keeps: always the caller as of the last check. */
function followCaller(context: OperationContext, session: Session): OperationContext {
  return Object.defineProperties(context, {
    viewer: { get: () => session.caller.viewer, enumerable: true },
    workspace: { get: () => session.caller.workspace, enumerable: true },
  });
}
