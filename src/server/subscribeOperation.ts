import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ExecutionResult, executeSubscriptionEvent } from 'graphql';
import { isFollowing } from '../resolvers/events/follow.ts';
import { graphqlContext } from './graphqlContext.ts';
import type { Asked } from './live/live.ts';
import { type OpenedSource, openSource } from './openSource.ts';
import type { Operation } from './operation.ts';
import { publicError } from './publicError.ts';
import type { Services } from './services.ts';
import type { Session } from './sessions.ts';

/** Results in a row before others get their turn. */
const turn = 32;

type Results = AsyncGenerator<ExecutionResult, void, void>;

/**
 * Starts a subscription. One that reads the log is given to `seat`, which answers why not, or null: its events come by
 * themselves. The results of any other are executed one by one, as fast as they are taken; `return()` ends them at once,
 * also while it waits. Null for what was seated.
 */
export async function subscribeOperation(
  services: Services,
  operation: Operation,
  { session, requestId }: { session: Session; requestId: string },
  seat: (asked: Asked) => Promise<ExecutionResult | null>,
): Promise<Results | ExecutionResult | null> {
  const count = (outcome: string) => services.metrics.operations.inc({ type: 'subscription', outcome });
  const stopped = new AbortController();
  const opened = await openSource(services, operation, { session, requestId, signal: stopped.signal });
  let results: Results | ExecutionResult | null;
  if (!('source' in opened)) results = opened;
  else if (isFollowing(opened.source))
    results = await seat({ operation, args: opened.args, following: opened.source });
  else results = executed(services, opened, { session, requestId, stopped });
  count(results === null || Symbol.asyncIterator in results ? 'ok' : 'refused');
  return results;
}

const done = { done: true, value: undefined } as const;

/**
 * A source of another kind. Each event is executed with the caller's rights of that moment and a context of its own,
 * since resolvers remember permissions and rows by context.
 */
function executed(
  services: Services,
  { args, source }: OpenedSource,
  { session, requestId, stopped }: { session: Session; requestId: string; stopped: AbortController },
): Results {
  const asked = { requestId, log: services.log };
  const failed = (errors: readonly unknown[]): ExecutionResult => ({
    errors: errors.map((error) => publicError(error, asked)),
  });

  async function* respond(events: AsyncIterable<unknown>): Results {
    try {
      for await (const rootValue of events) {
        const contextValue = graphqlContext(services, session.caller, requestId, stopped.signal);
        const result = await executeSubscriptionEvent({ ...args, rootValue, contextValue });
        yield result.errors?.length ? { ...result, ...failed(result.errors) } : result;
      }
    } catch (error) {
      yield failed([error]);
    }
  }

  const events = source[Symbol.asyncIterator]();
  const results = respond({ [Symbol.asyncIterator]: () => events });
  /** Lets go who waits for the next result. Not a race with a promise of the end, which would keep every result until then. */
  let release = () => {};
  let delivered = 0;
  services.metrics.live.subscriptions.inc();

  async function stop(): Promise<IteratorResult<ExecutionResult, void>> {
    if (!stopped.signal.aborted) {
      services.metrics.live.subscriptions.dec();
      stopped.abort();
      // Not awaited: a source that minds neither the signal nor this must not hold up who closes it.
      Promise.resolve(events.return?.()).catch(() => {});
      results.return().catch(() => {});
      release();
    }
    return done;
  }

  const stoppable: Results = {
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
    [Symbol.asyncIterator]: () => stoppable,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
  return stoppable;
}
