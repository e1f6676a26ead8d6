import { type ExecutionResult, execute, parse, validate } from 'graphql';
import { afterAll } from 'vitest';
import { openLocalBus } from '../../src/core/bus.ts';
import type { Context } from '../../src/core/context.ts';
import type { Database } from '../../src/core/database.ts';
import { openReader } from '../../src/core/reader.ts';
import { openEventLog } from '../../src/events/log.ts';
import { schema } from '../../src/schema/schema.ts';
import { createReads, type Observe } from '../../src/server/reads/createReads.ts';
import { readerOf, urlOf } from '../support/context.ts';

/** The JSON of both paths, and what became of each root field on the planned one. */
export interface Both {
  normal: string;
  planned: string;
  outcomes: { outcome: string; reason: string; text: string }[];
  result: ExecutionResult;
}

/** Runs queries through the executor and through the compiler. */
export function openBothPaths(db: Database) {
  const outcomes: Both['outcomes'] = [];
  const observe: Observe = (outcome, reason, _seconds, text) => void outcomes.push({ outcome, reason, text });
  const reader = openReader(urlOf(db), { poolSize: 4 });
  const reads = createReads(schema, reader, observe);
  const eventLog = openEventLog(db, readerOf(db), openLocalBus());
  afterAll(async () => {
    eventLog.close();
    await reader.close();
  });

  return async function both(
    ctx: Context,
    source: string,
    variableValues: Record<string, unknown> = {},
  ): Promise<Both> {
    const document = parse(source);
    const invalid = validate(schema, document);
    if (invalid.length > 0) throw new Error(`${invalid[0]?.message}\n${source}`);
    const args = () => ({ schema, document, variableValues, contextValue: { ...ctx, eventLog } });
    const normal = await execute(args());
    outcomes.length = 0;
    const failures: unknown[] = [];
    const watched = {
      ...args(),
      contextValue: {
        ...args().contextValue,
        log: { warn: (said: { error: unknown }) => failures.push(said.error) },
      },
    };
    const planned = await reads.execute(watched);
    const seen = [...outcomes];
    if (failures.length > 0) throw new Error(`${failures[0]}\n${seen.at(-1)?.text}`);
    // Twice: the second time by what was remembered.
    const again = await reads.execute(args());
    const json = (result: ExecutionResult | null) => {
      if (result === null) return 'fallback';
      if ('stringify' in result) return (result.stringify as () => string)();
      // Errors of fields that are resolved side by side come in any order.
      const errors =
        result.errors && [...result.errors].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
      return JSON.stringify(errors ? { errors, data: result.data } : result);
    };
    if (json(planned) !== json(again))
      throw new Error(`Not the same twice:\n${json(planned)}\n${json(again)}`);
    return {
      normal: json(normal as ExecutionResult),
      planned: json(planned),
      outcomes: seen,
      result: normal as ExecutionResult,
    };
  };
}
