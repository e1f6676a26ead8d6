import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  OperationTypeNode,
  type ValidatedSubscriptionArgs,
  type VariableValues,
} from 'graphql';
import { wasCancelled } from '../../core/database.ts';
import { Refused } from '../../core/errors.ts';
import type { Reader } from '../../core/reader.ts';
import { maxCost } from '../../schema/builder.ts';
import type { OperationContext } from '../operationContext.ts';
import { type OperationPlan, type PlannedOperation, planOperation, type Root } from './planOperation.ts';
import type { Bound, Wish } from './planRoot.ts';
import { Unplanned } from './unplanned.ts';

/** An answer without errors, as text; `data` is read from it by who needs objects. */
export interface PlannedResult extends ExecutionResult {
  stringify(): string;
  extensions?: Record<string, unknown>;
}

export interface Reads {
  /** The answer to a query, as far as possible from the database's own JSON; null when the executor has to do all of it. */
  execute(args: ExecutionArgs, ended?: AbortSignal): Promise<ExecutionResult | null>;
  /**
   * The answer to a query that is planned to its last field and takes no error, for who would rather not enter the
   * GraphQL engine; null for any other.
   */
  answer(args: ExecutionArgs, ended?: AbortSignal): Promise<string | null>;
  /** What a subscription shows of the event that is its root value; null when the executor has to do it. */
  deliver(args: ValidatedSubscriptionArgs): Promise<string | null>;
}

/** What became of a root field; `reason` says why the executor did it. */
export type Observe = (outcome: 'planned' | 'fallback', reason: string, seconds: number, sql: string) => void;

/**
 * Reads at the speed of the database: a selection becomes one statement, and its JSON the answer. Whatever is not
 * sure to succeed there is done by the executor, so that errors, paths and nulls are made in one place only.
 */
