import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Catalogue, compareEvents, fieldsOf, type Snapshot, write } from '../../scripts/eventChanges.ts';
import { personalData } from '../../src/core/personalData.ts';
import committed from '../../src/events/catalogue.snapshot.json' with { type: 'json' };
import { catalogue as real } from '../../src/events/catalogue.ts';
import { plantTree } from '../support/plantTree.ts';
import { runScript } from '../support/runScript.ts';

const catalogue = real as unknown as Catalogue;
const snapshot = committed as Snapshot;

describe('The event catalogue', () => {
  test('keeps every schema and version that it has promised, and promises all that it has.', () => {
    const { problems, added } = compareEvents(catalogue, snapshot);
    expect(problems, problems.join('\n')).toEqual([]);
    expect(added, `These are new. If they are as they should be for ever, run: ${write}`).toEqual([]);
  });

  test('has no field that is named like a personal column: such values belong into `personal`.', () => {
    for (const [type, { data }] of Object.entries(catalogue))
      expect(fieldsOf(data).filter(isPersonal), type).toEqual([]);
  });
});

/** Named like a column that erasure blanks, with or without something before: `email`, `customerEmail`. */
const personalColumns = new Set(personalData.flatMap(({ blank }) => Object.keys(blank ?? {})));
function isPersonal(field: string): boolean {
  const words = field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).split('_');
  return words.some((_, i) => personalColumns.has(words.slice(i).join('_')));
}

test('A field is personal when its name ends like a personal column, however deep it stands.', () => {
  const data = z.strictObject({
    serviceName: z.string(),
    email: z.string(),
    previous: z.strictObject({ customerFirstName: z.string().nullable() }),
    list: z.array(z.union([z.strictObject({ phone: z.string() }), z.strictObject({ startsAt: z.string() })])),
  });
  expect(fieldsOf(data).filter(isPersonal).sort()).toEqual(['customerFirstName', 'email', 'phone']);
});

describe('A change of the catalogue', () => {
  const type = 'tag.added';
  const was = catalogue[type]!;
  const changed = z.strictObject({ tagId: z.string() });
  const compare = (change: Partial<Catalogue[string]>) =>
    compareEvents({ ...catalogue, [type]: { ...was, ...change } }, snapshot);
  const next = { version: was.version + 1, upgrades: [...was.upgrades, (old: unknown) => old] };

  test('is refused when a schema changes within its version, and it is said what to do.', () => {
    const { problems, added, after } = compare({ data: changed });
    expect(problems).toEqual([
      `tag.added: the schema of version ${was.version} has changed. Put it back, or raise the version to ${next.version}, add the step from version ${was.version} to its upgrades, and run: node scripts/eventCatalogue.ts --write`,
    ]);
    expect(added).toEqual([]);
    expect(after).toEqual(snapshot);
  });

  test('is refused even when it is as small as an optional field or another format.', () => {
    const shape = (was.data as z.ZodObject).shape;
    expect(
      compare({ data: z.strictObject({ ...shape, color: z.string().optional() }) }).problems,
    ).toHaveLength(1);
    expect(compare({ data: z.strictObject({ ...shape, tagId: z.uuid() }) }).problems).toHaveLength(1);
    expect(compare({ data: z.looseObject(shape) }).problems).toHaveLength(1);
  });

  test('is refused when a type is gone.', () => {
    const { [type]: _, ...rest } = catalogue;
    expect(compareEvents(rest, snapshot).problems).toEqual([expect.stringContaining('tag.added is gone')]);
  });

  test('is refused when a version is gone, when one is skipped, and when an upgrade is missing.', () => {
    const later: Snapshot = { ...snapshot, [type]: { ...snapshot[type], [next.version]: {} } };
    expect(compareEvents(catalogue, later).problems).toEqual([
      expect.stringContaining(`version ${next.version} was promised`),
    ]);
    expect(
      compare({ ...next, version: next.version + 1, upgrades: [...next.upgrades, (old: unknown) => old] })
        .problems,
    ).toEqual([expect.stringContaining(`the next one is ${next.version}`)]);
    expect(compare({ data: changed, version: next.version }).problems).toEqual([
      expect.stringContaining('one from each version to the next'),
    ]);
  });

  test('is a new version with an upgrade, beside the old one.', () => {
    const { problems, added, after } = compare({ data: changed, ...next });
    expect(problems).toEqual([]);
    expect(added).toEqual([`tag.added ${next.version}`]);
    expect(after[type]).toMatchObject({
      [was.version]: snapshot[type]![was.version],
      [next.version]: { required: ['tagId'] },
    });
    expect(compareEvents({ ...catalogue, [type]: { ...was, data: changed, ...next } }, after)).toMatchObject({
      problems: [],
      added: [],
    });
  });

  test("is not that the snapshot's keys stand in another order.", () => {
    const backwards = Object.fromEntries(Object.entries(snapshot[type]![was.version]!).reverse());
    expect(compareEvents(catalogue, { ...snapshot, [type]: { [was.version]: backwards } }).problems).toEqual(
      [],
    );
  });
});

describe('node scripts/eventCatalogue.ts', () => {
  const script = 'scripts/eventCatalogue.ts';
  const source = (fields: string) => `
    import { z } from 'zod';
    export const catalogue = { 'tag.made': { version: 1, data: z.strictObject({ ${fields} }), upgrades: [] } };
  `;

  test('adds what is new and never changes what was promised.', () => {
    using tree = plantTree({
      'package.json': '{ "type": "module" }',
      'src/events/catalogue.ts': source('name: z.string()'),
    });
    const file = join(tree.root, 'src/events/catalogue.snapshot.json');
    expect(runScript([script, tree.root])).toEqual({
      ok: false,
      lines: [
        'tag.made 1 is not in the snapshot yet. Run: node scripts/eventCatalogue.ts --write',
        'Events: 1 types, 1 problems.',
      ],
    });
    expect(runScript([script, '--write', tree.root])).toEqual({
      ok: true,
      lines: ['added tag.made 1', 'Events: 1 types, 0 problems.'],
    });
    expect(runScript([script, tree.root])).toEqual({ ok: true, lines: ['Events: 1 types, 0 problems.'] });

    const promised = readFileSync(file, 'utf8');
    using other = plantTree({
      'package.json': '{ "type": "module" }',
      'src/events/catalogue.ts': source('name: z.string(), color: z.string()'),
      'src/events/catalogue.snapshot.json': promised,
    });
    for (const args of [[other.root], ['--write', other.root]]) {
      const { ok, lines } = runScript([script, ...args]);
      expect(ok).toBe(false);
      expect(lines[0]).toContain('tag.made: the schema of version 1 has changed.');
    }
    expect(readFileSync(join(other.root, 'src/events/catalogue.snapshot.json'), 'utf8')).toBe(promised);
  });

  test('finds the catalogue of this repository as promised.', () => {
    expect(runScript([script])).toMatchObject({ ok: true });
  });
});
