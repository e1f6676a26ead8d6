import pg from 'pg';
import { connectionOf } from './database.ts';

/** Runs statements that answer one JSON text, on connections of its own. */
export interface Reader {
  /** The text; null when there is no row, or it is NULL. When a signal is aborted the statement ends in the database too. */
  read(text: string, values: readonly unknown[], signals?: readonly (AbortSignal | undefined)[]): Promise<string | null>;
  close(): Promise<void>;
}

/** Statements that a connection keeps prepared; the one used longest ago goes when there are more. */
const maxPrepared = 200;

const asText = { getTypeParser: () => (value: string) => value };

/**
 * A pool beside Prisma's, with the same settings: what it reads passes through as text. Statements are prepared by
 * name, so that PostgreSQL parses each once a connection.
 */
export function openReader(
  url: string,
  options: {
    poolSize?: number;
    onError?: (error: Error) => void;
    maxPrepared?: number;
    /** Settings of PostgreSQL beside those of every connection. */
    session?: Record<string, string>;
  } = {},
): Reader {
  const pool = new pg.Pool({ ...connectionOf(url, options.session), max: options.poolSize ?? 20 });
  // Of its own, so that what hangs can be cancelled when every connection hangs.
  const cancels = new pg.Pool({ ...connectionOf(url), max: 1, idleTimeoutMillis: 1_000 });
  for (const one of [pool, cancels]) one.on('error', options.onError ?? (() => {}));
  const prepared = new WeakMap<pg.PoolClient, Map<string, string>>();
  const most = options.maxPrepared ?? maxPrepared;
  let names = 0;

  async function nameOf(client: pg.PoolClient, text: string): Promise<string> {
    let known = prepared.get(client);
    if (!known) prepared.set(client, (known = new Map()));
    const name = known.get(text) ?? `r${++names}`;
    known.delete(text);
    known.set(text, name);
    if (known.size > most) {
      const [oldest, gone] = known.entries().next().value as [string, string];
      known.delete(oldest);
      // The driver remembers names for ever otherwise.
      const { connection } = client as unknown as { connection: { parsedStatements: Record<string, string> } };
      delete connection.parsedStatements[gone];
      await client.query(`DEALLOCATE "${gone}"`).catch(() => {});
    }
    return name;
  }

  return {
    async read(text, values, signals = []) {
      for (const signal of signals) signal?.throwIfAborted();
      const client = await pool.connect();
      const { processID } = client as unknown as { processID: number };
      let cancelling: Promise<unknown> | undefined;
      let broken = false;
      const cancel = () => {
        cancelling = cancels.query('SELECT pg_cancel_backend($1)', [processID]).catch(() => {});
      };
      for (const signal of signals) signal?.addEventListener('abort', cancel, { once: true });
      try {
        for (const signal of signals) signal?.throwIfAborted();
        const { rows } = await client.query<[string | null]>({
          name: await nameOf(client, text),
          text,
          values: values as unknown[],
          rowMode: 'array',
          types: asText as never,
        });
        return rows[0]?.[0] ?? null;
      } catch (error) {
        // A connection on which something went wrong is replaced, unless PostgreSQL itself said what. Whether the
        // statement is prepared is not known: it gets another name.
        prepared.get(client)?.delete(text);
        broken = !(error instanceof pg.DatabaseError) && !signals.some((signal) => signal?.aborted);
        throw error;
      } finally {
        for (const signal of signals) signal?.removeEventListener('abort', cancel);
        // The connection is not given on before, or the next statement on it might be the one that ends.
        if (cancelling) await cancelling;
        client.release(broken);
      }
    },
    async close() {
      await Promise.all([pool.end(), cancels.end()]);
    },
  };
}
