import { type ExecutionArgs, type ExecutionResult, execute, GraphQLError, getOperationAST } from 'graphql';
import { statementTimeoutMs, wasCancelled } from '../core/database.ts';
import type { OperationContext } from './graphqlContext.ts';
import { publicError } from './publicError.ts';
import type { Services } from './services.ts';
import { within } from './within.ts';

/** Longer than any statement may take: what is not done by then hangs. */
const timeoutMs = 40_000;

/**
 * Executes a query or mutation for any transport: errors masked, counted, and never without an end. What can be read
 * in one statement is; the executor does the rest.
 */
export async function executeOperation(services: Services, args: ExecutionArgs): Promise<ExecutionResult> {
  const type = getOperationAST(args.document, args.operationName)?.operation ?? 'query';
  const ended = new AbortController();
  const result = await within(timeoutMs, run(services, args, type, ended.signal), () => {
    ended.abort();
    return tooLate(type);
  });
  const masked = withPlans(args, maskErrors(services, args, result));
  services.metrics.operations.inc({ type, outcome: outcomeOf(masked) });
  return masked;
}

async function run(
  { reads }: Services,
  args: ExecutionArgs,
  type: string,
  ended: AbortSignal,
): Promise<ExecutionResult> {
  const { signal, late } = args.contextValue as OperationContext;
  if (late) return tooLate(type, statementTimeoutMs);
  try {
    return (await reads?.execute(args, ended)) ?? execute(args);
  } catch (error) {
    if (wasCancelled(error) || signal?.aborted || ended.aborted) return tooLate(type, statementTimeoutMs);
    throw error;
  }
}

/** For who asked to see how their query was read. */
function withPlans(args: ExecutionArgs, result: ExecutionResult): ExecutionResult {
  const { plans } = args.contextValue as OperationContext;
  if (!plans) return result;
  // In place: the answer may be made of text.
  return Object.assign(result, { extensions: { ...result.extensions, plan: plans } });
}

/** `ok`, or the kind of trouble: a code that is ours to look at, or the caller's. */
export function outcomeOf(result: ExecutionResult): string {
  if (!result.errors?.length) return 'ok';
  const codes = result.errors.map((error) => error.extensions.code);
  return codes.includes('INTERNAL') ? 'internal' : codes.includes('UNAVAILABLE') ? 'unavailable' : 'refused';
}

/** The result with each error as the caller may see it. */
export function maskErrors(
  services: Services,
  args: Pick<ExecutionArgs, 'contextValue' | 'operationName'>,
  result: ExecutionResult,
): ExecutionResult {
  if (!result.errors?.length) return result;
  const { requestId } = args.contextValue as OperationContext;
  const asked = { requestId, log: services.log, operationName: args.operationName };
  const errors = result.errors.map((error) => publicError(error, asked));
  return { ...result, errors };
}

function tooLate(type: string, ms = timeoutMs): ExecutionResult {
  const effect = type === 'mutation' ? ' Whether it took effect is not known.' : '';
  const message = `This took longer than ${ms / 1_000} seconds and was given up.${effect}`;
  return {
    data: null,
    errors: [new GraphQLError(message, { extensions: { code: 'UNAVAILABLE', timeoutMs: ms } })],
  };
}
