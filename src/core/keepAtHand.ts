import type pg from 'pg';

/** Connections of a pool that are lent again and again. */
export interface Connections {
  take(): Promise<pg.PoolClient>;
  /** @param broken it is replaced. */
  give(client: pg.PoolClient, broken: boolean): void;
  close(): Promise<void>;
}

/** How long somebody waits for a connection, as in the pool. */
const waitMs = 5_000;
/** So often those that nobody needs just now go back to the pool, which closes them after a while. */
const tidyMs = 10_000;

interface Waiting {
  resolve(client: pg.PoolClient): void;
  reject(error: unknown): void;
}

/**
 * Keeps connections at hand between statements. To ask the pool for each costs two timers, several listeners and a turn
 * of the event loop: more than the driver needs for a statement that is prepared.
 */
export function keepAtHand(pool: pg.Pool, max: number): Connections {
  const atHand: pg.PoolClient[] = [];
  const waiting: Waiting[] = [];
  let taken = 0;
  let closing = false;

  async function fromPool(): Promise<pg.PoolClient> {
    taken++;
    try {
      return await pool.connect();
    } catch (error) {
      taken--;
      serveNext();
      throw error;
    }
  }

  function toPool(client: pg.PoolClient, broken: boolean): void {
    taken--;
    client.release(broken);
    serveNext();
  }

  function serveNext(): void {
    const next = taken < max ? waiting.shift() : undefined;
    if (next) fromPool().then(next.resolve, next.reject);
  }

  function inTurn(): Promise<pg.PoolClient> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(one), 1);
        reject(new Error('No connection became free in time.'));
      }, waitMs);
      const one: Waiting = {
        resolve(client) {
          clearTimeout(timer);
          resolve(client);
        },
        reject(error) {
          clearTimeout(timer);
          reject(error);
        },
      };
      waiting.push(one);
    });
  }

  pool.on('connect', (client) => {
    client.once('end', () => {
      const at = atHand.indexOf(client as pg.PoolClient);
      if (at >= 0) for (const gone of atHand.splice(at, 1)) toPool(gone, true);
    });
  });
  const tidy = () => {
    for (const client of atHand.splice(0)) toPool(client, false);
  };
  const timer = setInterval(tidy, tidyMs).unref();

  return {
    async take() {
      return atHand.pop() ?? (taken < max ? fromPool() : inTurn());
    },
    give(client, broken) {
      if (broken || closing) return toPool(client, broken);
      const next = waiting.shift();
      if (next) next.resolve(client);
      else atHand.push(client);
    },
    async close() {
      closing = true;
      clearInterval(timer);
      tidy();
      await pool.end();
    },
  };
}