export function createReads(schema: GraphQLSchema, reader: Reader, observe: Observe = () => {}): Reads {
  const operations = new WeakMap<DocumentNode, Map<string, PlannedOperation | null>>();

  function operationOf(
    document: DocumentNode,
    operationName: string | null | undefined,
  ): PlannedOperation | null {
    const name = operationName == null ? '' : `named ${operationName}`;
    const known = operations.get(document) ?? new Map<string, PlannedOperation | null>();
    operations.set(document, known);
    let planned = known.get(name);
    if (planned === undefined) {
      const operation = getOperationAST(document, operationName);
      const reads = operation && operation.operation !== OperationTypeNode.MUTATION;
      planned = reads ? planOperation(schema, document, operation) : null;
      // A name that the document does not have is no reason to remember it.
      if (operation) known.set(name, planned);
    }
    return planned;
  }

  /** Notes what became of a root field: for the metrics, the log, and who asked to see it. */
  function noted(ctx: OperationContext, key: string, since: number, sql: string, reason: string): void {
    const outcome = reason === '' ? 'planned' : 'fallback';
    const ms = performance.now() - since;
    observe(outcome, reason, ms / 1_000, sql);
    ctx.plans?.push({ field: key, outcome, ...(reason && { reason }), ...(sql && { sql }), ms });
    if (ctx.log.isLevelEnabled?.('debug'))
      ctx.log.debug({ requestId: ctx.requestId, field: key, outcome, reason, ms }, 'read');
  }

  /** Why the executor has to do it. What nobody meant to happen is logged too. */
  function reasonOf(ctx: OperationContext, key: string, error: unknown): string {
    if (error instanceof Unplanned) return error.reason;
    if (error instanceof Refused || error instanceof GraphQLError) return 'refused';
    ctx.log.warn({ requestId: ctx.requestId, field: key, error }, 'a planned read failed');
    return 'it failed';
  }

  /** The JSON of a root field; null when the executor has to do it. */
  async function answerOf({ key }: Root, bound: Bound, { ctx, ended }: Asked): Promise<string | null> {
    const since = performance.now();
    let sql = '';
    try {
      const answer = await bound(async (statement) => {
        sql = statement.text;
        return (await reader.read(statement, [ctx.signal, ended])) ?? 'null';
      });
      noted(ctx, key, since, sql, '');
      return answer;
    } catch (error) {
      // The executor would only begin anew what took too long, or what nobody waits for.
      if (ctx.signal?.aborted || ended?.aborted || wasCancelled(error)) throw error;
      noted(ctx, key, since, sql, reasonOf(ctx, key, error));
      return null;
    }
  }

  /** The answer when every root field is planned; null when one of them has to be done by the executor after all. */
  async function wholeAnswer(
    roots: readonly Root[],
    bound: readonly Bound[],
    asked: Asked,
  ): Promise<string | null> {
    const answers = await Promise.all(roots.map((root, at) => answerOf(root, bound[at] as Bound, asked)));
    return answers.includes(null) ? null : `{"data":${dataOf(roots, answers)}}`;
  }

  /** A root field made ready; null when the executor has to do it, which `refused` is told. */
  function bind(
    { plan, reason, key }: Root,
    asked: Asked,
    refused: (key: string, reason: string) => void,
  ): Bound | null {
    try {
      if (!plan) throw new Unplanned(reason);
      return plan.bind(asked);
    } catch (error) {
      refused(key, reasonOf(asked.ctx, key, error));
      return null;
    }
  }

  /** The plan of the operation for these variables; null when the executor has to do all of it. */
  function planFor(args: ExecutionArgs): { plan: OperationPlan; variables: VariableValues } | null {
    const ctx = args.contextValue as OperationContext;
    const operation = operationOf(args.document, args.operationName);
    if (operation?.operation.operation !== OperationTypeNode.QUERY) return null;
    const inputs = (args.variableValues ?? {}) as Record<string, unknown>;
    const variables = operation.variables(inputs);
    if (!variables) return null;
    try {
      const plan = operation.plan(variables);
      const some = plan.roots.some((root) => root.plan);
      return some && operation.cost(ctx, inputs) > maxCost ? null : { plan, variables };
    } catch (error) {
      if (!(error instanceof Unplanned)) throw error;
      noted(ctx, '', performance.now(), '', error.reason);
      return null;
    }
  }

  return {
    async execute(args, ended) {
      const found = planFor(args);
      if (!found) return null;
      const { roots, only } = found.plan;
      const asked: Asked = { ctx: args.contextValue as OperationContext, variables: found.variables, ended };
      const refused = (key: string, reason: string) => noted(asked.ctx, key, performance.now(), '', reason);
      const bound = roots.map((root) => bind(root, asked, refused));
      if (bound.every((one) => one === null)) return null;
      const executed = async (which: (at: number) => boolean): Promise<ExecutionResult> => {
        const left = roots.filter((_, at) => which(at)).map(({ key }) => key);
        return left.length === 0 ? { data: {} } : execute({ ...args, document: only(new Set(left)) });
      };
      // What is never planned does not wait for what is.
      const [answers, unplanned] = await Promise.all([
        Promise.all(roots.map((root, at) => (bound[at] ? answerOf(root, bound[at], asked) : null))),
        executed((at) => bound[at] === null),
      ]);
      if (answers.every((answer) => answer !== null)) return plannedResult(roots, answers);
      if (answers.every((answer) => answer === null) && bound.every((one) => one !== null)) return null;
      const failed = await executed((at) => bound[at] !== null && answers[at] === null);
      return merged(roots, answers, [unplanned, failed]);
    },
    async answer(args, ended) {
      const found = planFor(args);
      if (!found?.plan.roots.every(({ plan }) => plan)) return null;
      const { roots } = found.plan;
      const asked: Asked = { ctx: args.contextValue as OperationContext, variables: found.variables, ended };
      // The executor is about to be asked: it is noted there.
      const bound = roots.map((root) => bind(root, asked, () => {}));
      if (bound.includes(null)) return null;
      return wholeAnswer(roots, bound as Bound[], asked);
    },
    async deliver({ document, operation, variableValues: variables, contextValue, rootValue: root }) {
      const ctx = contextValue as OperationContext;
      const planned = operationOf(document, operation.name?.value);
      try {
        const { roots } = planned?.plan(variables) ?? { roots: [] };
        const asked: Asked = { ctx, variables, root, ended: undefined };
        const refused = (key: string, reason: string) => noted(ctx, key, performance.now(), '', reason);
        const bound = roots.map((one) => bind(one, asked, refused));
        return bound.length === 0 || bound.includes(null)
          ? null
          : await wholeAnswer(roots, bound as Bound[], asked);
      } catch (error) {
        if (error instanceof Unplanned || wasCancelled(error) || ctx.signal?.aborted) return null;
        throw error;
      }
    },
  };
}

interface Asked extends Wish {
  ended: AbortSignal | undefined;
}

function dataOf(roots: readonly Root[], answers: readonly (string | null)[]): string {
  return `{${roots.map(({ key }, at) => `${JSON.stringify(key)}:${answers[at]}`).join(',')}}`;
}

/** The answers beside what the executor made of the other fields. An error that takes the data with it takes all of it. */
function merged(
  roots: readonly Root[],
  answers: readonly (string | null)[],
  executed: readonly ExecutionResult[],
): ExecutionResult {
  const errors = executed.flatMap((one) => one.errors ?? []);
  const none = executed.find((one) => !one.data);
  if (none) return { ...none, errors };
  const others = Object.assign({}, ...executed.map((one) => one.data)) as Record<string, unknown>;
  const data = Object.fromEntries(
    roots.map(({ key }, at) => {
      const answer = answers[at];
      return [key, answer == null ? others[key] : JSON.parse(answer)];
    }),
  );
  return errors.length > 0 ? { errors, data } : { data };
}

function plannedResult(roots: readonly Root[], answers: readonly (string | null)[]): PlannedResult {
  const data = dataOf(roots, answers);
  const result: PlannedResult = {
    get data() {
      return JSON.parse(data);
    },
    stringify() {
      const extensions = result.extensions ? `,"extensions":${JSON.stringify(result.extensions)}` : '';
      return `{"data":${data}${extensions}}`;
    },
  };
  return result;
}
