/**
 * What an update really changes: `[before, after]` for each field that was sent and differs. Fields that
 * were not sent (undefined) stay as they are.
 */
export function changesOf<Row extends object>(
  row: Row,
  sent: Partial<Row>,
): Record<string, [unknown, unknown]> {
  const changes: Record<string, [unknown, unknown]> = {};
  for (const [field, after] of Object.entries(sent)) {
    const before = row[field as keyof Row] as unknown;
    if (after !== undefined && !same(before, after)) changes[field] = [before, after];
  }
  return changes;
}

function same(a: unknown, b: unknown): boolean {
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime();
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => same(item, b[index]));
  return a === b;
}
