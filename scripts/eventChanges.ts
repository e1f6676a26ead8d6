import { z } from 'zod';

/** What the check needs of the catalogue in src/events. */
export type Catalogue = Record<string, { version: number; data: z.ZodType; upgrades: readonly unknown[] }>;

/** JSON schema of an event's data, by type and version: what may stand in somebody's log. */
export type Snapshot = Record<string, Record<string, unknown>>;

export const write = 'node scripts/eventCatalogue.ts --write';

/**
 * Compares the catalogue with what has been promised before.
 * @returns what breaks the promise, a sentence each; what is new, as `type version`; the snapshot with it
 */
export function compareEvents(
  catalogue: Catalogue,
  before: Snapshot,
): { problems: string[]; added: string[]; after: Snapshot } {
  const problems: string[] = [];
  const added: string[] = [];
  const after: Snapshot = structuredClone(before);

  for (const type of Object.keys(before).filter((type) => !catalogue[type])) {
    problems.push(
      `${type} is gone: events of this type stand in logs, and somebody must be able to read them. Put it back.`,
    );
  }
  for (const [type, { version, data, upgrades }] of Object.entries(catalogue)) {
    const versions = Object.keys(before[type] ?? {}).map(Number);
    const newest = Math.max(0, ...versions);
    const schema = schemaOf(data);
    const promised = before[type]?.[version];

    if (upgrades.length !== version - 1) {
      problems.push(
        `${type} has version ${version} and ${upgrades.length} upgrades: it needs ${version - 1}, one from each version to the next.`,
      );
    }
    if (version < newest) {
      problems.push(
        `${type} is back at version ${version}: version ${newest} was promised. A step back is a new version too, ${newest + 1}.`,
      );
    } else if (version > newest + 1) {
      problems.push(`${type} skips from version ${newest} to ${version}: the next one is ${newest + 1}.`);
    } else if (promised === undefined) {
      after[type] = { ...after[type], [version]: schema };
      added.push(`${type} ${version}`);
    } else if (canonical(promised) !== canonical(schema)) {
      problems.push(
        `${type}: the schema of version ${version} has changed. Put it back, or raise the version to ${version + 1}, ` +
          `add the step from version ${version} to its upgrades, and run: ${write}`,
      );
    }
  }
  return { problems, added, after };
}

/** The names of all fields in an event's data, as in `startsAt`. */
export function fieldsOf(data: z.ZodType): string[] {
  const names = new Set<string>();
  const walk = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return;
    for (const [key, value] of Object.entries(part)) {
      if (key === 'properties') for (const name of Object.keys(value)) names.add(name);
      walk(value);
    }
  };
  walk(schemaOf(data));
  return [...names];
}

function schemaOf(data: z.ZodType): unknown {
  const { $schema: _, ...schema } = z.toJSONSchema(data) as Record<string, unknown>;
  return schema;
}

/** The same text for equal values, whatever the order of their keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part) =>
    part && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
