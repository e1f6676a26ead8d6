/** SQL with numbered parameters, as a value: never run here. */
export interface Sql {
  text: string;
  values: unknown[];
}

/** Collects the parameters of a statement, and the tables that its fields need beside `customer c`. */
export interface SqlWriter {
  /** `$n::cast` */
  param(value: unknown, cast: string): string;
  /** The alias under which what the key names is joined: once, however many leaves ask for it. */
  join(key: string, table: (alias: string) => string): string;
  /**
   * Where an aggregate over a customer's rows of a table stands: null for who has no such row. A table is gone through
   * once, however much is asked of it.
   * @param which tells the rows that are meant from others
   * @param rows the condition on them, written when it is asked for the first time; empty for all
   */
  aggregate(table: string, sql: string, which: string, rows: () => string): string;
  /** The workspace's parameter. */
  workspace: string;
  /** Narrows a table with this column to the customers that are asked about; empty for all of them. */
  among(column: string): string;
  /** `FROM customer c` and everything that was joined, narrowed to the customers that are asked about. */
  from(): string;
  values: unknown[];
}

/** @param customerIds only these; all of the workspace when left out. */
export function sqlWriter(workspaceId: string, customerIds?: readonly string[]): SqlWriter {
  const values: unknown[] = [workspaceId];
  if (customerIds) values.push([...customerIds]);
  const joins = new Map<string, { alias: string; sql: string }>();
  const aggregates = new Map<string, Map<string, Aggregate>>();
  const among = (column: string) => (customerIds ? ` AND ${column} = ANY($2::uuid[])` : '');
  return {
    values,
    workspace: '$1::uuid',
    among,
    param(value, cast) {
      values.push(value);
      return `$${values.length}::${cast}`;
    },
    join(key, table) {
      const known = joins.get(key);
      if (known) return known.alias;
      const alias = `t${joins.size + 1}`;
      joins.set(key, { alias, sql: table(alias) });
      return alias;
    },
    aggregate(table, sql, which, rows) {
      const of = aggregates.get(table) ?? new Map<string, Aggregate>();
      aggregates.set(table, of);
      const known = of.get(sql + which) ?? { column: `v${of.size + 1}`, sql, rows: rows() };
      of.set(sql + which, known);
      return `of_${table}.${known.column}`;
    },
    from: () =>
      [
        'FROM customer c',
        ...[...joins.values()].map(({ sql }) => sql),
        ...[...aggregates].map(([table, of]) => grouped(table, [...of.values()], among)),
        `WHERE c.workspace_id = $1::uuid AND c.deleted_at IS NULL${among('c.id')}`,
      ].join('\n'),
  };
}

interface Aggregate {
  column: string;
  sql: string;
  rows: string;
}

function grouped(table: string, of: Aggregate[], among: SqlWriter['among']): string {
  const columns = of.map(
    ({ column, sql, rows }) => `, ${sql}${rows && ` FILTER (WHERE ${rows})`} AS ${column}`,
  );
  // Rows that nobody asks about need not be read where an index can tell.
  const wanted = of.every(({ rows }) => rows)
    ? ` AND (${of.map(({ rows }) => `(${rows})`).join(' OR ')})`
    : '';
  return (
    `LEFT JOIN (SELECT customer_id${columns.join('')} FROM ${table} WHERE workspace_id = $1::uuid${among('customer_id')}${wanted}` +
    ` GROUP BY customer_id) of_${table} ON of_${table}.customer_id = c.id`
  );
}
