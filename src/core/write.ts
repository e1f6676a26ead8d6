import { createHash } from 'node:crypto';
import type { Context } from './context.ts';
import { databaseError, type Tx } from './database.ts';
import { Failure, type FailureCode, failureFrom, IdempotencyKeyReused } from './errors.ts';

/** SQLSTATEs after which the same transaction may succeed: serialization failure and deadlock. */
const passing = new Set(['40001', '40P01', 'P2034']);
const attempts = 4;

/**
 * Runs a verb's one transaction: its rows and its events, all or none. When it has committed, the events
 * take their place in the log and wake their readers. A deadlock is tried again.
 */
export function write<Result>(
  ctx: Context,
  run: (tx: Tx) => Promise<Result>,
  /** Of the transaction, in milliseconds; that of every other when left out. */
  timeout?: number,
): Promise<Result> {
  return committing(ctx, () => ctx.db.$transaction(run, timeout === undefined ? {} : { timeout }));
}

/** `write` for a hot verb that does all of its transaction in one statement: nothing goes to and fro. */
export function writeAtOnce<Result>(ctx: Context, run: (db: Tx) => Promise<Result>): Promise<Result> {
  return committing(ctx, () => run(ctx.db));
}

async function committing<Result>(ctx: Context, transact: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      const result = await transact();
      await ctx.committed();
      return result;
    } catch (error) {
      if (attempt < attempts && passing.has(databaseError(error)?.code ?? '')) continue;
      throw error;
    }
  }
}

/** What `writeOnce` needs to recognise a repeated call. */
export interface Command {
  /** The verb's name. */
  name: string;
  /** The parsed input. */
  input: { idempotencyKey?: string | null | undefined };
}

interface Stored {
  id?: string;
  failure?: { code: FailureCode; details: Record<string, unknown> };
}

/**
 * `write` for verbs that create or charge: with an idempotency key, a repeated call has no second effect
 * and is answered as the first was, object or typed failure. A concurrent duplicate waits for the first
 * (on the key's row); another input under the same key is refused. Keys are kept 24 hours, per workspace,
 * caller and verb.
 * @param again reads the object of an earlier call, as it is now.
 */
export async function writeOnce<Row extends { id: string }>(
  ctx: Context,
  command: Command,
  run: (tx: Tx) => Promise<Row>,
  again: (tx: Tx, id: string) => Promise<Row>,
): Promise<Row> {
  const key = command.input.idempotencyKey;
  if (!key) return write(ctx, run);
  const { idempotencyKey: _, ...rest } = command.input;
  const identity = {
    workspaceId: ctx.workspace.id,
    caller: 'id' in ctx.viewer ? ctx.viewer.id : ctx.workspace.id,
    mutation: command.name,
    key,
  };
  const inputHash = createHash('sha256').update(canonical(rest)).digest('hex');

  const outcome = await write(ctx, async (tx): Promise<{ row: Row } | { failure: Failure }> => {
    const fresh = await tx.idempotencyKey.createMany({
      data: [{ ...identity, inputHash, createdAt: ctx.clock.now() }],
      skipDuplicates: true,
    });
    const where = { workspaceId_caller_mutation_key: identity };
    if (fresh.count === 0) {
      const first = await tx.idempotencyKey.findUniqueOrThrow({ where });
      if (first.inputHash !== inputHash) return { failure: new IdempotencyKeyReused() };
      const stored = first.outcome as Stored;
      if (stored.failure) return { failure: failureFrom(stored.failure) };
      return { row: await again(tx, stored.id as string) };
    }
    await tx.$executeRaw`SAVEPOINT attempt`;
    try {
      const row = await run(tx);
      await tx.idempotencyKey.update({ where, data: { outcome: { id: row.id } } });
      return { row };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      await tx.$executeRaw`ROLLBACK TO SAVEPOINT attempt`;
      const failure = JSON.parse(JSON.stringify({ code: error.code, details: error.details() }));
      await tx.idempotencyKey.update({ where, data: { outcome: { failure } } });
      return { failure: error };
    }
  });
  if ('failure' in outcome) throw outcome.failure;
  return outcome.row;
}

/** The same text for equal inputs, whatever the order of their keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part) => {
    if (typeof part === 'bigint') return `${part}n`;
    if (part && typeof part === 'object' && !Array.isArray(part) && !(part instanceof Date)) {
      return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
    }
    return part;
  });
}
