import type { Event } from '../core/database.ts';
import { tables } from '../generated/tables.ts';

const columns = Object.entries(tables.Event.columns).map(([field, { column }]) => [field, column] as const);

/** A row of the log as `row_to_json` has it. */
export type StoredEvent = Record<string, unknown>;

export function eventOf(row: StoredEvent): Event {
  const event: Record<string, unknown> = {};
  for (const [field, column] of columns) event[field] = row[column];
  event.position = BigInt(row.position as number);
  event.occurredAt = new Date(row.occurred_at as string);
  event.recordedAt = new Date(row.recorded_at as string);
  return event as unknown as Event;
}
