import type { Client } from 'pg';
import type { Statement } from './statements.ts';

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  'Shared Hit Blocks'?: number;
  'Shared Read Blocks'?: number;
  Plans?: PlanNode[];
}

export interface Cost {
  /** Rows of the long tables that were looked at: returned by a scan, filtered away after it, or found in an index for a bitmap. */
  rows: number;
  /** Pages of 8 KiB that were looked at. An index entry that is passed over costs no row, but its page shows here. */
  pages: number;
  /** Long tables that were read from end to end. */
  scanned: string[];
  /** In the database, the second time, with what it reads in memory. */
  milliseconds: number;
  /** How the tables were read, in a line. */
  plan: string;
}

/** Tables that grow with the business, their partitions and indexes. The others hold a few hundred rows, and may be read whole. */
const long = /^(customer|booking|payment|event)/;

/** Runs a statement once more under EXPLAIN ANALYZE, with the values that it was sent with. */
export async function costOf(client: Client, { text, values }: Statement): Promise<Cost> {
  const { rows } = await client.query(`EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ${text}`, values);
  const { Plan: plan, 'Execution Time': milliseconds } = rows[0]['QUERY PLAN'][0] as {
    Plan: PlanNode;
    'Execution Time': number;
  };
  const pages = (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0);
  const scanned: string[] = [];
  return {
    rows: Math.round(rowsOf(plan, scanned)),
    pages,
    scanned,
    milliseconds,
    plan: [...new Set(readsOf(plan))].join(' + '),
  };
}

/** Each index that was used, or the table where there was none. */
function readsOf(node: PlanNode): string[] {
  const below = (node.Plans ?? []).flatMap(readsOf);
  const read =
    node['Index Name'] ?? (node['Node Type'] === 'Seq Scan' ? `all of ${node['Relation Name']}` : null);
  return read ? [...below, read] : below;
}

function rowsOf(node: PlanNode, scanned: string[]): number {
  const type = node['Node Type'];
  const below = (node.Plans ?? []).map((plan) => rowsOf(plan, scanned)).reduce((sum, rows) => sum + rows, 0);
  if (!/Scan$/.test(type) || /^(Subquery|CTE|Function|Values|WorkTable) Scan$/.test(type)) return below;
  const seen =
    node['Actual Rows'] +
    (node['Rows Removed by Filter'] ?? 0) +
    (node['Rows Removed by Index Recheck'] ?? 0);
  const relation = node['Relation Name'] ?? node['Index Name'] ?? '';
  const own = long.test(relation) ? seen * node['Actual Loops'] : 0;
  if (type === 'Seq Scan' && own > 0) scanned.push(relation);
  // A heap that is read through a bitmap: the same rows twice, so the larger number counts.
  return type === 'Bitmap Heap Scan' ? Math.max(own, below) : own + below;
}
