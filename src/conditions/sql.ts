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
    from: () =>
      ['FROM customer c', ...[...joins.values()].map(({ sql }) => sql)].join('\n') +
      `\nWHERE c.workspace_id = $1::uuid AND c.deleted_at IS NULL${among('c.id')}`,
  };
}
