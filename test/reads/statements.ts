import pg from 'pg';

export interface Statement {
  text: string;
  values: unknown[];
}

type Query = (this: pg.Client, config: unknown, ...rest: unknown[]) => unknown;

/**
 * Runs something and notes every statement that the driver sends meanwhile, as it sends it. Looks over the driver's
 * shoulder; changes nothing. One at a time: what others send meanwhile is noted too.
 */
export async function watchStatements<Result>(
  run: () => Promise<Result>,
): Promise<{ result: Result; statements: Statement[] }> {
  const statements: Statement[] = [];
  const original = pg.Client.prototype.query as unknown as Query;
  const watching: Query = function (config, ...rest) {
    const { text, values } =
      typeof config === 'string'
        ? { text: config, values: rest[0] }
        : (config as { text?: string; values?: unknown });
    if (text) statements.push({ text, values: Array.isArray(values) ? values : [] });
    return original.call(this, config, ...rest);
  };
  pg.Client.prototype.query = watching as never;
  try {
    return { result: await run(), statements };
  } finally {
    pg.Client.prototype.query = original as never;
  }
}
