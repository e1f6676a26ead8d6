import {
  type FieldNode,
  type GraphQLField,
  type GraphQLObjectType,
  getArgumentValues,
  type VariableValues,
  visit,
} from 'graphql';
import type { Permission } from '../../core/permissions.ts';
import type { Source } from './collectFields.ts';
import { leafKey, nextKey } from './finish.ts';
import type { Leaf } from './leaf.ts';
import { name, type Sql, sql } from './sql.ts';
import { Unplanned } from './unplanned.ts';

/** What comes together while the selection of one root field is planned. */
export interface Plan {
  source: Source;
  /** Filled by JavaScript; their places in the JSON hold the numbers. */
  leaves: Leaf[];
  /** Permissions without which some field would be an error. */
  needs: Set<Permission>;
  /** What stands around the JSON of the whole statement. */
  before: string;
  after: string;
  /** Aliases of tables so far. */
  tables: number;
  /** The select list of an object: what is below a page is planned like what is above it. */
  columns: (plan: Plan, type: GraphQLObjectType, nodes: readonly FieldNode[], alias: string) => Sql;
}

export const newAlias = (plan: Plan): string => `t${plan.tables++}`;

/** Bytes of a name in PostgreSQL; longer ones are cut off. */
const maxName = 63;

/** `value AS "key"` */
export function item(value: string | Sql, key: string): Sql {
  if (key.length > maxName) throw new Unplanned('a long alias');
  return sql(value, ` AS ${name(key)}`);
}

/** The columns of a leaf, next to each other. */
export function leafItems(plan: Plan, leaf: Leaf, columns: readonly (string | Sql)[], key: string): Sql[] {
  const number = plan.leaves.push({ ...leaf, before: `"${key}":${leaf.before}` }) - 1;
  return columns.map((column, at) => item(column, at === 0 ? leafKey(number) : nextKey));
}

/** A value with JSON around it that is known before. */
export function bracketed(plan: Plan, value: Sql, key: string, open: string, close: string): Sql[] {
  const first = plan.leaves.push({ kind: 'open', columns: 1, before: `"${key}":${open}` }) - 1;
  const last = plan.leaves.push({ kind: 'close', columns: 1, before: close }) - 1;
  return [item(value, leafKey(first)), item('0', leafKey(last))];
}

export const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;

/** The arguments of a field. Read once where no variable is in them. */
export function argumentsOf(
  field: GraphQLField,
  node: FieldNode,
): (variables: VariableValues) => Record<string, unknown> {
  if (dependsOnVariables(node)) return (variables) => getArgumentValues(field, node, variables);
  const args = getArgumentValues(field, node);
  return () => args;
}

function dependsOnVariables({ arguments: nodes = [] }: FieldNode): boolean {
  let found = false;
  for (const node of nodes) {
    visit(node, {
      Variable() {
        found = true;
      },
    });
  }
  return found;
}
