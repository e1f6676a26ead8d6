import pg from 'pg';
import { connectionOf } from './database.ts';
import { keepAtHand } from './keepAtHand.ts';

export interface Statement {
  text: string;
  values: readonly unknown[];
  /** One plan serves all values: it is made once a connection, not once a request. */
  steady: boolean;
}

/** Runs statements that answer one JSON text, on connections of its own: what is asked all the time. */
export interface Reader {
  /** The text; null when there is no row, or it is NULL. When a signal is aborted the statement ends in the database too. */
  read(statement: Statement, signals?: readonly (AbortSignal | undefined)[]): Promise<string | null>;
  close(): Promise<void>;
}

export interface ReaderOptions {
  /** Connections for steady statements, and for the others. */
  poolSize?: number;
  /** Statements that a connection keeps prepared; the one used longest ago goes when there are more. */
  maxPrepared?: number;
  /** Settings of PostgreSQL beside those of every connection. */
  session?: Record<string, string>;
  onError?: (error: Error) => void;
}

/** Texts that are remembered to have been asked. */
const maxSeen = 1_000;

/**
 * Pools beside Prisma's, with the same settings: what they read passes through as text. Statements are prepared by
 * name, so that PostgreSQL parses each once a connection. To plan one takes longer than to run it; those for which
 * one plan serves all values have connections on which it is kept. The others are planned for their actual values: a
 * list for a viewer of fifty customers and for one of half a million need different plans.
 */
export function openReader(url: string, options: ReaderOptions = {}): Reader {
  const { poolSize = 10, maxPrepared = 100, session, onError = () => {} } = options;
  const open = (max: number, own?: Record<string, string>) => {
    const pool = new pg.Pool({ ...connectionOf(url, { ...session, ...own }), max });
    return pool.on('error', onError);
  };
  const lend = (planCacheMode: string) =>
    keepAtHand(open(poolSize, { plan_cache_mode: planCacheMode }), poolSize);
  const forSteady = lend('force_generic_plan');
  const forOthers = lend('force_custom_plan');
  // Of its own, so that what hangs can be cancelled when every connection hangs.
  const cancels = open(1);
  const prepared = new WeakMap<pg.PoolClient, Map<string, string>>();
  let names = 0;
  const seen = new Set<string>();

  /** Whether it was asked before, of late. What is asked once is not worth a name. */
  function isFamiliar(text: string): boolean {
    if (seen.has(text)) return true;
    if (seen.size >= maxSeen) seen.clear();
    seen.add(text);
    return false;
  }

  /** The name under which the connection has the statement, or will have it. */
  function nameOf(client: pg.PoolClient, text: string): string | Promise<string> {
    if (!isFamiliar(text)) return '';
    let known = prepared.get(client);
    if (!known) {
      known = new Map();
      prepared.set(client, known);
    }
    const name = known.get(text) ?? `r${++names}`;
    known.delete(text);
    known.set(text, name);
    if (known.size > maxPrepared) {
      const [oldest, gone] = known.entries().next().value as [string, string];
      known.delete(oldest);
      // The driver remembers names for ever otherwise.
      const { connection } = client as unknown as {
        connection: { parsedStatements: Record<string, string> };
      };
      delete connection.parsedStatements[gone];
      return client.query(`DEALLOCATE "${gone}"`).then(
        () => name,
        () => name,
      );
    }
    return name;
  }

  return {
    async read({ text, values, steady }, signals = []) {
      for (const signal of signals) signal?.throwIfAborted();
      const connections = steady ? forSteady : forOthers;
      const client = await connections.take();
      const { processID } = client as unknown as { processID: number };
      let cancelling: Promise<unknown> | undefined;
      let sent = false;
      let broken = false;
      const cancel = () => {
        cancelling = cancels.query('SELECT pg_cancel_backend($1)', [processID]).catch(() => {});
      };
      for (const signal of signals) signal?.addEventListener('abort', cancel, { once: true });
      try {
        for (const signal of signals) signal?.throwIfAborted();
        const name = await nameOf(client, text);
        sent = true;
        return await run(client, name, text, values);
      } catch (error) {
        // A connection on which something went wrong is replaced, unless PostgreSQL itself said what. Whether the
        // statement is prepared is not known: it gets another name.
        prepared.get(client)?.delete(text);
        broken = sent && isOver(error);
        throw error;
      } finally {
        for (const signal of signals) signal?.removeEventListener('abort', cancel);
        // The connection is not given on before, or the next statement on it might be the one that ends.
        if (cancelling) await cancelling;
        connections.give(client, broken);
      }
    },
    async close() {
      await Promise.all([forSteady.close(), forOthers.close(), cancels.end()]);
    },
  };
}

/** Whether the connection goes with the error: PostgreSQL says so when it shuts down, or somebody ended the session. */
function isOver(error: unknown): boolean {
  return !(error instanceof pg.DatabaseError) || error.code?.startsWith('57P') === true;
}

/** What of the driver's connection a statement is sent with. */
interface Wire {
  stream: { cork(): void; uncork(): void };
  parsedStatements: Record<string, string>;
  parse(statement: { name: string; text: string }): void;
  bind(values: { statement: string; values: readonly string[] }): void;
  execute(): void;
  sync(): void;
}

/**
 * Runs a statement of one column and answers the first value. The driver's own query asks what the columns are and
 * makes rows of what comes, which for one text that is known to be JSON costs more than to read it.
 */
function run(
  client: pg.PoolClient,
  name: string,
  text: string,
  values: readonly unknown[],
): Promise<string | null> {
  return new Promise((resolve, reject) => {
    let value: string | null = null;
    const texts = values.map(asText);
    client.query({
      name,
      text,
      submit(connection: unknown) {
        const wire = connection as Wire;
        wire.stream.cork();
        if (!(name && name in wire.parsedStatements)) wire.parse({ name, text });
        wire.bind({ statement: name, values: texts });
        wire.execute();
        wire.sync();
        wire.stream.uncork();
      },
      handleDataRow({ fields }: { fields: (string | null)[] }) {
        value ??= fields[0] ?? null;
      },
      handleCommandComplete() {},
      handleReadyForQuery: () => resolve(value),
      handleError: reject,
    });
  });
}

/** As PostgreSQL reads a value that it knows the type of. */
function asText(value: unknown): string {
  if (!Array.isArray(value)) return String(value);
  return `{${value.map((one) => `"${String(one).replace(/["\\]/g, '\\$&')}"`).join()}}`;
}
