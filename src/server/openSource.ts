import {
  createSourceEventStream,
  type ExecutionResult,
  type GraphQLError,
  type ValidatedSubscriptionArgs,
  validateSubscriptionArgs,
} from 'graphql';
import { graphqlContext, type OperationContext } from './graphqlContext.ts';
import type { Operation } from './operation.ts';
import { publicError } from './publicError.ts';
import type { Services } from './services.ts';
import type { Session } from './sessions.ts';

export interface OpenedSource {
  args: ValidatedSubscriptionArgs;
  source: AsyncIterable<unknown>;
}

/** The events of a subscription, opened with the caller's rights of now; or why they are refused. */
export async function openSource(
  services: Services,
  operation: Operation,
  { session, requestId, signal }: { session: Session; requestId: string; signal?: AbortSignal },
): Promise<OpenedSource | ExecutionResult> {
  const args = validateSubscriptionArgs({
    schema: services.schema,
    document: operation.document,
    operationName: operation.operationName,
    variableValues: operation.variables,
    contextValue: followCaller(graphqlContext(services, session.caller, requestId, signal), session),
  });
  const source = 'schema' in args ? await createSourceEventStream(args) : { errors: args as GraphQLError[] };
  if ('schema' in args && Symbol.asyncIterator in source) return { args, source };
  const asked = { requestId, log: services.log, operationName: operation.operationName };
  const { errors = [] } = source as ExecutionResult;
  return { errors: errors.map((error) => publicError(error, asked)) };
}

/** The context that the source itself keeps: always the caller as of the last check. */
function followCaller(context: OperationContext, session: Session): OperationContext {
  return Object.defineProperties(context, {
    viewer: { get: () => session.caller.viewer, enumerable: true },
    workspace: { get: () => session.caller.workspace, enumerable: true },
  });
}
