import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type GraphQLSchema,
  getOperationAST,
  OperationTypeNode,
} from 'graphql';
import type { Reader } from '../../core/reader.ts';
import { maxCost } from '../../schema/builder.ts';
import type { OperationContext } from '../graphqlContext.ts';
import { type PlannedOperation, planOperation, type Root } from './planOperation.ts';
import { Unplanned } from './unplanned.ts';

/** An answer without errors, as text; `data` is read from it by who needs objects. */
export interface PlannedResult extends ExecutionResult {
  stringify(): string;
}

export interface Reads {
  /** The answer to a query, as far as possible from the database's own JSON; null when the executor has to do all of it. */
  execute(args: ExecutionArgs): Promise<ExecutionResult | null>;
}

/** What became of a root field; `reason` says why the executor did it. */
export type Observe = (outcome: 'planned' | 'fallback', reason: string, seconds: number, text: string) => void;

/**
 * Reads at the speed of the database: a selection becomes one statement, and its JSON the answer. Whatever is not
 * sure to succeed there is done by the executor, so that errors, paths and nulls are made in one place only.
 */
export function createReads(schema: GraphQLSchema, reader: Reader, observe: Observe = () => {}): Reads {
  const operations = new WeakMap<DocumentNode, Map<string, PlannedOperation | null>>();

  function operationOf(document: DocumentNode, operationName: string | null | undefined): PlannedOperation | null {
    const name = operationName ?? '';
    let known = operations.get(document);
    if (!known) operations.set(document, (known = new Map()));
    let planned = known.get(name);
    if (planned === undefined) {
      const operation = getOperationAST(document, operationName);
      const isQuery = operation?.operation === OperationTypeNode.QUERY;
      planned = isQuery ? planOperation(schema, document, operation) : null;
      // A name that the document does not have is no reason to remember it.
      if (operation) known.set(name, planned);
    }
    return planned;
  }

  /** The JSON of a root field; null when the executor has to do it. */
  async function answerOf({ plan, reason, key }: Root, asked: Asked): Promise<string | null> {
    const { ctx } = asked;
    const start = performance.now();
    let statement = '';
    const observed = (outcome: 'planned' | 'fallback', why: string) =>
      observe(outcome, why, (performance.now() - start) / 1_000, statement);
    if (!plan) {
      observed('fallback', reason);
      return null;
    }
    try {
      const run = plan.bind(asked);
      const answer = await run(async (text, values) => {
        statement = text;
        return (await reader.read(text, values, ctx.signal)) ?? 'null';
      });
      observed('planned', '');
      return answer;
    } catch (error) {
      if (ctx.signal?.aborted) throw error;
      const failed = statement !== '' && !(error instanceof Unplanned);
      observed('fallback', error instanceof Unplanned ? error.reason : failed ? 'the statement failed' : 'refused');
      if (failed) ctx.log.warn({ requestId: ctx.requestId, field: key, error }, 'a planned read failed');
      return null;
    }
  }

  return {
    async execute(args) {
      const ctx = args.contextValue as OperationContext;
      const operation = operationOf(args.document, args.operationName);
      if (!operation) return null;
      const inputs = (args.variableValues ?? {}) as Record<string, unknown>;
      const variables = operation.variables(inputs);
      if (!variables) return null;
      let roots: Root[];
      let only: (keys: ReadonlySet<string>) => DocumentNode;
      try {
        if (operation.cost(ctx, inputs) > maxCost) return null;
        ({ roots, only } = operation.plan(variables));
      } catch (error) {
        if (!(error instanceof Unplanned)) throw error;
        observe('fallback', error.reason, 0, '');
        return null;
      }
      const answers = await Promise.all(roots.map((root) => answerOf(root, { ctx, variables })));
      if (answers.every((answer) => answer !== null)) return plannedResult(roots, answers);
      if (answers.every((answer) => answer === null)) return null;
      const left = new Set(roots.filter((_, at) => answers[at] === null).map(({ key }) => key));
      const rest = await execute({ ...args, document: only(left) });
      if (!rest.data) return rest;
      const data = Object.fromEntries(
        roots.map(({ key }, at) => {
          const answer = answers[at];
          return [key, answer == null ? rest.data?.[key] : JSON.parse(answer)];
        }),
      );
      return { ...rest, data };
    },
  };
}

interface Asked {
  ctx: OperationContext;
  variables: NonNullable<ReturnType<PlannedOperation['variables']>>;
}

function plannedResult(roots: readonly Root[], answers: readonly (string | null)[]): PlannedResult {
  const data = `{${roots.map(({ key }, at) => `${JSON.stringify(key)}:${answers[at]}`).join(',')}}`;
  return {
    get data() {
      return JSON.parse(data);
    },
    stringify: () => `{"data":${data}}`,
  };
}
