import { type Condition, type Leaf, type Operator, opposites } from './condition.ts';
import { sourceOf } from './evaluate.ts';
import { type CustomerField, fields, type Kind } from './fields.ts';
import { type Literal, literalsOf } from './literal.ts';
import type { Moment } from './moment.ts';
import { type Sql, type SqlWriter, sqlWriter } from './sql.ts';

/** The SQL type in which values of a kind are compared. */
const castOf: Record<Kind, string> = {
  text: 'text',
  number: 'numeric',
  money: 'bigint',
  datetime: 'timestamptz',
  date: 'text',
  boolean: 'boolean',
  enum: 'text',
  reference: 'uuid',
  list: 'uuid',
};

const folded = (sql: string) => `lower(${sql} COLLATE "und-x-icu")`;

/** `SELECT c.id` of the customers for whom the condition holds: of those with these ids, or of the whole workspace. */
export function toSql(
  condition: Condition,
  moment: Moment,
  workspaceId: string,
  customerIds?: readonly string[],
): Sql {
  const writer = sqlWriter(workspaceId, customerIds);
  const predicate = boolean(condition, moment, writer);
  return { text: `SELECT c.id ${writer.from()} AND ${predicate}`, values: writer.values };
}

/** What `evaluate` needs of these customers: one row each, `id` and a column for each source, in this order. */
export function factsSql(
  leaves: readonly Leaf[],
  moment: Moment,
  workspaceId: string,
  customerIds: readonly string[],
): Sql & { sources: string[] } {
  const writer = sqlWriter(workspaceId, customerIds);
  const sources = new Map<string, string>();
  for (const leaf of leaves) {
    const field = fields.get(leaf.field);
    const source = sourceOf(leaf, moment);
    if (field?.about !== 'CUSTOMER' || sources.has(source)) continue;
    sources.set(source, field.sql(writer, leaf, moment));
  }
  const columns = [...sources.values()].map((sql, n) => `, ${sql} AS f${n}`).join('');
  return {
    text: `SELECT c.id${columns} ${writer.from()}`,
    values: writer.values,
    sources: [...sources.keys()],
  };
}

/** Never null, so that what stands in a NOT means the opposite. */
function boolean(condition: Condition, moment: Moment, writer: SqlWriter): string {
  if ('match' in condition) {
    const parts = condition.conditions.map((part) => boolean(part, moment, writer));
    if (parts.length === 0) return condition.match === 'all' ? 'true' : 'false';
    return `(${parts.join(condition.match === 'all' ? ' AND ' : ' OR ')})`;
  }
  if ('not' in condition) return `NOT ${boolean(condition.not, moment, writer)}`;
  const field = fields.get(condition.field);
  if (field?.about !== 'CUSTOMER') return 'false';
  return leafSql(condition, field, moment, writer);
}

function leafSql(leaf: Leaf, field: CustomerField, moment: Moment, writer: SqlWriter): string {
  const opposite = opposites[leaf.operator];
  if (opposite) return `NOT ${leafSql({ ...leaf, operator: opposite }, field, moment, writer)}`;
  const literals = literalsOf(leaf, field, moment);
  if (field.having)
    return `(c.id IN (${field.having(writer, leaf.operator === 'is_set' ? null : literals)}))`;
  const value = field.sql(writer, leaf, moment);
  if (leaf.operator === 'is_set') return `(${value} IS NOT NULL)`;
  return `((${comparison(leaf.operator, field.kind, value, literals, writer)}) IS TRUE)`;
}

function comparison(
  operator: Operator,
  kind: Kind,
  value: string,
  literals: Literal[],
  writer: SqlWriter,
): string {
  const text = kind === 'text';
  const own = text ? folded(value) : value;
  const literal = (n: number) => {
    const sent = kind === 'number' ? String(literals[n]) : literals[n];
    const param = writer.param(sent, castOf[kind]);
    return text ? folded(param) : param;
  };
  switch (operator) {
    case 'equals':
      return `${own} = ${literal(0)}`;
    case 'in_list':
      return literals.map((_, n) => `${own} = ${literal(n)}`).join(' OR ');
    case 'contains':
      return `strpos(${own}, ${literal(0)}) > 0`;
    case 'starts_with':
      return `starts_with(${own}, ${literal(0)})`;
    case 'ends_with': {
      const end = literal(0);
      return `right(${own}, length(${end})) = ${end}`;
    }
    case 'less_than':
    case 'before':
      return `${own} < ${literal(0)}`;
    case 'greater_than':
    case 'after':
      return `${own} > ${literal(0)}`;
    case 'at_most':
      return `${own} <= ${literal(0)}`;
    case 'at_least':
      return `${own} >= ${literal(0)}`;
    case 'between':
      return `${own} >= ${literal(0)} AND ${own} <= ${literal(1)}`;
    default:
      return 'false';
  }
}
